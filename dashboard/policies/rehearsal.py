"""What a policy would have meant: the events of the last days, judged by a draft of it.

Events are put together by all that a verdict depends on, and each such group is judged once. This reads rows, not
rollups, and is given up where that takes too long.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction
from psycopg import sql

from fallbacks.judging import FACTS
from fallbacks.policy import Model, Policy
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import RULES, Facts, judge, mask, named

SPAN = timedelta(days=7)
PATIENCE = "5s"
# Events that differ this much tell little together, and take long to judge.
MOST_GROUPS = 20_000


class TooMany(Exception):
    """There are too many events to tell in time."""


@dataclass(frozen=True, slots=True)
class Group:
    """Events that are alike to a verdict, how many, and the rules that they were judged to break, as bits."""

    facts: Facts
    at: datetime
    rules: int
    events: int


@dataclass(frozen=True, slots=True)
class Change:
    """How many events would break a rule that they did not, and the other way round."""

    rule: str
    more: int
    fewer: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the draft would have meant for `events`: how many would be violations that are none, and none that are."""

    events: int
    violations: int
    become: int
    cease: int
    changes: list[Change]


def rehearse(workload: str, draft: Policy, book: Rulebook, now: datetime) -> Rehearsal:
    """Judge the workload's events of the last 7 days by the draft. Raises TooMany."""

    def enabled(facts: Facts, at: datetime) -> bool:
        return book.is_enabled(workload, facts.primary, facts.fallback, at)

    return judged(groups(workload, book, now), draft, book.models, enabled)


def judged(
    found: Iterable[Group], draft: Policy, models: Mapping[str, Model], enabled: Callable[[Facts, datetime], bool]
) -> Rehearsal:
    """Compare what each group was judged to be with what it would be by the draft. Pure."""
    events = violations = become = cease = 0
    more: dict[str, int] = defaultdict(int)
    fewer: dict[str, int] = defaultdict(int)
    for group in found:
        rules = mask(judge(group.facts, draft, models, enabled=enabled(group.facts, group.at)).rules)
        events += group.events
        violations += group.events * bool(group.rules)
        become += group.events * (not group.rules and bool(rules))
        cease += group.events * (bool(group.rules) and not rules)
        for rule in named(rules & ~group.rules):
            more[rule] += group.events
        for rule in named(group.rules & ~rules):
            fewer[rule] += group.events
    changes = [Change(rule, more[rule], fewer[rule]) for rule in RULES if rule in more or rule in fewer]
    return Rehearsal(events, violations, become, cease, changes)


def groups(workload: str, book: Rulebook, now: datetime) -> Iterator[Group]:
    """Return the workload's events of the last 7 days, put together. One query. Raises TooMany."""
    # Whether a route was enabled changes at these moments alone.
    turns = [now - SPAN, *(moment for moment in book.turns.get(workload, ()) if now - SPAN < moment < now)]
    columns = sql.SQL(", ").join(map(sql.Identifier, (*FACTS, "provider_features", "rules")))
    query = sql.SQL(
        "SELECT {columns}, width_bucket(occurred_at, {turns}::timestamptz[]) AS era, count(*)"
        " FROM event WHERE workload_id = (SELECT id FROM workload WHERE slug = {slug})"
        " AND occurred_at >= {since} AND occurred_at < {now} GROUP BY {columns}, era LIMIT {most}"
    ).format(
        columns=columns,
        turns=sql.Literal(turns),
        slug=sql.Literal(workload),
        since=sql.Literal(turns[0]),
        now=sql.Literal(now),
        most=sql.Literal(MOST_GROUPS + 1),
    )
    rows = _patiently(query)
    if len(rows) > MOST_GROUPS:
        raise TooMany
    middles = [start + (end - start) / 2 for start, end in pairwise([*turns, now])]
    for *facts, features, rules, era, count in rows:
        known = dict(zip(FACTS, facts, strict=True))
        yield Group(Facts(**known, provider_features=frozenset(features or ())), middles[era - 1], rules, count)


def _patiently(query: sql.Composed) -> list[tuple[Any, ...]]:
    """Run a query that may take long, and not for ever. Raises TooMany."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{PATIENCE}'")
            cursor.execute(query)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TooMany from error
        raise
