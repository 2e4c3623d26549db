"""Recounting: what the rollups should hold, worked out anew from the rows, and the cells that differ."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from fallbacks import retention
from fallbacks.rates import Counts
from fallbacks.rollups import TABLES
from fallbacks.timebuckets import STEPS, Step

# How events become cells of the minute rollup.
EVENT_CELLS = """
SELECT workload_id, date_trunc('minute', occurred_at, 'UTC') AS bucket, environment, NULL::bigint AS requests,
       count(*) FILTER (WHERE outcome = 'served') AS served,
       count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome = 'blocked') AS blocked
FROM {source} GROUP BY 1, 2, 3
"""

# How counts become cells: to each minute the requests that are due at its end less those that were due at its
# start, in whole numbers, so that the minutes add up to the count.
TRAFFIC_CELLS = """
SELECT workload_id, minute AS bucket, environment,
       sum(div(requests * least(seconds * 1e6, passed + 60e6), seconds * 1e6)
           - div(requests * greatest(0, passed), seconds * 1e6))::bigint AS requests,
       0::bigint AS served, 0::bigint AS failed, 0::bigint AS blocked
FROM {source}, generate_series(date_trunc('minute', start, 'UTC'),
     start + make_interval(secs => seconds) - interval '1 microsecond', '1 minute') AS minute,
     LATERAL (SELECT extract(epoch FROM minute - start) * 1e6 AS passed) AS microseconds
GROUP BY 1, 2, 3
"""

RECOUNT = f"""
CREATE TEMPORARY TABLE recount ON COMMIT DROP AS
SELECT workload_id, bucket, environment, sum(requests)::bigint AS requests,
       sum(served)::bigint AS served, sum(failed)::bigint AS failed, sum(blocked)::bigint AS blocked
FROM ({EVENT_CELLS.format(source="event")} UNION ALL {TRAFFIC_CELLS.format(source="traffic")}) cells
WHERE bucket >= %(since)s GROUP BY 1, 2, 3
"""

TRUTH = """
SELECT workload_id, date_trunc('{step}', bucket, 'UTC') AS bucket, environment, sum(requests)::bigint AS requests,
       sum(served)::bigint AS served, sum(failed)::bigint AS failed, sum(blocked)::bigint AS blocked
FROM recount WHERE bucket >= %(since)s GROUP BY 1, 2, 3
"""

COMPARE = """
SELECT coalesce((SELECT slug FROM workload WHERE id = workload_id), '#' || workload_id), bucket, environment,
       h.requests, coalesce(h.served, 0), coalesce(h.failed, 0), coalesce(h.blocked, 0),
       t.requests, coalesce(t.served, 0), coalesce(t.failed, 0), coalesce(t.blocked, 0)
FROM (SELECT * FROM {rollup} WHERE bucket >= %(since)s) h
FULL JOIN ({truth}) t USING (workload_id, bucket, environment)
WHERE (h.requests, h.served, h.failed, h.blocked) IS DISTINCT FROM (t.requests, t.served, t.failed, t.blocked)
ORDER BY 1, 2, 3
"""

REMOVE = """
DELETE FROM {rollup} h WHERE bucket >= %(since)s AND NOT EXISTS (
  SELECT FROM ({truth}) t
  WHERE (t.workload_id, t.bucket, t.environment) = (h.workload_id, h.bucket, h.environment))
"""

REPLACE = """
INSERT INTO {rollup} AS h (workload_id, bucket, environment, requests, served, failed, blocked)
SELECT * FROM ({truth}) t ORDER BY 1, 2, 3
ON CONFLICT (workload_id, bucket, environment) DO UPDATE SET
  requests = excluded.requests, served = excluded.served, failed = excluded.failed, blocked = excluded.blocked
WHERE (h.requests, h.served, h.failed, h.blocked)
  IS DISTINCT FROM (excluded.requests, excluded.served, excluded.failed, excluded.blocked)
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell of a rollup that is not what the rows say."""

    step: str
    workload: str
    bucket: datetime
    environment: str
    held: Counts
    true: Counts


def compare(*, repair: bool = False) -> list[Difference]:
    """Return every cell of every rollup that differs from the rows; with `repair`, make them equal.

    Safe while events come in: it sees one instant, in which rows and rollups agree, since they are
    committed together. A repair keeps recorders waiting for as long as the recount takes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if repair:
            # In the recorders' order. Their rows that are not committed yet are not counted here, and they add
            # them once this is done.
            cursor.execute(f"LOCK TABLE {', '.join(TABLES.values())} IN SHARE ROW EXCLUSIVE MODE")
        else:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows, since = _kept_since(timezone.now())
        cursor.execute(RECOUNT, {"since": rows})
        found = [difference for step in STEPS for difference in _differences(cursor, step, since[step])]
        if repair and found:
            for step in STEPS:
                words = {"rollup": TABLES[step], "truth": TRUTH.format(step=step)}
                cursor.execute(REMOVE.format(**words), {"since": since[step]})
                cursor.execute(REPLACE.format(**words), {"since": since[step]})
    return found


def _differences(cursor: CursorWrapper, step: Step, since: datetime) -> list[Difference]:
    cursor.execute(COMPARE.format(rollup=TABLES[step], truth=TRUTH.format(step=step)), {"since": since})
    return [
        Difference(step, row[0], row[1], row[2], held=Counts(*row[3:7]), true=Counts(*row[7:11]))
        for row in cursor.fetchall()
    ]


def _kept_since(now: datetime) -> tuple[datetime, dict[Step, datetime]]:
    """Return from when on all rows are kept, and from when on each rollup can be recounted from them."""
    rows, rollups = retention.rows_kept_since(now), retention.rollups_kept_since(now)
    return rows, {step: max(rows, rollups.get(step, rows)) for step in STEPS}
