"""What pages and the API read of figures: rollups alone. One query each."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from django.db import connection
from django.utils import timezone
from psycopg import sql

from fallbacks import retention
from fallbacks.models import Workload
from fallbacks.rates import Counts
from fallbacks.rollups import TABLES
from fallbacks.timebuckets import LENGTH, Step, Window, cover, floor

# Counts by workload and start of bucket. A workload that has nothing in the window is not in it.
Series = dict[str, dict[datetime, Counts]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which figures are meant: the workloads by slug (None: all) and the environment (None: all together)."""

    workloads: Collection[str] | None = None
    environment: str | None = None

    def condition(self, window: Window) -> sql.Composed:
        """Return the condition on cells of a rollup that lie in the window."""
        conditions = [
            sql.SQL("bucket >= {} AND bucket < {}").format(sql.Literal(window.start), sql.Literal(window.end))
        ]
        if self.environment is not None:
            conditions.append(sql.SQL("environment = {}").format(sql.Literal(self.environment)))
        if self.workloads is not None:
            conditions.append(
                sql.SQL("workload_id IN (SELECT id FROM workload WHERE slug = ANY({}))").format(
                    sql.Literal(list(self.workloads))
                )
            )
        return sql.SQL(" AND ").join(conditions)


def counts_by_bucket(window: Window, step: Step, scope: Scope, width: int = 1) -> Series:
    """Return counts in buckets of `width` steps (steps of one minute or hour may be put together, such as 5 minutes).

    One query over the rollups, exact to the minute at both ends of the window. Where the minutes are not kept
    any more, it is exact to the hour: what a coarse bucket holds stands where that bucket starts, or at the
    window's first one.
    """
    # Names are joined to the sums: grouping by numbers is cheaper than by names.
    query = sql.SQL(
        "SELECT w.slug, extract(epoch FROM start)::bigint, requests, served, failed, blocked FROM (SELECT workload_id,"
        " greatest({first}, date_bin({width}::interval, bucket, '1970-01-01 00:00+00')) AS start,"
        " sum(requests)::bigint AS requests, sum(served)::bigint AS served, sum(failed)::bigint AS failed,"
        " sum(blocked)::bigint AS blocked FROM ({parts}) cells GROUP BY 1, 2) sums"
        " JOIN workload w ON w.id = workload_id"
    ).format(
        first=sql.Literal(floor(window.start, LENGTH[step] * width)),
        width=sql.Literal(f"{width} {step}"),
        parts=cells(TABLES, CELL, window, step, scope),
    )
    series: Series = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(query)
        for slug, start, *counts in cursor.fetchall():
            series[slug][moment(start)] = Counts(*counts)
    return dict(series)


@lru_cache(maxsize=4096)
def moment(seconds: int) -> datetime:
    """Return the time of so many seconds since 1970: an answer has few, and each is read thousands of times."""
    return datetime.fromtimestamp(seconds, UTC)


def totals(window: Window, scope: Scope) -> dict[str, Counts]:
    """Return the counts of each workload over the whole window. One query."""
    query = sql.SQL(
        "SELECT w.slug, sum(requests)::bigint, sum(served)::bigint, sum(failed)::bigint, sum(blocked)::bigint"
        " FROM ({parts}) cells JOIN workload w ON w.id = workload_id GROUP BY 1"
    ).format(parts=cells(TABLES, CELL, window, "day", scope))
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {slug: Counts(*counts) for slug, *counts in cursor.fetchall()}


CELL = ("workload_id", "bucket", "requests", "served", "failed", "blocked")


def cells(
    tables: Mapping[Step, str], columns: Sequence[str], window: Window, coarsest: Step, scope: Scope
) -> sql.Composed:
    """Return these columns of the cells of a window, from the tables that hold its parts."""
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    cut = cover(window, coarsest, retention.rollups_kept_since(timezone.now()))
    return sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} FROM {} WHERE {}").format(listed, sql.Identifier(tables[step]), scope.condition(part))
        for step, part in cut
    )


def overall(by_workload: Mapping[str, Counts]) -> Counts:
    """Add up workloads. Where one has events and no traffic, the sum has no known number of requests:
    a rate over the others would hide it."""
    total = sum(by_workload.values(), Counts())
    if any(counts.events and counts.requests is None for counts in by_workload.values()):
        return Counts(None, total.served, total.failed, total.blocked)
    return total


def workload_slugs() -> list[str]:
    """Return all workloads ever seen, by name."""
    return list(Workload.objects.order_by("slug").values_list("slug", flat=True))


def environments() -> list[str]:
    """Return the environments that the day rollup knows, `production` first."""
    with connection.cursor() as cursor:
        # A loose index scan: as many steps as there are environments, not as there are rows.
        cursor.execute(
            "WITH RECURSIVE known AS ("
            " (SELECT environment FROM rollup_day ORDER BY environment LIMIT 1)"
            " UNION ALL SELECT (SELECT environment FROM rollup_day d WHERE d.environment > known.environment"
            "  ORDER BY environment LIMIT 1) FROM known WHERE known.environment IS NOT NULL)"
            " SELECT environment FROM known WHERE environment IS NOT NULL"
        )
        names = [name for (name,) in cursor.fetchall()]
    return sorted(names, key=lambda name: (name != "production", name))
