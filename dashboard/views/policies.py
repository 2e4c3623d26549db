"""Policies as people read them: all of them, and one in plain words with its route and its versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, queries, who_may
from dashboard.breakdowns import Broken
from dashboard.policies import route_words
from dashboard.policies import words as policy_words
from fallbacks import catalogue, policies, routes, versions
from fallbacks.canonical import Difference
from fallbacks.models import Workload
from fallbacks.timebuckets import Window
from fallbacks.verifications import Evidence
from fallbacks.versions import Stored

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Known:
    """A policy with its route, and what broke it in the last 7 days."""

    stored: Stored
    state: route_words.State
    evidence: Sequence[Evidence]
    broken: Broken
    now: datetime

    @property
    def verified(self) -> str:
        return route_words.verified(self.evidence, self.now)

    @property
    def is_verified(self) -> bool:
        return bool(self.evidence) and all(each.counts for each in self.evidence)

    @property
    def found(self) -> list[tuple[Evidence, str]]:
        return [(each, route_words.found(each, self.now)) for each in self.evidence]


def known(stored: Sequence[Stored], scope: queries.Scope, now: datetime) -> tuple[list[Known], dict[str, Broken]]:
    """Return policies with what is known of them, and all that was broken, by workload. Five queries."""
    standings = routes.standings(stored)
    cells = breakdowns.totals(Window.last(WEEK, now), scope, ["workload"])
    broken = {slug: counts for (slug,), counts in cells.items()}
    return [
        Known(
            each,
            route_words.state(each.policy, standings[each.workload_id].state),
            standings[each.workload_id].evidence,
            broken.get(each.workload, Broken()),
            now,
        )
        for each in stored
    ], broken


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Show every workload's policy, and the workloads that have none."""
    rows, broken = known(versions.latest_of(), queries.Scope(), timezone.now())
    with_policy = {row.stored.workload for row in rows}
    without = [(slug, counts) for slug, counts in sorted(broken.items()) if slug not in with_policy]
    context = {
        "rows": rows,
        "without": without,
        "headline": policy_words.headline(
            len(rows), sum(row.broken.violations for row in rows), [slug for slug, _ in without]
        ),
        "whom_to_ask": who_may.whom_to_ask(),
    }
    return render(request, "pages/policies.html", context)


@never_cache
@require_safe
def one(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one workload's policy in plain words, how far its route has come, and all its versions."""
    history = versions.history(slug)
    context: dict[str, Any] = {"slug": slug, "whom_to_ask": who_may.whom_to_ask()}
    if not history:
        if not Workload.objects.filter(slug=slug).exists():
            raise Http404
        return render(request, "pages/no_policy.html", context)
    latest = history[0]
    rows, _ = known([latest], queries.Scope([slug]), timezone.now())
    context |= {
        "policy": latest.policy,
        "stored": latest,
        "known": rows[0],
        "words": policy_words,
        "gist": policy_words.gist(latest.policy),
        "never": policy_words.never(latest.policy),
        "backoff": policy_words.backoff(latest.policy),
        "review": policy_words.review(latest.policy.review),
        "crossed": crossed(latest),
        "steps": steps(history),
        "compared": compared(history, request.GET.get("from", ""), request.GET.get("to", "")),
    }
    return render(request, "pages/policy.html", context)


def crossed(stored: Stored) -> list[str]:
    """Return the boundaries that the pair crosses. One query."""
    pair = [name for name in (stored.policy.primary, stored.policy.fallback) if name]
    models = catalogue.models(pair)
    known = [models[name] for name in pair if name in models]
    return list(known[0].crosses(known[1])) if len(known) == len(pair) == 2 else []


def steps(history: Sequence[Stored]) -> list[tuple[Stored, list[Difference]]]:
    """Return all versions, newest first, each with what it changed."""
    befores = [*history[1:], None]
    return [
        (after, policies.difference(before.policy, after.policy) if before else [])
        for after, before in zip(history, befores, strict=True)
    ]


@dataclass(frozen=True)
class Compared:
    """Two versions and the fields in which they differ."""

    before: Stored
    after: Stored
    differences: list[Difference]


def compared(history: Sequence[Stored], first: str, second: str) -> Compared | None:
    """Return what differs between the two versions that were asked for; else between the last two, if there are."""
    numbers = {str(stored.version): stored for stored in history}
    before = numbers.get(first) or (history[1] if len(history) > 1 else None)
    after = numbers.get(second) or history[0]
    if before is None:
        return None
    return Compared(before, after, policies.difference(before.policy, after.policy))
