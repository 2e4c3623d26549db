"""The overview: how every workload does, the worst first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, charts, forms, queries, sentences
from dashboard.breakdowns import Broken
from dashboard.views.controls import answer, asked
from fallbacks.rates import Counts, change_in_points

COLUMNS = {
    "workload": "Workload",
    "degraded": "Degraded",
    "degraded_change": "Change, points",
    "lost": "Not answered",
    "lost_change": "Change, points",
    "left": "Share that left the primary",
    "events": "Events",
}
WORST_FIRST = forms.Order("left", falling=True)


@dataclass(frozen=True)
class Row:
    """One workload in the table."""

    slug: str
    now: Counts
    before: Counts
    broken: Broken = field(default_factory=Broken)
    shares: list[float | None] = field(default_factory=list)

    @property
    def degraded_change(self) -> float | None:
        return change_in_points(self.now.degraded_rate, self.before.degraded_rate)

    @property
    def lost_change(self) -> float | None:
        return change_in_points(self.now.failure_rate, self.before.failure_rate)

    def value(self, column: str) -> float | None:
        """Return what the row is sorted by; None goes last whatever the order."""
        values: dict[str, float | None] = {
            "degraded": self.now.degraded_rate,
            "degraded_change": self.degraded_change,
            "lost": self.now.failure_rate,
            "lost_change": self.lost_change,
            "left": self.now.off_primary_rate,
            "events": self.now.events,
        }
        return values[column]


@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show all workloads over a span, in one environment."""
    ask = asked(request)
    scope = queries.Scope(environment=ask.environment)
    order = forms.asked_order(request.GET, list(COLUMNS), WORST_FIRST)
    grid = charts.grid(ask.span.window, charts.FEW)
    series = queries.counts_by_bucket(grid.window, grid.step, scope, grid.width)
    before = queries.totals(grid.window.before(), scope)
    broken = breakdowns.totals(grid.window, scope, ["workload"])
    rows = shaped(queries.workload_slugs(), grid, series, before, broken)
    now = {row.slug: row.now for row in rows}
    reporting = sentences.reporting(now)
    context = {
        "ask": ask,
        "headline": sentences.headline(now, ask.span.words),
        "remarks": sentences.remarks(now, before, ask.span.words_before),
        "left_out": sentences.left_out([slug for slug in now if slug not in reporting]),
        "total": sum((now[slug] for slug in reporting), Counts()),
        "without_traffic": sum((c for slug, c in now.items() if slug not in reporting), Counts()),
        "reporting": reporting,
        "rows": ordered(rows, order),
        "columns": [heading(column, order) for column in COLUMNS],
        "order": order,
    }
    counts = [sum((cells.get(start, Counts()) for cells in series.values()), Counts()) for start in grid.starts]
    return answer(request, "overview", charts.counts_chart(grid, counts, ask.zone, ask.now), context)


def shaped(
    slugs: list[str],
    grid: charts.Grid,
    series: Mapping[str, Mapping[datetime, Counts]],
    before: Mapping[str, Counts],
    broken: Mapping[breakdowns.Values, Broken],
) -> list[Row]:
    """Return a row for each workload: its sum over the window is that of its buckets."""
    rows = []
    for slug in slugs:
        counts = grid.fill(series.get(slug, {}))
        shares = [bucket.off_primary_rate for bucket in counts]
        earlier, violations = before.get(slug, Counts()), broken.get((slug,), Broken())
        rows.append(Row(slug, sum(counts, Counts()), earlier, violations, shares))
    return rows


def ordered(rows: list[Row], order: forms.Order) -> list[Row]:
    """Return the rows in the order asked for; those that have no value in the column go last."""
    by_name = sorted(rows, key=lambda row: row.slug, reverse=order.column == "workload" and order.falling)
    if order.column == "workload":
        return by_name
    known = [(value, row) for row in by_name if (value := row.value(order.column)) is not None]
    unknown = [row for row in by_name if row.value(order.column) is None]
    known.sort(key=lambda pair: pair[0], reverse=order.falling)
    return [row for _, row in known] + sorted(unknown, key=lambda row: -row.now.events)


def heading(column: str, order: forms.Order) -> dict[str, str]:
    """Return a column's heading: its word, how it is sorted, and what a click on it asks for."""
    sorted_by = column == order.column
    # Names are read from A, figures from the largest.
    falling = not order.falling if sorted_by else column != "workload"
    return {
        "key": column,
        "word": COLUMNS[column],
        "sorted": ("descending" if order.falling else "ascending") if sorted_by else "",
        "next": forms.Order(column, falling).text,
    }
