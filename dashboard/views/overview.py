"""The overview: which workloads need someone now, and how every workload does."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, charts, forms, queries, standings, state_words
from dashboard.overview import acting, overall, sentences
from dashboard.overview import calls as urgent
from dashboard.overview import rows as table
from dashboard.reviews import pending
from dashboard.views.controls import answer, asked
from fallbacks import review_results, rulebook
from fallbacks.rates import together

# More rows at once are slow to read, and slow to refresh.
MOST_ROWS = 100


@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show all workloads of an environment: how they stand now, and what was over a span."""
    ask, book = asked(request), rulebook.recent()
    scope = queries.Scope(environment=ask.environment)
    grid = charts.grid(ask.span.window, charts.FEW)
    compared = ask.compare.window(grid.window)
    series = queries.counts_by_bucket(grid.window, grid.step, scope, grid.width)
    before = queries.totals(compared, scope) if compared else {}
    cells = breakdowns.totals(grid.window, scope, overall.DIMENSIONS)
    followed = {each.standing.workload: each for each in standings.follow(ask.now, scope, book)}
    # Policies are of every environment; elsewhere than in the usual one most have nothing to report.
    declared = set(book.versions) if ask.environment == forms.USUAL_ENVIRONMENT else set()
    filled = {slug: grid.fill(series.get(slug, {})) for slug in {*series, *before, *followed, *declared}}
    waiting = review_results.waiting_by_workload()
    to_review = sum(waiting.values(), review_results.Waiting())
    pending.remember(request, to_review.count)
    rows = table.rows(filled, before, cells, followed, waiting, book)
    states = {row.slug: row.state for row in rows}
    calls = urgent.calls(followed.values(), book, ask.now)
    context = {
        "ask": ask,
        "headline": state_words.headline(states)
        or state_words.nothing(ask.environment, ask.span.words, ever=bool(ask.environments)),
        "states": {slug: state_words.STATES[name].word for slug, name in states.items()},
        "calls": calls,
        "most_calls": urgent.MOST,
        "waiting": to_review,
        "ending": urgent.ending(declared, book, ask.now),
        # Told where nothing is more urgent.
        "worst": None if calls else sentences.worst(series, {row.slug: row.limit for row in rows}),
        "all": overall.overall({row.slug: row.now for row in rows}, cells),
        "actors": acting.actors(cells, book),
        "most_actors": acting.MOST_NAMED,
        **listed(request, rows, compares=compared is not None),
    }
    counts = [together(each) for each in zip(*filled.values(), strict=True)] or grid.fill({})
    return answer(request, "overview", charts.counts_chart(grid, counts, ask.zone, ask.now), context)


def listed(request: HttpRequest, rows: Sequence[table.Row], *, compares: bool) -> dict[str, Any]:
    """Return the table as it was asked for: filtered, sorted, and not too long unless all of it is wanted."""
    columns = [name for name in table.COLUMNS if compares or name not in table.CHANGES]
    order = forms.asked_order(request.GET, columns, table.MOST_URGENT_FIRST)
    state, no_state = forms.asked_choice(request.GET, "state", dict(table.TO_CHOOSE))
    owners = sorted({row.owner for row in rows if row.owner})
    owner, no_owner = forms.asked_choice(request.GET, "owner", owners)
    asked_sort = request.GET.get("sort", order.text)
    no_order = "" if asked_sort == order.text else "There is no such column: the most urgent come first."
    found = [row for row in rows if state in ("", row.state) and owner in ("", row.owner)]
    shown = table.ordered(found, order)
    return {
        "rows": shown if request.GET.get("all") == "1" else shown[:MOST_ROWS],
        "found": len(found),
        "order": order,
        "columns": [table.heading(name, order) for name in columns],
        "compares": compares,
        "state": state,
        "owner": owner,
        "owners": owners,
        "known_states": table.TO_CHOOSE,
        "problems": tuple(filter(None, (no_state, no_owner, no_order))),
    }
