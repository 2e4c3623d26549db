"""Violations: which workloads broke which rules, down to the events that did."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, charts, queries, violations
from dashboard.breakdowns import Broken
from dashboard.events import links as event_links
from dashboard.events import rows as event_rows
from dashboard.events.conditions import Filters
from dashboard.policies import undeclared
from dashboard.views.controls import answer, asked
from dashboard.what_was_wrong import what_was_wrong
from fallbacks import rulebook
from fallbacks.models import Event
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import named

LATEST = 6
ANY_RULE = Filters({"broken": ("1",)})


@dataclass(frozen=True)
class Wrong:
    """An event that broke policy, and the sentence that says how."""

    event: Event
    rules: tuple[str, ...]
    sentence: str
    link: str


def told(events: Sequence[Event], book: Rulebook) -> list[Wrong]:
    """Return the events with their words."""
    around = event_links.around
    return [Wrong(event, named(event.rules), what_was_wrong(event, book), around(event)) for event in events]


@never_cache
@require_safe
def overall(request: HttpRequest) -> HttpResponse:
    """Show what was broken over a span, in one environment."""
    ask = asked(request)
    scope = queries.Scope(environment=ask.environment)
    grid = charts.grid(ask.span.window, charts.FEW)
    book = rulebook.recent()
    series = breakdowns.by_bucket(grid.window, grid.step, scope, ["workload"], grid.width, broken=True)
    cells = breakdowns.totals(grid.window, scope, violations.DIMENSIONS, broken=True)
    broke = {slug: sum(buckets.values(), Broken()) for (slug,), buckets in series.items()}
    matrix = violations.matrix(cells, broke, queries.totals(grid.window, scope), book)
    routes = undeclared.routes(cells, book)
    latest = event_rows.latest(ask.span.window, scope, ANY_RULE, LATEST)
    context = {
        "ask": ask,
        "matrix": matrix,
        "headline": violations.headline(matrix, ask.span.words),
        "routes": routes[: undeclared.MOST_ROUTES],
        "more_routes": len(routes) - undeclared.MOST_ROUTES,
        "latest": told(latest, book),
        "any_policy": bool(book.versions),
    }
    broken = [sum(cells.get(start, Broken()).violations for cells in series.values()) for start in grid.starts]
    return answer(request, "violations", charts.violations_chart(grid, broken, ask.zone, ask.now), context)


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Send on to the list of events: the one of those that broke policy was a page of its own once."""
    query = request.GET.copy()
    if "rule" not in query:
        query["broken"] = "1"
    return HttpResponsePermanentRedirect(f"{reverse('event-list')}?{query.urlencode()}")
