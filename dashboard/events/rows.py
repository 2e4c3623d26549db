"""Rows of events, newest first: pages of those that match, found by work that has an end whatever is asked."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from dashboard.events.conditions import IDS, Filters, both
from dashboard.queries import Scope
from fallbacks.models import Event, Workload
from fallbacks.timebuckets import LENGTH, Window, ceil, floor

# The whole key takes part in the order, so that a page boundary among events of one instant loses none.
Key = tuple[datetime, int, str]
ORDER = ("occurred_at", "workload_id", "id")
COLUMNS = [str(field.column) for field in Event._meta.concrete_fields]
# Rows that one request looks at. A filter that neither an index nor a rollup knows may match none of 20 million.
MOST_SEARCHED = 50_000
# Rows that are made of what the database sent before other threads have their turn.
AT_ONCE = 200
# Of one id. Nobody has as many events by chance, but whoever sends them may.
MOST_OF_AN_ID = 10_000

# `place` counts what was looked at. The last place comes back whether it matches or not: it tells where the search
# ended. Inner limits stop the scan; nothing may be moved past them.
SEARCH = """
SELECT {columns}, (SELECT slug FROM workload w WHERE w.id = workload_id), place, matches FROM (
  SELECT *, row_number() OVER (ORDER BY {order}) AS place, coalesce({condition}, FALSE) AS matches
  FROM (SELECT {columns} FROM event WHERE {span} ORDER BY {order} LIMIT {most}) searched
) judged WHERE matches OR place = {most} ORDER BY {order} LIMIT {limit}
"""
# By an id, few rows are found at once, in any order: in whole partitions first, so that no index by time is of use.
OF_AN_ID = """
WITH searched AS MATERIALIZED (SELECT {columns} FROM event WHERE {ids} AND {days} LIMIT {most})
SELECT {columns}, (SELECT slug FROM workload w WHERE w.id = workload_id), 0, TRUE
FROM searched WHERE {span} AND {condition} ORDER BY {order} LIMIT {limit}
"""
# The planner takes it that every range of a bloom index matches, and would read all rows rather than the index.
INDEXES_OF_IDS = """
SELECT set_config(name, value, true) FROM (VALUES
  ('enable_seqscan', 'off'), ('enable_indexscan', 'off'), ('enable_indexonlyscan', 'off'),
  ('max_parallel_workers_per_gather', '0')) AS of_a_transaction (name, value)
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events, newest first.

    `more`: in the direction that was gone there are others that match. `searched_to`: the search ended there before
    the page was full; rows beyond it were not looked at.
    """

    events: list[Event]
    more: bool = False
    searched_to: Key | None = None


def key_of(event: Event) -> Key:
    """Return an event's place in the order."""
    return event.occurred_at, event.workload_id, event.id


def page(
    window: Window,
    scope: Scope,
    filters: Filters,
    limit: int,
    *,
    after: Key | None = None,
    before: Key | None = None,
) -> Page:
    """Return the newest events that match, those that follow the key `after`, or those just newer than `before`."""
    statement = search(window, scope, filters, limit, after=after, before=before)
    return _page(list(read(statement, by_id=filters.by_id)), limit, before is not None)


def search(
    window: Window,
    scope: Scope,
    filters: Filters,
    limit: int,
    *,
    after: Key | None = None,
    before: Key | None = None,
) -> sql.Composed:
    """Return the statement that finds a page: `COLUMNS`, the workload's slug, how many rows were looked at until then,
    and whether the row matches. It finds one more than the page has, where there is more."""
    span = both([within(window), *_beyond(after, "<"), *_beyond(before, ">")])
    given = {
        "columns": listed(COLUMNS),
        "order": newest_first() if before is None else oldest_first(),
        "limit": sql.Literal(limit + 1),
    }
    if filters.by_id:
        return sql.SQL(OF_AN_ID).format(
            **given,
            ids=filters.only(IDS).condition,
            days=within(whole_days(window.start, window.end)),
            span=span,
            condition=both([*_of_scope(scope), filters.without(IDS).condition]),
            most=sql.Literal(MOST_OF_AN_ID),
        )
    return sql.SQL(SEARCH).format(
        **given,
        span=both([span, *_indexed(scope, filters)]),
        condition=both([*_of_scope(scope), filters.condition]),
        most=sql.Literal(MOST_SEARCHED),
    )


def latest(window: Window, scope: Scope, filters: Filters, limit: int) -> list[Event]:
    """Return the newest events that match, and no more than were found at once."""
    return page(window, scope, filters, limit).events


def one(key: Key) -> Event | None:
    """Return the event of a key, with its workload; None where it is not there or not kept any more."""
    moment, workload_id, name = key
    found = Event.objects.filter(workload_id=workload_id, occurred_at=moment, id=name)
    return found.select_related("workload").first()


def read(statement: sql.Composable, *, by_id: bool) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a statement that selects `COLUMNS`, the workload's slug, and others: an event, then these."""
    names = [field.attname for field in Event._meta.concrete_fields]
    for row in fetched(statement, by_id=by_id):
        values = dict(zip(names, row, strict=False))
        values["attributes"] = json.loads(values["attributes"] or "null")
        event = Event.from_db(connection.alias, names, values.values())
        event.workload = Workload(id=event.workload_id, slug=row[len(names)])
        yield event, *row[len(names) + 1 :]


def fetched(statement: sql.Composable, *, by_id: bool) -> list[tuple[Any, ...]]:
    """Return the rows as they are. One query; two `by_id`, of which the first is for the planner."""
    with transaction.atomic() if by_id else contextlib.nullcontext(), connection.cursor() as cursor:
        if by_id:
            cursor.execute(INDEXES_OF_IDS)
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = []
        # All of a long page at once would keep this process's other threads waiting, and they take events.
        while some := cursor.fetchmany(AT_ONCE):
            rows += some
        return rows


def listed(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def within(window: Window) -> sql.Composable:
    """Return the condition that an event occurred in the window."""
    return sql.SQL("occurred_at >= {} AND occurred_at < {}").format(sql.Literal(window.start), sql.Literal(window.end))


def whole_days(start: datetime, end: datetime) -> Window:
    """Return the days, in UTC, that hold these times: whole partitions."""
    return Window(floor(start, LENGTH["day"]), ceil(end, LENGTH["day"]))


def _page(rows: Sequence[tuple[Any, ...]], limit: int, backwards: bool) -> Page:
    found = [event for event, _, matches in rows if matches]
    events = found[:limit]
    more = len(found) > limit
    ended = not more and bool(rows) and rows[-1][1] == MOST_SEARCHED
    return Page(events[::-1] if backwards else events, more, key_of(rows[-1][0]) if ended else None)


def newest_first() -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("{} DESC").format(sql.Identifier(name)) for name in ORDER)


def oldest_first() -> sql.Composable:
    return listed(ORDER)


def _beyond(key: Key | None, sign: str) -> Iterator[sql.Composable]:
    if key is not None:
        # The first alone as well: by it partitions and the index are chosen.
        yield sql.SQL(f"occurred_at {sign}= {{}}").format(sql.Literal(key[0]))
        yield sql.SQL(f"(occurred_at, workload_id, id) {sign} ({{}})").format(sql.SQL(", ").join(map(sql.Literal, key)))


def _indexed(scope: Scope, filters: Filters) -> Iterator[sql.Composable]:
    """Give the condition that an index answers together with the order: one alone, so that nothing is filtered."""
    if filters.of_broken:
        # Above zero: that is what the index of broken rules knows.
        yield sql.SQL("rules > 0")
    elif scope.workloads is not None and len(scope.workloads) == 1:
        yield sql.SQL("workload_id = (SELECT id FROM workload WHERE slug = {})").format(
            sql.Literal(next(iter(scope.workloads)))
        )


def _of_scope(scope: Scope) -> Iterator[sql.Composable]:
    if scope.environment is not None:
        yield sql.SQL("environment = {}").format(sql.Literal(scope.environment))
    if scope.workloads is not None:
        yield sql.SQL("workload_id = ANY(ARRAY(SELECT id FROM workload WHERE slug = ANY({})))").format(
            sql.Literal(list(scope.workloads))
        )
