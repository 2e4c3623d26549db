"""What reviews say: how many answers passed, of which route, to which errors, by what criterion and over time."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import forms, queries
from dashboard import review_results as told
from dashboard.reviews import pending
from dashboard.views.controls import answer, asked
from dashboard.views.who_asks import who_asks
from fallbacks import review_results, routes, versions
from fallbacks.permissions import READ_REMARKS

# Reviews are fewer than requests: a day of them says little.
USUAL_RANGE = "30d"


@never_cache
@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """Show what reviews say of a span. Texts of samples are never on it."""
    ask = asked(request, USUAL_RANGE)
    workloads = queries.workload_slugs()
    workload, no_workload = forms.asked_choice(request.GET, "workload", workloads)
    window, cut = ask.span.window, told.grid(ask.span.window)
    found = review_results.results(window, told.width(cut), workload)
    policies = versions.latest_of({of for of, _, _ in found.routes})
    waiting = review_results.waiting(workload)
    if not workload:
        pending.remember(request, waiting.count)
    may_read = who_asks(request).may(READ_REMARKS)
    context = {
        "ask": ask,
        "problems": [no_workload] if no_workload else [],
        "workload": workload,
        "workloads": workloads,
        "headline": told.headline(found.whole.scored, ask.span.words),
        "how": told.HOW,
        "whole": found.whole,
        "interval": told.interval(found.whole.scored, "and"),
        "beside": told.beside(found.whole.compared),
        "agreement": found.agreement,
        "agreed": told.agreement(found),
        "waiting": waiting,
        "waits": told.now(waiting, ask.now),
        "rows": [
            (row, told.interval(row.figures.scored)) for row in told.rows(found, policies, routes.scored(policies))
        ],
        "bars": told.bars(found),
        "criteria": found.criteria,
        "may_read": may_read,
        "remarks": review_results.remarks(window, workload) if may_read else [],
    }
    return answer(request, "review_results", told.chart(cut, found.times, ask.zone, ask.now), context)
