"""Rollups: counts by minute, hour and day, increased by the rows that were really stored.

The recorder has the rows at hand and counts them here, in Python; `fallbacks.recounting` counts the same in SQL from
what is in the tables. Each proves the other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.backends.utils import CursorWrapper

from fallbacks.rates import Counts
from fallbacks.rows import EventRow, TrafficRow
from fallbacks.timebuckets import LENGTH, STEPS, Step, floor

# The table of each step. Always in this order: two transactions that share cells must meet them in the same one.
TABLES: dict[Step, str] = {"minute": "rollup_minute", "hour": "rollup_hour", "day": "rollup_day"}

# The number of the workload, the start of the bucket in UTC, and the environment.
Cell = tuple[int, datetime, str]

INCREASE = """
INSERT INTO {table} AS r (workload_id, bucket, environment, requests, served, failed, blocked)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[],
                     %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ORDER BY 1, 2, 3
ON CONFLICT (workload_id, bucket, environment) DO UPDATE SET
  requests = CASE WHEN excluded.requests IS NULL THEN r.requests ELSE coalesce(r.requests, 0) + excluded.requests END,
  served = r.served + excluded.served,
  failed = r.failed + excluded.failed,
  blocked = r.blocked + excluded.blocked
"""


def increase(cursor: CursorWrapper, minutes: Mapping[Cell, Counts]) -> None:
    """Add the counts of minutes to all three rollups."""
    cells = minutes
    for step in STEPS:
        cells = coarser(cells, step)
        if cells:
            columns = zip(
                *((*cell, c.requests, c.served, c.failed, c.blocked) for cell, c in cells.items()), strict=True
            )
            cursor.execute(INCREASE.format(table=TABLES[step]), [list(column) for column in columns])


def coarser(cells: Mapping[Cell, Counts], step: Step) -> dict[Cell, Counts]:
    """Return the counts by buckets of `step`, which holds the given ones whole."""
    sums: dict[Cell, Counts] = {}
    for (workload, bucket, environment), counts in cells.items():
        add(sums, (workload, floor(bucket, LENGTH[step]), environment), counts)
    return sums


def minutes(ids: Mapping[str, int], events: Iterable[EventRow], traffic: Iterable[TrafficRow]) -> dict[Cell, Counts]:
    """Count rows by minute. `ids` has the number of each workload."""
    sums: dict[Cell, Counts] = {}
    # Offsets are of whole minutes, so a minute starts where its seconds do.
    outcomes = Counter(
        (ids[row.workload], row.occurred_at.replace(second=0, microsecond=0), row.environment, row.outcome)
        for row in events
    )
    for (workload, minute, environment, outcome), number in outcomes.items():
        add(sums, (workload, minute, environment), Counts(**{outcome: number}))
    for row in traffic:
        for minute, requests in spread(row):
            add(sums, (ids[row.workload], minute, row.environment), Counts(requests=requests))
    return sums


def add(sums: dict[Cell, Counts], cell: Cell, counts: Counts) -> None:
    sums[cell] = sums[cell] + counts if cell in sums else counts


def spread(row: TrafficRow) -> list[tuple[datetime, int]]:
    """Return a count's minutes with the requests of each: those due at its end less those due at its start.

    Whole numbers throughout, so that the minutes add up to the count.
    """
    microsecond, minute = timedelta(microseconds=1), LENGTH["minute"]
    start, length = row.start, timedelta(seconds=row.seconds)

    def due(at: datetime) -> int:
        elapsed = min(max(at - start, timedelta()), length)
        return row.requests * (elapsed // microsecond) // (length // microsecond)

    first = floor(start, minute)
    number = -((first - start - length) // minute)
    bounds = [first + n * minute for n in range(number + 1)]
    return [(at, due(after) - due(at)) for at, after in pairwise(bounds)]
