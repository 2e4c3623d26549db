"""One workload: its rate over time, what became of the requests that left its primary, and the latest of them."""

from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import charts, queries, sentences
from dashboard.views.controls import Asked, answer, asked
from fallbacks.models import Event, Workload
from fallbacks.rates import Counts, change_in_points
from fallbacks.timebuckets import Window

LATEST = 25


@never_cache
@require_safe
def workload(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one workload over a span, in one environment."""
    get_object_or_404(Workload, slug=slug)
    ask = asked(request)
    scope = queries.Scope([slug], ask.environment)
    grid = charts.grid(ask.span.window, charts.MANY)
    counts, before = (
        each.fill(queries.counts_by_bucket(each.window, each.step, scope, each.width).get(slug, {}))
        for each in (grid, grid.before())
    )
    now, earlier = sum(counts, Counts()), sum(before, Counts())
    context = {
        "ask": ask,
        "slug": slug,
        "now": now,
        "sentence": sentences.of_workload(now, earlier, ask.span.words, ask.span.words_before),
        "degraded_change": change_in_points(now.degraded_rate, earlier.degraded_rate),
        "lost_change": change_in_points(now.failure_rate, earlier.failure_rate),
        "outcomes": [(name, getattr(now, name)) for name in ("served", "failed", "blocked")],
        "peaks": [] if now.degraded_rate is None else peaks(grid, counts),
        "events": latest(scope, ask.span.window),
        "latest": LATEST,
    }
    return answer(request, "workload", chart_of(ask, grid, counts, before), context)


def chart_of(ask: Asked, grid: charts.Grid, counts: list[Counts], before: list[Counts]) -> charts.Chart:
    """Return rates over time, or counts where there is no rate."""
    if sum(counts, Counts()).degraded_rate is None:
        return charts.counts_chart(*grid.coarser(counts, charts.FEW), ask.zone, ask.now)
    return charts.rate_chart(grid, counts, before, ask.span.words_before, ask.zone, ask.now)


def peaks(grid: charts.Grid, counts: list[Counts]) -> list[dict[str, Any]]:
    """Return the worst bucket by each rate, for those that had any."""
    found = []
    for word, rates in (
        ("Degraded", [bucket.degraded_rate for bucket in counts]),
        ("Not answered", [bucket.failure_rate for bucket in counts]),
    ):
        index = charts.peak(rates)
        if index is not None:
            found.append({"word": word, "rate": rates[index], "start": grid.starts[index], "counts": counts[index]})
    return found


def latest(scope: queries.Scope, window: Window) -> list[tuple[str, Event]]:
    """Return the newest events, each with a key that is safe in a page and the same at every refresh."""
    events = queries.events(window, scope, queries.Filters(), None, LATEST)
    return [(blake2b(f"{event.occurred_at} {event.id}".encode(), digest_size=8).hexdigest(), event) for event in events]
