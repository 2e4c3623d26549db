"""What a workload's page counts by, in one query: two windows by buckets, the last day, and minutes for its episodes.

A minute is read only near one that is suspicious: a busy workload has 43,200 in 30 days, and most of them are fine.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from psycopg import sql

from dashboard import queries
from dashboard.charts import Grid
from dashboard.standings import SILENT
from fallbacks.rates import Counts
from fallbacks.rollups import TABLES
from fallbacks.states import DAY, MINUTE, Limits, Minute
from fallbacks.timebuckets import LENGTH, Window, floor

# Minutes are read by blocks, and the newest of these alone: a workload that is bad all the time is read for a day.
HOUR = LENGTH["hour"]
BLOCK = timedelta(minutes=10)
MOST_BLOCKS = 156
NOTHING = Minute()

# Every part has these columns; `at` is the start of a bucket.
COLUMNS = "part, at, classes, events, silent, requests, served, failed, blocked"
BUCKETS = """
SELECT {part}, greatest({first}, date_bin({width}::interval, bucket, '1970-01-01 00:00+00')), NULL::text[],
       NULL::bigint[], NULL::bigint, sum(requests)::bigint, sum(served)::bigint, sum(failed)::bigint,
       sum(blocked)::bigint
FROM ({cells}) cells GROUP BY 2
"""
# Blocks in which minutes taken together were bad. Before a minute that has no row, they were taken together with fewer:
# there it is enough that one of them is suspicious (`fallbacks.episodes`). Of answers that users were not told of, the
# hour is known at once, and the minute is not.
SUSPICIOUS = """
SELECT date_bin({length}, bucket, '1970-01-01 00:00+00') AS block FROM (
  SELECT bucket, lead(bucket) OVER (ORDER BY bucket) AS next, sum(requests) OVER together AS requests,
         sum(served) OVER together AS served, sum(failed + blocked) OVER together AS lost,
         sum((served + failed + blocked > 0
              AND greatest(served, failed + blocked) >= {above}::float8 * coalesce(requests, 0))::int
         ) OVER together AS suspicious
  FROM rollup_minute WHERE {of} AND bucket >= {start} AND bucket < {end}
  WINDOW together AS (ORDER BY bucket RANGE BETWEEN {earlier} PRECEDING AND CURRENT ROW)
) minutes
WHERE suspicious > 0
  AND (greatest(served, lost) > {above}::float8 * requests OR next IS DISTINCT FROM bucket + interval '1 minute')
UNION
SELECT bucket + tenth * {length} FROM breakdown_hour, generate_series(0, 5) tenth
WHERE {of} AND bucket >= {hour} AND bucket < {end} AND rules & {silent} <> 0
UNION
"""
MINUTES = """
SELECT 'minute', m.bucket, NULL, NULL, NULL, m.requests, m.served, m.failed, m.blocked
FROM near, LATERAL (SELECT * FROM rollup_minute WHERE {of} AND bucket >= block AND bucket < block + {length}) m
UNION ALL
SELECT 'classes', c.bucket, array_agg(c.error_class), array_agg(c.events), sum(c.silent)::bigint, NULL, NULL, NULL, NULL
FROM near, LATERAL (
  SELECT bucket, error_class, sum(events)::bigint AS events, sum(events) FILTER (WHERE rules & {silent} <> 0) AS silent
  FROM breakdown_minute WHERE {of} AND bucket >= block AND bucket < block + {length} GROUP BY 1, 2
) c GROUP BY c.bucket
UNION ALL
SELECT 'since', min(block), NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM asked_for HAVING count(*) = {most}
"""
NEAR = """
(SELECT DISTINCT block + around * {length} AS block
 FROM ({suspicious} SELECT {running}) blocks, generate_series(-{reach}, {reach}) around
 ORDER BY block DESC LIMIT {most})
"""
# The last day has fewer blocks than that: it takes none from a span that lies before it.
WORKLOAD = """
WITH asked_for AS MATERIALIZED ({asked_for}),
near AS MATERIALIZED (TABLE asked_for {last_day})
SELECT w.id, parts.* FROM workload w LEFT JOIN ({parts}) AS parts ({columns}) ON true WHERE w.slug = {slug}
"""


@dataclass(slots=True)
class Known:
    """What is known of a workload in one environment: counts by bucket, of the last day, and minutes.

    `minutes` are complete wherever an episode may lie, from `since` on where that is not None.
    """

    number: int
    now: dict[datetime, Counts] = field(default_factory=dict)
    before: dict[datetime, Counts] = field(default_factory=dict)
    day: Counts = field(default_factory=Counts)
    minutes: dict[datetime, Minute] = field(default_factory=dict)
    classes: dict[datetime, Counter[str]] = field(default_factory=dict)
    since: datetime | None = None

    def add(self, part: str, at: datetime, row: Sequence[Any]) -> None:
        """Add a row of the query."""
        classes, events, silent, *counts = row
        match part:
            case "now" | "before":
                getattr(self, part)[at] = Counts(*counts)
            case "day":
                self.day += Counts(*counts)
            case "minute":
                self.minutes[at] = Minute(Counts(*counts), self.minutes.get(at, NOTHING).silent)
            case "classes":
                self.classes[at] = Counter(dict(zip(classes, events, strict=True)))
                if silent:
                    self.minutes[at] = Minute(self.minutes.get(at, NOTHING).counts, silent)
            case "since":
                self.since = at


def known(slug: str, environment: str, grid: Grid, earlier: Grid | None, now: datetime, limits: Limits) -> Known | None:
    """Return what is known of the workload; None where there is no such workload. One query."""
    scope = queries.Scope([slug], environment)
    minute = floor(now, MINUTE)
    day = Window(floor(now, HOUR) - DAY + HOUR, minute + MINUTE)
    patience = limits.for_minutes * MINUTE
    looked_at = merged(Window(grid.window.start - patience, grid.window.end), day)
    values = {
        "of": sql.SQL("workload_id = (SELECT id FROM workload WHERE slug = {}) AND environment = {}").format(
            sql.Literal(slug), sql.Literal(environment)
        ),
        "length": sql.SQL("{}::interval").format(sql.Literal(BLOCK)),
        "silent": sql.Literal(SILENT),
        "above": sql.Literal(limits.degraded_above),
        "earlier": sql.SQL("{}::interval").format(sql.Literal(patience - MINUTE)),
        "running": sql.SQL("{}::timestamptz").format(sql.Literal(floor(now, BLOCK))),
        "reach": sql.Literal(-(-patience // BLOCK)),
        "most": sql.Literal(MOST_BLOCKS),
        "slug": sql.Literal(slug),
        "columns": sql.SQL(COLUMNS),
    }
    parts = [buckets("now", grid, scope), buckets("day", Grid(day, "hour", 24), scope)]
    parts += [buckets("before", earlier, scope)] if earlier else []
    parts.append(sql.SQL(MINUTES).format(**values))
    asked_for, *last_day = (near(each, values) for each in looked_at)
    return read(
        sql.SQL(WORKLOAD).format(
            **values,
            asked_for=asked_for,
            last_day=sql.SQL("").join(sql.SQL("UNION {}").format(each) for each in last_day),
            parts=sql.SQL(" UNION ALL ").join(parts),
        )
    )


def near(window: Window, values: Mapping[str, sql.Composable]) -> sql.Composed:
    """Return the blocks of a window at which an episode may lie, the newest of them."""
    suspicious = sql.SQL(SUSPICIOUS).format(
        **values,
        start=sql.Literal(window.start),
        end=sql.Literal(window.end),
        hour=sql.Literal(floor(window.start, HOUR)),
    )
    return sql.SQL(NEAR).format(**values, suspicious=suspicious)


def read(query: sql.Composed) -> Known | None:
    """Put together what the query finds."""
    found: Known | None = None
    with connection.cursor() as cursor:
        cursor.execute(query)
        for number, part, at, *row in cursor.fetchall():
            found = found or Known(number)
            if part is not None:
                found.add(part, at, row)
    return found


def buckets(part: str, grid: Grid, scope: queries.Scope) -> sql.Composed:
    """Return the part that counts a window by buckets, as `queries.counts_by_bucket` does."""
    return sql.SQL(BUCKETS).format(
        part=sql.Literal(part),
        first=sql.Literal(floor(grid.window.start, grid.length)),
        width=sql.Literal(f"{grid.width} {grid.step}"),
        cells=queries.cells(TABLES, queries.CELL, grid.window, grid.step, scope),
    )


def merged(one: Window, other: Window) -> list[Window]:
    """Return the windows, as one where they overlap."""
    if one.end < other.start or other.end < one.start:
        return [one, other]
    return [Window(min(one.start, other.start), max(one.end, other.end))]
