"""Figures as files: of the page that they are asked from, by the controls that it has in its address."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.http import Http404

from dashboard import charts, forms, standings
from dashboard.episodes import Told
from dashboard.events.addresses import Events
from dashboard.exports import figures, reviews
from dashboard.exports.figures import Asked
from dashboard.standings import limits_of
from dashboard.views import controls
from dashboard.views.review_results import USUAL_RANGE
from dashboard.violations import owner
from dashboard.workload import counts as workload_counts
from dashboard.workload.episodes import happened
from fallbacks import rulebook
from fallbacks.models import Workload

Rows = Iterable[Mapping[str, Any]]
# The overview's word for a workload that nothing is known of in the last day.
QUIET = "quiet"


def of_overview(asked: Asked, ask: controls.Asked, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Yield the workloads that the overview shows at this state and owner, with how they stand now."""
    book = rulebook.recent()
    followed = {each.standing.workload: each.standing for each in standings.follow(ask.now, asked.scope, book)}
    for row in figures.overview(asked):
        slug = row["workload"]
        standing = followed.get(slug)
        state, mine = standing.state if standing else QUIET, owner(book, slug)
        if query.get("state") in (None, "", state) and query.get("owner") in (None, "", mine):
            since = standing.since if standing else None
            yield {"workload": slug, "owner": mine, "state": state, "since": since, **row}


def of_episodes(asked: Asked, ask: controls.Asked, _: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Yield the episodes of a workload, the newest first, as its page tells them."""
    book, grid = rulebook.recent(), charts.grid(asked.window, charts.FEW)
    limits = limits_of(book, asked.workload)
    known = workload_counts.known(asked.workload, asked.environment, grid, None, ask.now, limits)
    if known is None:
        return
    for told in happened(known, Events(asked.workload, asked.environment, ask.span), book, ask.now):
        yield {"workload": asked.workload, **one(told)}


def one(told: Told) -> dict[str, Any]:
    counts = told.so_far.counts
    return {
        "state": told.state,
        "start": told.episode.start,
        # Null: it goes on.
        "end": told.episode.end,
        "seconds": round(told.lasted.total_seconds()),
        "cause": told.cause,
        "who_acts": told.who_acts,
        "peak_rate": told.peak,
        "peak_at": told.peak_at,
        "requests": counts.requests,
        "events": counts.events,
        "served": counts.served,
        "failed": counts.failed,
        "blocked": counts.blocked,
        "silent": told.so_far.silent,
    }


# By the name in the address.
KINDS: dict[str, Callable[[Asked, controls.Asked, Mapping[str, str]], Rows]] = {
    "overview": of_overview,
    "workload": lambda asked, *_: figures.workload(asked),
    "violations": lambda asked, *_: figures.violations(asked),
    "episodes": of_episodes,
    "reviews": lambda asked, *_: reviews.rows(asked),
}
OF_A_WORKLOAD = frozenset({"workload", "episodes"})
# What is of no environment alone.
EVERYWHERE = frozenset({"reviews"})
# The ranges of pages that usually show another one.
USUAL_RANGES = {"reviews": USUAL_RANGE}


def usual_range(kind: str) -> str:
    """Return the range of the page whose figures these are, where its address names none."""
    return USUAL_RANGES.get(kind, forms.USUAL_RANGE)


def table(kind: str, ask: controls.Asked, query: Mapping[str, str]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of a kind. Raises Http404 where there is no such thing."""
    if kind not in KINDS:
        raise Http404
    workload = named(query)
    if kind in OF_A_WORKLOAD and not Workload.objects.filter(slug=workload).exists():
        raise Http404
    asked = Asked(ask.span.window, "" if kind in EVERYWHERE else ask.environment, workload)
    return figures.table(KINDS[kind](asked, ask, query), asked)


def named(query: Mapping[str, str]) -> str:
    """Return the workload that is asked for, empty where it is none."""
    return query.get("workload", "").replace("\0", "")
