"""Recording: rows and rollups in one transaction, so that counts are those of the rows that are there.

Events may be handed over any number of times: the database refuses duplicates, and only rows that were
really inserted are counted. Everything is inserted in the order of its key, so that two recorders that
meet the same rows wait for each other and never in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
from django.db import DataError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from fallbacks import partitions


class EventRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event, checked and complete: what ingest buffers and the database stores."""

    workload: str
    occurred_at: datetime
    id: str
    received_at: datetime
    environment: str
    primary: str
    fallback: str | None
    status: str
    reason: str
    outcome: str
    error_code: str | None = None
    attempts: int = 1
    user_visible: bool | None = None
    user_notified: bool | None = None
    tier: str | None = None
    payload_class: str | None = None
    provider_features: list[str] | None = None
    request_id: str | None = None
    trace_id: str | None = None
    primary_latency_ms: int | None = None
    fallback_latency_ms: int | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    # JSON text: the database reads it, nobody on the way does.
    attributes: str | None = None


class TrafficRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One count of requests over `start`..`start + seconds`, checked and complete."""

    workload: str
    id: str
    start: datetime
    seconds: int
    received_at: datetime
    environment: str
    model: str | None
    requests: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many of the rows handed over were new."""

    events: int
    traffic: int


# The fields of the two rows, in their order, as the staging tables hold them.
EVENT_TYPES = {
    "workload": "text",
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
    "attempts": "smallint",
    "user_visible": "boolean",
    "user_notified": "boolean",
    "tier": "text",
    "payload_class": "text",
    "provider_features": "text[]",
    "request_id": "text",
    "trace_id": "text",
    "primary_latency_ms": "integer",
    "fallback_latency_ms": "integer",
    "input_tokens": "bigint",
    "cached_input_tokens": "bigint",
    "output_tokens": "bigint",
    "cost_usd": "numeric",
    "attributes": "jsonb",
}
TRAFFIC_TYPES = {
    "workload": "text",
    "id": "text",
    "start": "timestamptz",
    "seconds": "integer",
    "received_at": "timestamptz",
    "environment": "text",
    "model": "text",
    "requests": "bigint",
}


def columns(types: Mapping[str, str], prefix: str = "") -> str:
    """Return the names of the columns, but for the workload, which is stored by its number."""
    return ", ".join(f'{prefix}"{name}"' for name in types if name != "workload")


def declared(types: Mapping[str, str]) -> str:
    """Return the columns as a table declares them."""
    return ", ".join(f'"{name}" {kind}' for name, kind in types.items())


STAGE = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS staged_event ({declared(EVENT_TYPES)}) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_traffic ({declared(TRAFFIC_TYPES)}) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS fresh_cell (
  workload_id bigint, bucket timestamptz, environment text,
  requests bigint, served bigint, failed bigint, blocked bigint
) ON COMMIT DELETE ROWS;
-- Empty already, unless the caller has recorded in the same transaction before.
DELETE FROM staged_event; DELETE FROM staged_traffic; DELETE FROM fresh_cell;
"""

ADD_WORKLOADS = """
INSERT INTO workload (slug)
SELECT DISTINCT s.workload FROM (SELECT workload FROM staged_event UNION ALL SELECT workload FROM staged_traffic) s
WHERE NOT EXISTS (SELECT FROM workload w WHERE w.slug = s.workload)
ORDER BY 1
ON CONFLICT DO NOTHING
"""

# How events become cells of the minute rollup. `check_rollups` recounts by the same words.
EVENT_CELLS = """
SELECT workload_id, date_trunc('minute', occurred_at, 'UTC') AS bucket, environment, NULL::bigint AS requests,
       count(*) FILTER (WHERE outcome = 'served') AS served,
       count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome = 'blocked') AS blocked
FROM {source} GROUP BY 1, 2, 3
"""

# How a count becomes cells: to each minute the requests that are due at its end less those that were due at its
# start, in whole numbers, so that the minutes add up to the count.
TRAFFIC_CELLS = """
SELECT workload_id, minute AS bucket, environment,
       sum(floor(requests * least(seconds, extract(epoch FROM minute - start) + 60) / seconds)
           - floor(requests * greatest(0, extract(epoch FROM minute - start)) / seconds))::bigint AS requests,
       0::bigint AS served, 0::bigint AS failed, 0::bigint AS blocked
FROM {source}, generate_series(date_trunc('minute', start, 'UTC'),
     start + make_interval(secs => seconds) - interval '1 microsecond', '1 minute') AS minute
GROUP BY 1, 2, 3
"""

INSERT_EVENTS = f"""
WITH inserted AS (
  INSERT INTO event (workload_id, {columns(EVENT_TYPES)})
  SELECT w.id, {columns(EVENT_TYPES, "s.")}
  FROM staged_event s JOIN workload w ON w.slug = s.workload
  ORDER BY w.id, s.occurred_at, s.id
  ON CONFLICT DO NOTHING
  RETURNING workload_id, occurred_at, environment, outcome
)
INSERT INTO fresh_cell {EVENT_CELLS.format(source="inserted")}
"""

INSERT_TRAFFIC = f"""
WITH inserted AS (
  INSERT INTO traffic (workload_id, {columns(TRAFFIC_TYPES)})
  SELECT w.id, {columns(TRAFFIC_TYPES, "s.")}
  FROM staged_traffic s JOIN workload w ON w.slug = s.workload
  ORDER BY w.id, s.id
  ON CONFLICT DO NOTHING
  RETURNING workload_id, start, seconds, environment, requests
), cells AS ({TRAFFIC_CELLS.format(source="inserted")}),
kept AS (INSERT INTO fresh_cell SELECT * FROM cells)
SELECT count(*) FROM inserted
"""

INCREASE = """
INSERT INTO {rollup} AS r (workload_id, bucket, environment, requests, served, failed, blocked)
SELECT workload_id, date_trunc('{step}', bucket, 'UTC'), environment,
       sum(requests), sum(served), sum(failed), sum(blocked)
FROM fresh_cell GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (workload_id, bucket, environment) DO UPDATE SET
  requests = CASE WHEN excluded.requests IS NULL THEN r.requests ELSE coalesce(r.requests, 0) + excluded.requests END,
  served = r.served + excluded.served,
  failed = r.failed + excluded.failed,
  blocked = r.blocked + excluded.blocked
"""
# Always in this order: two transactions that share cells must meet them in the same one.
ROLLUPS = {"minute": "rollup_minute", "hour": "rollup_hour", "day": "rollup_day"}


# A value beyond a limit of PostgreSQL's, such as a row too large for an index. psycopg takes that class of errors for
# trouble of the server's, which would be tried again for ever.
TOO_LARGE = "54"


def record(events: Sequence[EventRow], traffic: Sequence[TrafficRow] = ()) -> Recorded:
    """Store events and traffic counts, and increase the rollups by what was new, in one transaction.

    Raises django.db.DataError or IntegrityError where the database refuses a value (then nothing of the
    call is stored), OperationalError where it cannot be reached.
    """
    partitions.ensure_known(days_of(events))
    try:
        return _record(events, traffic)
    except OperationalError as error:
        if str(getattr(error.__cause__, "sqlstate", "")).startswith(TOO_LARGE):
            raise DataError(*error.args) from error
        raise


def _record(events: Sequence[EventRow], traffic: Sequence[TrafficRow]) -> Recorded:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGE)
        copy(cursor, "staged_event", events)
        copy(cursor, "staged_traffic", traffic)
        cursor.execute(ADD_WORKLOADS)
        stored = Recorded(
            events=insert_events(cursor) if events else 0,
            traffic=insert_traffic(cursor) if traffic else 0,
        )
        if stored.events or stored.traffic:
            for step, rollup in ROLLUPS.items():
                cursor.execute(INCREASE.format(rollup=rollup, step=step))
    return stored


def insert_events(cursor: CursorWrapper) -> int:
    """Insert what is staged, put the cells of what was new into `fresh_cell`, and return how many those were."""
    cursor.execute(INSERT_EVENTS)
    cursor.execute("SELECT coalesce(sum(served + failed + blocked), 0)::bigint FROM fresh_cell")
    (count,) = cursor.fetchone()
    return int(count)


def insert_traffic(cursor: CursorWrapper) -> int:
    """Insert what is staged, add the cells of what was new to `fresh_cell`, and return how many those were."""
    cursor.execute(INSERT_TRAFFIC)
    (count,) = cursor.fetchone()
    return int(count)


def copy(cursor: CursorWrapper, target: str, rows: Iterable[EventRow | TrafficRow]) -> None:
    """COPY rows, whose fields are in the order of the target's columns."""
    # Not one of the methods whose errors Django wraps by itself.
    with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as out:
        for row in rows:
            out.write_row(msgspec.structs.astuple(row))


def days_of(events: Iterable[EventRow]) -> set[date]:
    """Return the days, in UTC, that need a partition."""
    return {event.occurred_at.astimezone(UTC).date() for event in events}
