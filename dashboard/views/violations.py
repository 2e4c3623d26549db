"""Violations: which workloads broke which rules, down to the events that did."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, charts, paging, queries, undeclared, violations
from dashboard.breakdowns import Broken
from dashboard.rule_words import MEANING
from dashboard.views.controls import answer, asked
from dashboard.what_was_wrong import what_was_wrong
from fallbacks import rulebook
from fallbacks.boundary import BY_NAME
from fallbacks.models import Event
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import RULES, Rule, named

LATEST = 6
A_PAGE = 50
# Events that broke any rule: those that broke none are most.
ANY_RULE = {"rules__gt": "0"}


@dataclass(frozen=True)
class Wrong:
    """An event that broke policy, and the sentence that says how."""

    event: Event
    rules: tuple[str, ...]
    sentence: str


def told(events: Sequence[Event], book: Rulebook) -> list[Wrong]:
    """Return the events with their words."""
    return [Wrong(event, named(event.rules), what_was_wrong(event, book)) for event in events]


@never_cache
@require_safe
def overall(request: HttpRequest) -> HttpResponse:
    """Show what was broken over a span, in one environment."""
    ask = asked(request)
    scope = queries.Scope(environment=ask.environment)
    grid = charts.grid(ask.span.window, charts.FEW)
    book = rulebook.recent()
    series = breakdowns.by_bucket(grid.window, grid.step, scope, ["workload"], grid.width)
    cells = breakdowns.totals(ask.span.window, scope, violations.DIMENSIONS)
    totals = {slug: sum(buckets.values(), Broken()) for (slug,), buckets in series.items()}
    matrix = violations.matrix(cells, totals, book)
    routes = undeclared.routes(cells, book)
    latest = queries.events(ask.span.window, scope, queries.Filters(ANY_RULE), None, LATEST)
    context = {
        "ask": ask,
        "matrix": matrix,
        "headline": violations.headline(matrix.total, ask.span.words),
        "routes": routes[: undeclared.MOST_ROUTES],
        "more_routes": len(routes) - undeclared.MOST_ROUTES,
        "latest": told(latest, book),
        "any_policy": bool(book.versions),
    }
    broken = [sum(cells.get(start, Broken()).violations for cells in series.values()) for start in grid.starts]
    return answer(request, "violations", charts.violations_chart(grid, broken, ask.zone, ask.now), context)


@never_cache
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """List the events that broke policy, newest first: of one workload, rule and class, or of all."""
    ask, which = asked(request), chosen(request.GET)
    scope = queries.Scope(environment=ask.environment)
    by = ["workload", "error_class", *(["rule"] if which.rule else [])]
    cells = breakdowns.totals(ask.span.window, scope, by)
    of = queries.Scope([which.workload] if which.workload else None, ask.environment)
    found = queries.events(ask.span.window, of, which.filters, paging.after(request.GET), A_PAGE + 1)
    context = {
        "ask": ask,
        "which": which,
        "headline": violations.of_events(which.count(cells), which.words, ask.span.words),
        "events": told(found[:A_PAGE], rulebook.recent()),
        "next": paging.following(found[A_PAGE - 1]) if len(found) > A_PAGE else "",
        "later": "after" in request.GET,
        "workloads": sorted({slug for slug, *_ in cells} | {which.workload} - {""}),
        "rules": RULES,
        "classes": sorted({name for _, name, *_ in cells if name} | {which.error_class} - {""}),
        # What the range controls send along.
        "kept": [(name, value) for name, value in asdict(which).items() if value],
    }
    return render(request, "pages/broken_events.html", context)


@dataclass(frozen=True)
class Which:
    """Which events of a span are listed. Empty: of all workloads, of any rule, of any class."""

    workload: str
    rule: Rule | Literal[""]
    error_class: str

    @property
    def filters(self) -> queries.Filters:
        values = ANY_RULE | ({"error_class": self.error_class} if self.error_class else {})
        return queries.Filters(values, self.rule or None)

    @property
    def meaning(self) -> str:
        """What the rule says; empty where any is meant."""
        return MEANING.get(self.rule, "") if self.rule else ""

    @property
    def words(self) -> str:
        of = f" of {self.workload}" if self.workload else ""
        return f"{of} broke {self.rule or 'policy'}{f' after {self.error_class}' if self.error_class else ''}"

    def count(self, cells: Mapping[breakdowns.Values, Broken]) -> int:
        """Return how many there are, from cells by workload, class and, where one is chosen, rule."""
        return sum(
            broken.violations
            for (slug, error_class, *rule), broken in cells.items()
            if self.workload in ("", slug) and self.error_class in ("", error_class) and rule in ([], [self.rule])
        )


def chosen(query: Mapping[str, str]) -> Which:
    """Read which events are asked for; what is not known is not asked."""
    error_class = query.get("error_class", "")
    return Which(
        workload=query.get("workload", "").replace("\0", ""),
        rule=next((rule for rule in RULES if rule == query.get("rule")), ""),
        error_class=error_class if error_class in BY_NAME else "",
    )
