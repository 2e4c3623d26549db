"""Counts of events broken down by what they have in common: class, pair, outcome, rule. From rollups."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg import sql

from dashboard.queries import Scope, cells, moment
from fallbacks.latencies import Percentiles, add_packed, percentiles
from fallbacks.rollups import BREAKDOWNS, KIND_COLUMNS
from fallbacks.timebuckets import LENGTH, Step, Window, floor
from fallbacks.verdict import RULES, mask, named

# What events can be broken down by. By rule, an event counts under each rule that it broke, or under none ("").
DIMENSIONS = ("workload", "environment", "primary", "fallback", "error_class", "outcome", "rule")
# The values of some dimensions, in the order asked for. A fallback is empty where none was used.
Values = tuple[str, ...]
_SILENT, _ANY = mask(["silent"]), mask(RULES)
NOTHING = Decimal()
FETCHED = 2_000
# What cells hold of answers beside their number, and how it is added up.
SUMS = {
    **dict.fromkeys(("notices_due", "priced"), "sum({})::bigint"),
    **dict.fromkeys(("cost_usd", "primary_cost_usd", "cached_tokens_lost", "cache_loss_usd"), "sum({})"),
}


@dataclass(frozen=True, slots=True)
class Took:
    """How long requests took: histograms, counts by bin, of the primary until it failed, and of the fallback."""

    primary: dict[int, int] = field(default_factory=dict)
    fallback: dict[int, int] = field(default_factory=dict)

    def __add__(self, other: "Took") -> "Took":
        return Took(_together(self.primary, other.primary), _together(self.fallback, other.fallback))

    @property
    def latencies(self) -> "Latencies":
        return Latencies(percentiles(self.primary.items()), percentiles(self.fallback.items()))


def _together(some: dict[int, int], others: dict[int, int]) -> dict[int, int]:
    # Most have nothing to add, and sums of histograms cost more than all other figures.
    if not some or not others:
        return some or others
    sums = some.copy()
    for place, count in others.items():
        sums[place] = sums.get(place, 0) + count
    return sums


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long the primary took to fail, and the fallback to answer; None where nobody told."""

    primary: Percentiles | None = None
    fallback: Percentiles | None = None


NO_TIME = Took()


@dataclass(frozen=True, slots=True)
class Broken:
    """Counts of events. `violations` broke at least one rule, `silent` the rule of that name.

    Of `served` ones, `notices_due` are those of which users had to be told, and `priced` those whose cost is known,
    and their primary's as well: `cost_usd` and `primary_cost_usd` are theirs. `cached_tokens_lost` are input tokens
    that the primary had in its prompt cache, `cache_loss_usd` what fallbacks charged for these over cached ones.
    `took` is empty unless it was asked for.
    """

    served: int = 0
    failed: int = 0
    blocked: int = 0
    violations: int = 0
    silent: int = 0
    notices_due: int = 0
    priced: int = 0
    cost_usd: Decimal = NOTHING
    primary_cost_usd: Decimal = NOTHING
    cached_tokens_lost: Decimal = NOTHING
    cache_loss_usd: Decimal = NOTHING
    took: Took = NO_TIME

    def __add__(self, other: "Broken") -> "Broken":
        # Written out: an answer of the API adds up thousands.
        return Broken(
            self.served + other.served,
            self.failed + other.failed,
            self.blocked + other.blocked,
            self.violations + other.violations,
            self.silent + other.silent,
            self.notices_due + other.notices_due,
            self.priced + other.priced,
            self.cost_usd + other.cost_usd,
            self.primary_cost_usd + other.primary_cost_usd,
            self.cached_tokens_lost + other.cached_tokens_lost,
            self.cache_loss_usd + other.cache_loss_usd,
            self.took + other.took,
        )

    @property
    def events(self) -> int:
        return self.served + self.failed + self.blocked

    @property
    def cost_delta_usd(self) -> Decimal | None:
        """What answers cost more than the primary's would have; None where that is known of none of them."""
        if self.served and not self.priced:
            return None
        return self.cost_usd - self.primary_cost_usd


def totals(window: Window, scope: Scope, by: Sequence[str], *, broken: bool = False) -> dict[Values, Broken]:
    """Return the counts of the whole window for each combination of values that it has; with `broken`, of the events
    that broke a rule alone. One query."""
    return _summed(_counts(window, "day", scope, by, NO_START, broken), _values)


def totals_and_rules(
    window: Window, scope: Scope, by: Sequence[str]
) -> tuple[dict[Values, Broken], dict[Values, Broken]]:
    """Return the same, not by rule, and beside it the counts by rule alone. One query for both."""
    columns = [name for name in DIMENSIONS if name in by]
    parts = list(_kinds(window, "day", scope, columns, NO_START))

    def cells_by(names: Sequence[str]) -> Iterator[Part]:
        for values, start, rules, counts in parts:
            for each in _by_rule(names, columns, values, rules):
                yield each, start, counts

    return _summed(cells_by(by), _values), _summed(cells_by(["rule"]), _values)


def latencies(window: Window, scope: Scope, by: Sequence[str]) -> dict[Values, Latencies]:
    """Return how long requests took over the whole window, for each combination of values. One query."""
    found = _summed(_times(window, "day", scope, by, NO_START), _values)
    return {values: broken.took.latencies for values, broken in found.items()}


def by_bucket(
    window: Window,
    step: Step,
    scope: Scope,
    by: Sequence[str],
    width: int = 1,
    *,
    broken: bool = False,
    times: bool = False,
) -> dict[Values, dict[datetime, Broken]]:
    """Return the same by buckets of `width` steps, as `queries.counts_by_bucket` does; with `times`, how long requests
    took as well. One query each."""
    start = sql.SQL(
        "extract(epoch FROM greatest({first}, date_bin({width}::interval, bucket, '1970-01-01 00:00+00')))::bigint"
    ).format(first=sql.Literal(floor(window.start, LENGTH[step] * width)), width=sql.Literal(f"{width} {step}"))
    parts = list(_counts(window, step, scope, by, start, broken))
    if times:
        parts += _times(window, step, scope, by, start)
    found: dict[Values, dict[datetime, Broken]] = defaultdict(dict)
    for (values, bucket), counts in _summed(iter(parts), lambda values, bucket: (values, bucket)).items():
        found[values][bucket] = counts
    return dict(found)


# The values of a cell, the start of its bucket, and what it counts.
Part = tuple[Values, datetime, Broken]
NO_START = sql.SQL("0::bigint")


def _summed(parts: Iterator[Part], place: Callable[[Values, datetime], Any]) -> dict[Any, Broken]:
    sums: dict[Any, Broken] = {}
    for values, bucket, counts in parts:
        key = place(values, bucket)
        sums[key] = sums[key] + counts if key in sums else counts
    return sums


def _values(values: Values, _: datetime) -> Values:
    return values


def _counts(
    window: Window, step: Step, scope: Scope, by: Sequence[str], start: sql.Composable, broken: bool
) -> Iterator[Part]:
    """Yield counts by values and start."""
    columns = [name for name in DIMENSIONS if name in by and name != "rule"]
    for values, bucket, rules, counts in _kinds(window, step, scope, columns, start, broken):
        for each in _by_rule(by, columns, values, rules):
            yield each, bucket, counts


def _kinds(
    window: Window, step: Step, scope: Scope, columns: Sequence[str], start: sql.Composable, broken: bool = False
) -> Iterator[tuple[Values, datetime, int, Broken]]:
    """Yield counts by values, start and the rules that were broken, as bits."""
    sums = sql.SQL(", ").join(sql.SQL(added).format(sql.Identifier(name)) for name, added in SUMS.items())
    query = sql.SQL(
        "SELECT {listed}{start}, rules, outcome, sum(events)::bigint, {sums}"
        " FROM ({parts}) cells JOIN workload w ON w.id = workload_id WHERE {kept} GROUP BY {places}"
    ).format(
        listed=_listed(columns),
        start=start,
        sums=sums,
        kept=sql.SQL("rules <> 0" if broken else "TRUE"),
        places=_places(len(columns) + 3),
        parts=cells(BREAKDOWNS, (*KIND_COLUMNS, "events", *SUMS), window, step, scope),
    )
    for values, bucket, rules, (outcome, events, *added) in _found(query, columns):
        violations, silent = (events if rules & some else 0 for some in (_ANY, _SILENT))
        counts = Broken(
            **{outcome: events}, violations=violations, silent=silent, **dict(zip(SUMS, added, strict=True))
        )
        yield values, bucket, rules, counts


def _times(window: Window, step: Step, scope: Scope, by: Sequence[str], start: sql.Composable) -> Iterator[Part]:
    """Yield how long requests took by values and start.

    Histograms are added up here: a fifth of what it costs the database, which groups by each of their bins.
    """
    columns = [name for name in DIMENSIONS if name in by and name != "rule"]
    query = sql.SQL(
        "SELECT {listed}{start}, {rules}, primary_ms, fallback_ms FROM ({parts}) cells"
        " JOIN workload w ON w.id = workload_id WHERE primary_ms IS NOT NULL OR fallback_ms IS NOT NULL"
    ).format(
        listed=_listed(columns),
        start=start,
        rules=sql.SQL("rules" if "rule" in by else "0"),
        parts=cells(BREAKDOWNS, (*KIND_COLUMNS, "primary_ms", "fallback_ms"), window, step, scope),
    )
    sums: dict[tuple[Values, datetime, int], Took] = defaultdict(Took)
    for values, bucket, rules, (primary, fallback) in _found(query, columns):
        took = sums[values, bucket, rules]
        add_packed(took.primary, primary)
        add_packed(took.fallback, fallback)
    for (values, bucket, rules), took in sums.items():
        for each in _by_rule(by, columns, values, rules):
            yield each, bucket, Broken(took=took)


def _found(query: sql.Composed, columns: Sequence[str]) -> Iterator[tuple[Values, datetime, int, Sequence[Any]]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        # Not all at once: of long histograms there may be many.
        while found := cursor.fetchmany(FETCHED):
            for row in found:
                seconds, rules, *rest = row[len(columns) :]
                yield row[: len(columns)], moment(seconds), rules, rest


def _by_rule(by: Sequence[str], columns: Sequence[str], values: Values, rules: int) -> Iterator[Values]:
    """Yield the values in the order asked for: once for each rule of a mask, where they are by rule."""
    known = dict(zip(columns, values, strict=True))
    for rule in (named(rules) or ("",)) if "rule" in by else ("",):
        yield tuple({**known, "rule": rule}[name] for name in by)


def _listed(columns: Sequence[str]) -> sql.Composed:
    names = [sql.Identifier("w", "slug") if name == "workload" else sql.Identifier(name) for name in columns]
    return sql.SQL("").join(sql.SQL("{}, ").format(name) for name in names)


def _places(count: int) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(str(place)) for place in range(1, count + 1))
