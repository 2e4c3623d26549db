"""Recounting: what the rollups should hold, worked out anew from the rows, and the cells that differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from fallbacks import retention
from fallbacks.rollups import BREAKDOWNS, TABLES
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

# How events become cells of the minute breakdown.
KIND_CELLS = """
SELECT workload_id, date_trunc('minute', occurred_at, 'UTC') AS bucket, environment, "primary",
       coalesce(fallback, '') AS fallback, error_class, outcome, rules, count(*) AS events
FROM event GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of rollups: its tables, the columns of its key and of its counts, and how rows become its cells."""

    tables: Mapping[Step, str]
    key: tuple[str, ...]
    counts: tuple[str, ...]
    cells: str

    def words(self, step: Step) -> dict[str, str]:
        """Return what the statements below are completed with."""
        return {
            "table": self.tables[step],
            "step": step,
            "cells": self.cells,
            "key": ", ".join(self.key),
            "rest": ", ".join(self.key[2:]),
            "counts": ", ".join(self.counts),
            "sums": ", ".join(f"sum({name})::bigint AS {name}" for name in self.counts),
            "held": ", ".join(f"h.{name}" for name in self.counts),
            "true": ", ".join(f"t.{name}" for name in self.counts),
            "set": ", ".join(f"{name} = excluded.{name}" for name in self.counts),
            "held_key": ", ".join(f"h.{name}" for name in self.key),
            "true_key": ", ".join(f"t.{name}" for name in self.key),
        }


NARROW = Family(
    TABLES,
    ("workload_id", "bucket", "environment"),
    ("requests", "served", "failed", "blocked"),
    f"{EVENT_CELLS.format(source='event')} UNION ALL {TRAFFIC_CELLS.format(source='traffic')}",
)
BROKEN_DOWN = Family(
    BREAKDOWNS,
    ("workload_id", "bucket", "environment", '"primary"', "fallback", "error_class", "outcome", "rules"),
    ("events",),
    KIND_CELLS,
)
FAMILIES = (NARROW, BROKEN_DOWN)

RECOUNT = """
CREATE TEMPORARY TABLE recount ON COMMIT DROP AS
SELECT {key}, {sums} FROM ({cells}) cells WHERE bucket >= %(since)s GROUP BY {key}
"""

TRUTH = """
SELECT workload_id, date_trunc('{step}', bucket, 'UTC') AS bucket, {rest}, {sums}
FROM recount WHERE bucket >= %(since)s GROUP BY workload_id, 2, {rest}
"""

COMPARE = f"""
SELECT coalesce((SELECT slug FROM workload WHERE id = workload_id), '#' || workload_id), bucket,
       concat_ws(' ', {{rest}}), ARRAY[{{held}}], ARRAY[{{true}}]
FROM (SELECT * FROM {{table}} WHERE bucket >= %(since)s) h FULL JOIN ({TRUTH}) t USING ({{key}})
WHERE ROW({{held}}) IS DISTINCT FROM ROW({{true}})
ORDER BY 1, 2, 3
"""

REMOVE = f"""
DELETE FROM {{table}} h WHERE bucket >= %(since)s AND NOT EXISTS (
  SELECT FROM ({TRUTH}) t WHERE ({{true_key}}) = ({{held_key}}))
"""

REPLACE = f"""
INSERT INTO {{table}} AS h ({{key}}, {{counts}}) SELECT {{key}}, {{counts}} FROM ({TRUTH}) t ORDER BY {{key}}
ON CONFLICT ({{key}}) DO UPDATE SET {{set}}
"""

# As a table of one column holds them; none where there is no such cell.
Held = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell of a rollup that is not what the rows say. `where` is the rest of its key: the environment first."""

    table: str
    workload: str
    bucket: datetime
    where: str
    held: Held
    true: Held


def compare(*, repair: bool = False) -> list[Difference]:
    """Return every cell of every rollup that differs from the rows; with `repair`, make them equal.

    Safe while events come in: it sees one instant, in which rows and rollups agree, since they are
    committed together. A repair keeps recorders waiting for as long as the recount takes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
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
        Difference(family.tables[step], workload, bucket, where, held=tuple(held), true=tuple(true))
        for workload, bucket, where, held, true in cursor.fetchall()
    ]


def _kept_since(now: datetime) -> tuple[datetime, dict[Step, datetime]]:
    """Return from when on all rows are kept, and from when on each rollup can be recounted from them."""
    rows, rollups = retention.rows_kept_since(now), retention.rollups_kept_since(now)
    return rows, {step: max(rows, rollups.get(step, rows)) for step in STEPS}
