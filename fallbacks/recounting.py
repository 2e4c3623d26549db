"""Recounting: what the rollups should hold, worked out anew from the rows, and the cells that differ."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from fallbacks import retention
from fallbacks.latencies import BINS, BOUNDS
from fallbacks.rollups import BREAKDOWNS, HISTOGRAM, TABLES
from fallbacks.timebuckets import STEPS, Step

# How events become cells of the minute rollup.
EVENT_CELLS = """
SELECT workload_id, date_trunc('minute', occurred_at, 'UTC') AS bucket, environment, NULL::bigint AS requests,
       count(*) FILTER (WHERE outcome = 'served') AS served,
       count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome = 'blocked') AS blocked
FROM event GROUP BY 1, 2, 3
"""

# How counts become cells: to each minute the requests that are due at its end less those that were due at its
# start, in whole numbers, so that the minutes add up to the count.
TRAFFIC_CELLS = """
SELECT workload_id, minute AS bucket, environment,
       sum(div(requests * least(seconds * 1e6, passed + 60e6), seconds * 1e6)
           - div(requests * greatest(0, passed), seconds * 1e6))::bigint AS requests,
       0::bigint AS served, 0::bigint AS failed, 0::bigint AS blocked
FROM traffic, generate_series(date_trunc('minute', start, 'UTC'),
     start + make_interval(secs => seconds) - interval '1 microsecond', '1 minute') AS minute,
     LATERAL (SELECT extract(epoch FROM minute - start) * 1e6 AS passed) AS microseconds
GROUP BY 1, 2, 3
"""

NARROW_CELLS = f"""
SELECT workload_id, bucket, environment, sum(requests)::bigint AS requests, sum(served)::bigint AS served,
       sum(failed)::bigint AS failed, sum(blocked)::bigint AS blocked
FROM ({EVENT_CELLS} UNION ALL {TRAFFIC_CELLS}) both_kinds GROUP BY 1, 2, 3
"""

# What becomes the histogram of a column: each event is one in its bin.
ONES = f"""
array_agg({BINS} + width_bucket({{0}}, ARRAY{list(BOUNDS)}::bigint[])) FILTER (WHERE {{0}} IS NOT NULL)
"""

# How events become cells of the minute breakdown. Only answers by a fallback have a primary's cost.
KINDS = f"""
SELECT workload_id, date_trunc('minute', occurred_at, 'UTC') AS bucket, environment, "primary",
       coalesce(fallback, '') AS fallback, error_class, outcome, rules,
       count(*) AS events,
       count(*) FILTER (WHERE notice_due) AS notices_due,
       count(cost_usd + primary_cost_usd) AS priced,
       coalesce(sum(cost_usd) FILTER (WHERE primary_cost_usd IS NOT NULL), 0) AS cost_usd,
       coalesce(sum(primary_cost_usd) FILTER (WHERE cost_usd IS NOT NULL), 0) AS primary_cost_usd,
       coalesce(sum(least(cached_input_tokens, input_tokens))
                FILTER (WHERE outcome = 'served' AND cached_input_tokens IS NOT NULL), 0) AS cached_tokens_lost,
       coalesce(sum(cache_loss_usd), 0) AS cache_loss_usd,
       {ONES.format("primary_latency_ms")} AS primary_ones,
       {ONES.format("fallback_latency_ms")} AS fallback_ones
FROM event GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
KIND_CELLS = f"""
SELECT *, {HISTOGRAM.format("primary_ones")} AS primary_ms, {HISTOGRAM.format("fallback_ones")} AS fallback_ms
FROM ({KINDS}) kinds
"""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of rollups: its tables, the columns of its key, those that are added up and how, and how rows become
    its cells."""

    tables: Mapping[Step, str]
    key: tuple[str, ...]
    counts: Mapping[str, str]
    cells: str

    def words(self, step: Step) -> dict[str, str]:
        """Return what the statements below are completed with."""
        words = {
            "table": self.tables[step],
            "step": step,
            "cells": self.cells,
            "key": ", ".join(self.key),
            "rest": ", ".join(self.key[2:]),
            "counts": ", ".join(self.counts),
            "sums": ", ".join(f"{added.format(name)} AS {name}" for name, added in self.counts.items()),
            "held": ", ".join(f"h.{name}" for name in self.counts),
            "true": ", ".join(f"t.{name}" for name in self.counts),
            "set": ", ".join(f"{name} = excluded.{name}" for name in self.counts),
            "held_key": ", ".join(f"h.{name}" for name in self.key),
            "true_key": ", ".join(f"t.{name}" for name in self.key),
        }
        return words | {"truth": (MINUTES if step == "minute" else COARSER).format(**words)}


WHOLE = "sum({})::bigint"
NARROW = Family(
    TABLES,
    ("workload_id", "bucket", "environment"),
    dict.fromkeys(("requests", "served", "failed", "blocked"), WHOLE),
    NARROW_CELLS,
)
BROKEN_DOWN = Family(
    BREAKDOWNS,
    ("workload_id", "bucket", "environment", '"primary"', "fallback", "error_class", "outcome", "rules"),
    {
        **dict.fromkeys(("events", "notices_due", "priced"), WHOLE),
        **dict.fromkeys(("cost_usd", "primary_cost_usd", "cached_tokens_lost", "cache_loss_usd"), "sum({})"),
        **dict.fromkeys(("primary_ms", "fallback_ms"), "histogram_sum({})"),
    },
    KIND_CELLS,
)
FAMILIES = (NARROW, BROKEN_DOWN)

# Of each table: all cells of millions may differ, and nobody reads them.
MOST_TOLD = 10_000

RECOUNT = """
CREATE TEMPORARY TABLE recount ON COMMIT DROP AS SELECT {key}, {counts} FROM ({cells}) cells WHERE bucket >= %(since)s
"""
# What the cells of a step should hold: those of minutes as they were recounted, the others from these.
MINUTES = "SELECT {key}, {counts} FROM recount WHERE bucket >= %(since)s"
COARSER = """
SELECT workload_id, date_trunc('{step}', bucket, 'UTC') AS bucket, {rest}, {sums}
FROM recount WHERE bucket >= %(since)s GROUP BY workload_id, 2, {rest}
"""

COMPARE = f"""
SELECT coalesce((SELECT slug FROM workload WHERE id = workload_id), '#' || workload_id), bucket,
       concat_ws(' ', {{rest}}), jsonb_build_array({{held}}), jsonb_build_array({{true}})
FROM (SELECT * FROM {{table}} WHERE bucket >= %(since)s) h FULL JOIN ({{truth}}) t USING ({{key}})
WHERE ROW({{held}}) IS DISTINCT FROM ROW({{true}})
ORDER BY 1, 2, 3 LIMIT {MOST_TOLD}
"""

REMOVE = """
DELETE FROM {table} h WHERE bucket >= %(since)s AND NOT EXISTS (
  SELECT FROM ({truth}) t WHERE ({true_key}) = ({held_key}))
"""

REPLACE = """
INSERT INTO {table} AS h ({key}, {counts}) SELECT {key}, {counts} FROM ({truth}) t ORDER BY {key}
ON CONFLICT ({key}) DO UPDATE SET {set}
"""

# Columns of a cell by name; their values are none where there is no such cell.
Held = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell of a rollup that is not what the rows say, in these columns. `where` is the rest of its key: the
    environment first."""

    table: str
    workload: str
    bucket: datetime
    where: str
    held: Held
    true: Held


def compare(*, repair: bool = False) -> list[Difference]:
    """Return the cells of every rollup that differ from the rows, at most `MOST_TOLD` of each; with `repair`, make
    all of them equal.

    Safe while events come in: it sees one instant, in which rows and rollups agree, since they are
    committed together. A repair keeps recorders waiting for as long as the recount takes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # What differs is read meanwhile, and that may take a while.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        if repair:
            # In the recorders' order. Their rows that are not committed yet are not counted here, and they add
            # them once this is done.
            tables = [table for family in FAMILIES for table in family.tables.values()]
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        else:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows, since = _kept_since(timezone.now())
        return [difference for family in FAMILIES for difference in _family(cursor, family, rows, since, repair=repair)]


def _family(
    cursor: CursorWrapper, family: Family, rows: datetime, since: Mapping[Step, datetime], *, repair: bool
) -> list[Difference]:
    cursor.execute(RECOUNT.format(**family.words("minute")), {"since": rows})
    found = [difference for step in STEPS for difference in _differences(cursor, family, step, since[step])]
    if repair and found:
        for step in STEPS:
            cursor.execute(REMOVE.format(**family.words(step)), {"since": since[step]})
            cursor.execute(REPLACE.format(**family.words(step)), {"since": since[step]})
    cursor.execute("DROP TABLE recount")
    return found


def _differences(cursor: CursorWrapper, family: Family, step: Step, since: datetime) -> list[Difference]:
    cursor.execute(COMPARE.format(**family.words(step)), {"since": since})
    return [
        Difference(family.tables[step], workload, bucket, where, *_unlike(family.counts, held, true))
        for workload, bucket, where, held, true in cursor.fetchall()
    ]


def _unlike(names: Iterable[str], held: str, true: str) -> tuple[Held, Held]:
    """Return the columns that are not alike, of two lists of values in JSON."""
    columns = zip(names, msgspec.json.decode(held), msgspec.json.decode(true), strict=True)
    unlike = [column for column in columns if column[1] != column[2]]
    return {name: value for name, value, _ in unlike}, {name: value for name, _, value in unlike}


def _kept_since(now: datetime) -> tuple[datetime, dict[Step, datetime]]:
    """Return from when on all rows are kept, and from when on each rollup can be recounted from them."""
    rows, rollups = retention.rows_kept_since(now), retention.rollups_kept_since(now)
    return rows, {step: max(rows, rollups.get(step, rows)) for step in STEPS}
