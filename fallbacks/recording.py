"""Recording: rows and rollups in one transaction, so that counts are those of the rows that are there.

Events may be handed over any number of times: the database refuses duplicates, and only rows that were
really inserted are counted. Everything is inserted in the order of its key, so that two recorders that
meet the same rows wait for each other and never in a circle.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from operator import itemgetter
from typing import Any

import msgspec
import psycopg
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.types.json import Jsonb

from fallbacks import partitions, rollups, rulebook, sampling
from fallbacks.judging import judge_by
from fallbacks.measures import Assessed
from fallbacks.pricing import Costs, costs
from fallbacks.rows import EventRow, TrafficRow
from fallbacks.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many of the rows handed over were new."""

    events: int
    traffic: int


# The columns of the event table, in the order of the row's fields: the workload goes by its number. Whole numbers that
# are sent are bigint throughout: binary COPY would cut them to less without a word.
EVENT_TYPES = {
    "workload_id": "bigint",
    "occurred_at": "timestamptz",
    "id": "text",
    "received_at": "timestamptz",
    "environment": "text",
    "primary": "text",
    "fallback": "text",
    "status": "text",
    "reason": "text",
    "outcome": "text",
    "error_code": "text",
    "attempts": "bigint",
    "user_visible": "boolean",
    "user_notified": "boolean",
    "tier": "text",
    "payload_class": "text",
    "provider_features": "text[]",
    "request_id": "text",
    "trace_id": "text",
    "primary_latency_ms": "bigint",
    "fallback_latency_ms": "bigint",
    "input_tokens": "bigint",
    "cached_input_tokens": "bigint",
    "output_tokens": "bigint",
    "cost_usd": "numeric",
    "attributes": "jsonb",
    "primary_cost_usd": "numeric",
    "cache_loss_usd": "numeric",
    # The verdict.
    "error_class": "text",
    "rules": "integer",
    "policy_version": "integer",
    "who_acts": "text",
    "notice_due": "boolean",
}
EVENT_COLUMNS = ", ".join(f'"{name}"' for name in EVENT_TYPES)

# A row's key: the number of its workload, its time and its id.
EventKey = tuple[int, Any, str]
# Events in the order of their keys.
Ordered = Mapping[EventKey, Assessed]

# Emptied, should the caller have recorded in the same transaction before.
STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_event (LIKE event INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
DELETE FROM staged_event
"""
# Staged in the order of the key, and read in the order in which it was staged.
INSERT_STAGED = f"""
INSERT INTO event ({EVENT_COLUMNS}) SELECT {EVENT_COLUMNS} FROM staged_event ORDER BY ctid
ON CONFLICT DO NOTHING RETURNING workload_id, occurred_at, id
"""

INSERT_TRAFFIC = """
INSERT INTO traffic (workload_id, id, start, seconds, received_at, environment, model, requests)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::integer[], %s::timestamptz[],
                     %s::text[], %s::text[], %s::bigint[])
ORDER BY 1, 2
ON CONFLICT DO NOTHING RETURNING workload_id, id
"""

# A value beyond a limit of PostgreSQL's, such as a row too large for an index. psycopg takes that class of errors for
# trouble of the server's, which would be tried again for ever.
TOO_LARGE = "54"

# After a batch in which events came again, so many more are expected to be like it.
CAREFUL_FOR = 50
_careful = 0


def record(events: Sequence[EventRow], traffic: Sequence[TrafficRow] = ()) -> Recorded:
    """Store events and traffic counts, and increase the rollups by what was new, in one transaction.

    Raises django.db.DataError or IntegrityError where the database refuses a value (then nothing of the
    call is stored), OperationalError where it cannot be reached.
    """
    partitions.ensure_known(days_of(events))
    return insert(events, traffic)


def insert(events: Sequence[EventRow], traffic: Sequence[TrafficRow] = ()) -> Recorded:
    """Do the same where the partitions of all events are there."""
    try:
        return _insert(events, traffic)
    except OperationalError as error:
        if str(getattr(error.__cause__, "sqlstate", "")).startswith(TOO_LARGE):
            raise DataError(*error.args) from error
        raise


def _insert(events: Sequence[EventRow], traffic: Sequence[TrafficRow]) -> Recorded:
    with transaction.atomic(), connection.cursor() as cursor:
        ids = workload_ids(cursor, {row.workload for row in events} | {row.workload for row in traffic})
        new_events = insert_events(cursor, ids, events)
        if any(event.row.sample is not None for event in new_events):
            sampling.pick(cursor, ids, new_events, rulebook.current())
        new_traffic = insert_traffic(cursor, ids, traffic)
        rollups.increase(cursor, ids, new_events, new_traffic)
    return Recorded(len(new_events), len(new_traffic))


def workload_ids(cursor: CursorWrapper, slugs: set[str]) -> dict[str, int]:
    """Return the number of each workload; those that are not there yet are made."""
    find = "SELECT slug, id FROM workload WHERE slug = ANY(%s)"
    cursor.execute(find, [list(slugs)])
    ids = dict(cursor.fetchall())
    if missing := sorted(slugs - ids.keys()):
        cursor.execute("INSERT INTO workload (slug) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [missing])
        cursor.execute(find, [missing])
        ids |= dict(cursor.fetchall())
    return ids


def insert_events(cursor: CursorWrapper, ids: Mapping[str, int], events: Sequence[EventRow]) -> Collection[Assessed]:
    """Judge events, insert those that are not there yet, and return those.

    Nearly always none is there: then they are copied straight into their table, which takes half as long as staging
    them. Where one is, the copy is taken back; and since it leaves dead rows behind, it is not tried again too soon.
    """
    global _careful
    if not events:
        return ()
    ordered = assessed(sorted_once(ids, events))
    if not _careful:
        try:
            with transaction.atomic():
                copy(cursor, "event", ordered)
            return ordered.values()
        except IntegrityError as error:
            if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise
            _careful = CAREFUL_FOR
    _careful = max(0, _careful - 1)
    return insert_unseen(cursor, ordered)


def sorted_once(ids: Mapping[str, int], events: Sequence[EventRow]) -> Mapping[EventKey, EventRow]:
    """Return events in the order of their keys; of equal ones the first."""
    keyed = {(ids[row.workload], row.occurred_at, row.id): row for row in reversed(events)}
    return dict(sorted(keyed.items(), key=itemgetter(0)))


def assessed(events: Mapping[EventKey, EventRow]) -> Ordered:
    """Return events with their verdicts and costs, by the rulebook as it is until the caller's transaction ends."""
    book = rulebook.current()
    verdicts = judge_by(book).verdicts(events.values())
    return {
        key: Assessed(row, verdict, costs_of(row, book))
        for (key, row), verdict in zip(events.items(), verdicts, strict=True)
    }


def costs_of(row: EventRow, book: Rulebook) -> Costs:
    """Return what the event cost, by the prices of the catalogue where the sender told nothing.

    Raises ValueError for a cost that is none, which the column would take: NaN is a number to PostgreSQL.
    """
    if row.cost_usd is not None and not (row.cost_usd.is_finite() and row.cost_usd >= 0):
        raise ValueError(f"{row.cost_usd} is no cost: it must be a number from 0")
    if row.outcome != "served" or (row.input_tokens is None and row.output_tokens is None):
        return Costs(row.cost_usd)
    primary, fallback = book.models.get(row.primary), book.models.get(row.fallback or "")
    return costs(primary, fallback, row.cost_usd, row.input_tokens, row.cached_input_tokens, row.output_tokens)


def insert_unseen(cursor: CursorWrapper, events: Ordered) -> Collection[Assessed]:
    """Insert events of which some may be there, and return those that were not."""
    cursor.execute(STAGE)
    copy(cursor, "staged_event", events)
    cursor.execute(INSERT_STAGED)
    return [events[key] for key in cursor.fetchall()]


def copy(cursor: CursorWrapper, target: str, events: Ordered) -> None:
    """COPY events into a table that has the columns of the event table."""
    # Not one of the methods whose errors Django wraps by itself.
    with (
        connection.wrap_database_errors,
        cursor.copy(f"COPY {target} ({EVENT_COLUMNS}) FROM STDIN (FORMAT BINARY)") as out,
    ):
        out.set_types(list(EVENT_TYPES.values()))
        for (workload, *_), (row, verdict, costs) in events.items():
            _, *values, _, attributes, _ = msgspec.structs.astuple(row)
            attributes = None if attributes is None else Jsonb(attributes, dumps=str)
            out.write_row((workload, *values, costs.answer, attributes, costs.primary, costs.cache_loss, *verdict))


def insert_traffic(
    cursor: CursorWrapper, ids: Mapping[str, int], traffic: Sequence[TrafficRow]
) -> Collection[TrafficRow]:
    """Insert counts that are not there yet, and return those."""
    keyed = {(ids[row.workload], row.id): row for row in reversed(traffic)}
    if not keyed:
        return ()
    columns = zip(*((key[0], *msgspec.structs.astuple(row)[1:]) for key, row in keyed.items()), strict=True)
    cursor.execute(INSERT_TRAFFIC, [list(column) for column in columns])
    return [keyed[key] for key in cursor.fetchall()]


def days_of(events: Iterable[EventRow]) -> set[date]:
    """Return the days, in UTC, that need a partition."""
    return {event.occurred_at.astimezone(UTC).date() for event in events}
