"""Counts of events broken down by what they have in common: class, pair, outcome, rule. From rollups."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import sql

from dashboard.queries import Scope, cells
from fallbacks.rollups import BREAKDOWNS, KIND_COLUMNS
from fallbacks.timebuckets import LENGTH, Step, Window, floor
from fallbacks.verdict import RULES, mask, named

# What events can be broken down by. By rule, an event counts under each rule that it broke, or under none ("").
DIMENSIONS = ("workload", "environment", "primary", "fallback", "error_class", "outcome", "rule")
# The values of some dimensions, in the order asked for. A fallback is empty where none was used.
Values = tuple[str, ...]
_SILENT, _ANY = mask(["silent"]), mask(RULES)


@dataclass(frozen=True, slots=True)
class Broken:
    """Counts of events. `violations` broke at least one rule, `silent` the rule of that name."""

    served: int = 0
    failed: int = 0
    blocked: int = 0
    violations: int = 0
    silent: int = 0

    def __add__(self, other: "Broken") -> "Broken":
        return Broken(
            self.served + other.served,
            self.failed + other.failed,
            self.blocked + other.blocked,
            self.violations + other.violations,
            self.silent + other.silent,
        )

    @property
    def events(self) -> int:
        return self.served + self.failed + self.blocked


def totals(window: Window, scope: Scope, by: Sequence[str]) -> dict[Values, Broken]:
    """Return the counts of the whole window for each combination of values that it has. One query."""
    return _summed(window, "day", scope, by, start=sql.SQL("NULL::timestamptz"), place=lambda values, _: values)


def by_bucket(
    window: Window, step: Step, scope: Scope, by: Sequence[str], width: int = 1
) -> dict[Values, dict[datetime, Broken]]:
    """Return the same by buckets of `width` steps, as `queries.counts_by_bucket` does. One query."""
    start = sql.SQL("greatest({first}, date_bin({width}::interval, bucket, '1970-01-01 00:00+00'))").format(
        first=sql.Literal(floor(window.start, LENGTH[step] * width)), width=sql.Literal(f"{width} {step}")
    )
    found: dict[Values, dict[datetime, Broken]] = defaultdict(dict)
    placed = _summed(window, step, scope, by, start=start, place=lambda values, bucket: (values, bucket))
    for (values, bucket), counts in placed.items():
        found[values][bucket] = counts
    return dict(found)


def _summed(
    window: Window,
    step: Step,
    scope: Scope,
    by: Sequence[str],
    *,
    start: sql.Composable,
    place: Callable[[Values, datetime], Any],
) -> dict[Any, Broken]:
    """Sum cells by values and start; each rule of a mask is split off here, where its names are known."""
    columns = [name for name in DIMENSIONS if name in by and name != "rule"]
    sums: dict[Any, Broken] = {}
    with connection.cursor() as cursor:
        cursor.execute(_query(window, step, scope, columns, start))
        for *values, bucket, outcome, rules, events in cursor.fetchall():
            known = dict(zip(columns, values, strict=True))
            violations, silent = (events if rules & some else 0 for some in (_ANY, _SILENT))
            counts = Broken(**{outcome: events}, violations=violations, silent=silent)
            for rule in (named(rules) or ("",)) if "rule" in by else ("",):
                key = place(tuple({**known, "rule": rule}[name] for name in by), bucket)
                sums[key] = sums.get(key, Broken()) + counts
    return sums


def _query(window: Window, step: Step, scope: Scope, columns: Sequence[str], start: sql.Composable) -> sql.Composed:
    """Return the statement that sums cells by `columns`, start, outcome and rules."""
    names = [sql.Identifier("w", "slug") if name == "workload" else sql.Identifier(name) for name in columns]
    listed = sql.SQL("").join(sql.SQL("{}, ").format(name) for name in names)
    places = sql.SQL(", ").join(sql.SQL(str(place)) for place in range(1, len(columns) + 4))
    return sql.SQL(
        "SELECT {listed}{start}, outcome, rules, sum(events)::bigint"
        " FROM ({parts}) cells JOIN workload w ON w.id = workload_id GROUP BY {places}"
    ).format(listed=listed, start=start, places=places, parts=cells(BREAKDOWNS, KIND_COLUMNS, window, step, scope))
