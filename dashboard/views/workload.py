"""One workload: how it stands now, its rate over time, its episodes, what went wrong, and what that cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, charts, errors, queries
from dashboard.breakdowns import Latencies
from dashboard.episodes import Told
from dashboard.events.addresses import Events
from dashboard.overview import overall
from dashboard.reviews import pending
from dashboard.standings import limits_of
from dashboard.views.controls import Asked, answer, asked
from dashboard.workload import breakdown, episodes, rate_chart
from dashboard.workload import counts as counting
from dashboard.workload import now as standing
from dashboard.workload.costs import costs
from dashboard.workload.route import route
from dashboard.workload.times import times
from fallbacks import retention, rulebook
from fallbacks.rates import Counts, change_in_points
from fallbacks.rulebook import Rulebook
from fallbacks.states import Limits


@dataclass(frozen=True, slots=True)
class Subject:
    """Which workload is shown, what of it, and by which rules."""

    slug: str
    ask: Asked
    book: Rulebook

    @property
    def limits(self) -> Limits:
        return limits_of(self.book, self.slug)

    @property
    def events(self) -> Events:
        return Events(self.slug, self.ask.environment, self.ask.span)


@dataclass(frozen=True, slots=True)
class Series:
    """What was counted by bucket of time, and earlier, where it is compared."""

    grid: charts.Grid
    counts: Sequence[Counts]
    before: rate_chart.Compared | None

    @property
    def whole(self) -> Counts:
        return sum(self.counts, Counts())

    @property
    def earlier(self) -> Counts:
        return sum(self.before.counts if self.before else [], Counts())


@never_cache
@require_safe
def workload(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one workload over a span, in one environment."""
    ask, book = asked(request), rulebook.recent()
    subject = Subject(slug, ask, book)
    grid = charts.grid(ask.span.window, charts.MANY)
    compared = ask.compare.window(grid.window)
    earlier = grid.over(compared) if compared else None
    known = counting.known(slug, ask.environment, grid, earlier, ask.now, subject.limits)
    if known is None:
        return unknown(request, slug)
    before = rate_chart.Compared(earlier.fill(known.before), ask.compare.words) if earlier else None
    series = Series(grid, grid.fill(known.now), before)
    found = episodes.happened(known, subject.events, book, ask.now)
    way = route(slug, known.number, book, ask.now)
    if way is not None:
        pending.remember(request, way.reviews.waiting_in_all)
    context = {
        "ask": ask,
        "slug": slug,
        "limits": subject.limits,
        "events": subject.events,
        "now": standing.now(slug, ask.environment, known, book, ask.now, episodes.going_on(found, ask.live)),
        "episodes": episodes.rows(found[: episodes.MOST], subject.events, book, ask.now),
        "found": len(found),
        "known_since": known.since if known.since and known.since > ask.span.window.start else None,
        "minutes_since": minutes_since(ask),
        "route": way,
        **figures(series),
        **broken_down(request, subject, series.whole),
    }
    return answer(request, "workload", chart_of(subject, series, found), context)


def unknown(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer that there is no such workload."""
    advice = "A workload is made by its first event or traffic count. The overview lists those that there are."
    return errors.told(request, 404, "unknown_workload", f"There is no workload {slug}.", advice)


def chart_of(subject: Subject, series: Series, found: Sequence[Told]) -> charts.Chart:
    """Return rates over time, or counts where there is no rate."""
    ask = subject.ask
    if series.whole.degraded_rate is None:
        return charts.counts_chart(*series.grid.coarser(series.counts, charts.FEW), ask.zone, ask.now)
    notes = rate_chart.notes(subject.book, subject.slug, series.grid.window)
    marks = rate_chart.Marks(subject.limits, [each.episode for each in found], notes)
    return rate_chart.rate_chart(series.grid, series.counts, series.before, marks, ask.zone, ask.now)


def figures(series: Series) -> dict[str, Any]:
    """Return the rates of the whole span, and how they changed."""
    now, earlier = series.whole, series.earlier
    return {
        "whole": now,
        "degraded_change": change_in_points(now.degraded_rate, earlier.degraded_rate),
        "lost_change": change_in_points(now.failure_rate, earlier.failure_rate),
    }


def broken_down(request: HttpRequest, subject: Subject, whole: Counts) -> dict[str, Any]:
    """Return what the events of the span have in common, what they took and what they cost. Two queries."""
    window, scope = subject.ask.span.window, queries.Scope([subject.slug], subject.ask.environment)
    asked_by = request.GET.get("by") or breakdown.USUAL
    by = asked_by if asked_by in breakdown.TABS else breakdown.USUAL
    cells, by_rule = breakdowns.totals_and_rules(window, scope, breakdown.DIMENSIONS)
    bars = breakdown.bars(by, by_rule if by == "rule" else cells, subject.book, subject.events)
    cost = costs(breakdown.by_pair(cells), subject.book, subject.slug)
    latencies = breakdowns.latencies(window, scope, []).get((), Latencies())
    return {
        "all": overall.overall({subject.slug: whole}, cells),
        "total": sum(each.events for each in cells.values()),
        "by": by,
        "tabs": breakdown.TABS,
        "bars": bars[: breakdown.MOST],
        "more_bars": len(bars) - breakdown.MOST,
        "acting": breakdown.acting(cells, subject.book, subject.events),
        "silent_href": subject.events.of({"rule": "silent"}),
        "broken_href": subject.events.of({"broken": "1", "outcome": "served"}),
        "costs": cost,
        "times": times(latencies, cost.primary, cost.fallback),
        "problems": [] if by == asked_by else ["There is no such breakdown: what went wrong is shown by class."],
    }


def minutes_since(ask: Asked) -> datetime | None:
    """Return since when minutes are kept, where the span begins before that."""
    since = retention.rollups_kept_since(ask.now).get("minute")
    return since if since and since > ask.span.window.start else None
