"""A route's page: what enabling needs, what is known, and the decision, for whoever may take it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard import who_may
from dashboard.audit import words as audit_words
from dashboard.forms import USUAL_ENVIRONMENT
from dashboard.policies import route_words
from dashboard.policies import words as policy_words
from dashboard.routes import history, marks, needs, people, traffic
from dashboard.views.who_asks import who_asks
from fallbacks import enablement, routes
from fallbacks.audit import BY_ITSELF
from fallbacks.models import AuditEntry, User, Workload
from fallbacks.not_now import NotNow
from fallbacks.permissions import DECIDE_ROUTES, READ_REMARKS, REQUEST_ROUTES
from fallbacks.timebuckets import Window

WEEK = timedelta(days=7)
# What somebody may never do is forbidden; all else that is refused may be possible later.
FORBIDDEN = frozenset({"own_request", "not_yours"})


@dataclass(frozen=True)
class Sent:
    """What the form of a step holds: the reason, and what its sender had seen."""

    why: str
    seen: str


@dataclass(frozen=True)
class Step:
    """A step, and what is said once it is taken."""

    take: Callable[[str, User, Sent], object]
    done: str


STEPS: Mapping[str, Step] = {
    "request": Step(
        lambda slug, by, sent: enablement.request(slug, by, sent.why),
        "You asked for enablement. It waits for a reviewer who is not you.",
    ),
    "withdraw": Step(lambda slug, by, sent: enablement.withdraw(slug, by), "Your request is withdrawn."),
    "approve": Step(
        lambda slug, by, sent: enablement.approve(slug, by, sent.seen, sent.why),
        "The route is enabled: users get its answers from now on.",
    ),
    "reject": Step(
        lambda slug, by, sent: enablement.reject(slug, by, sent.seen, sent.why),
        "The request is rejected. Whoever asked finds your reason here.",
    ),
    "suspend": Step(
        lambda slug, by, sent: enablement.suspend(slug, by, sent.why),
        "The route is suspended. Gateways see it within 5 seconds.",
    ),
}


@never_cache
@require_safe
def route(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the route of a workload's policy."""
    return shown(request, slug)


@never_cache
@require_POST
def step(request: HttpRequest, slug: str, step: str) -> HttpResponse:
    """Take a step of the route's way. What cannot be done now is said on the page, with what was typed."""
    wanted = STEPS[step]
    sent = Sent(request.POST.get("why", ""), request.POST.get("seen", ""))
    try:
        wanted.take(slug, who_asks(request), sent)
    except NotNow as refused:
        return shown(request, slug, refused, sent.why)
    messages.success(request, wanted.done)
    return redirect("route", slug)


def shown(request: HttpRequest, slug: str, refused: NotNow | None = None, why: str = "") -> HttpResponse:
    """Render the page, with why a step was refused. Twelve queries at most."""
    at = routes.standing(slug)
    if at is None:
        return without_policy(request, slug, 409 if refused else 200)
    entries = history.entries(slug)
    viewer, asked, enabled = who_asks(request), at.request, at.enablement
    usernames = {entry.actor for entry in entries} | ({enabled.approved_by} if enabled else set())
    known = people.people([asked.asked_by_id, asked.decided_by_id] if asked else [], usernames)
    now = timezone.now()
    context: dict[str, Any] = {
        "slug": slug,
        "at": at,
        "policy": at.stored.policy,
        "state": route_words.state(at.stored.policy, at.state),
        "needs": needs.Needs(at, now),
        "steps": needs.steps(needs.Needs(at, now)),
        "verified": [(each, route_words.found(each, now)) for each in at.evidence],
        "lacking": enablement.missing(at),
        "gist": policy_words.gist(at.stored.policy),
        "marks": marks.marks(at),
        "failed": marks.why_it_failed(at) if viewer.may(READ_REMARKS) else None,
        "traffic": traffic.traffic(slug, USUAL_ENVIRONMENT, Window.last(WEEK, now)),
        "environment": USUAL_ENVIRONMENT,
        "history": [(each, audit_words.who(each.actor, known.by_username)) for each in history.lines(entries)],
        "refused": refused,
        "why": why,
        "now": now,
        **deciding(viewer, at, known),
        **suspended(entries, at, known),
    }
    status = 200 if refused is None else 403 if refused.code in FORBIDDEN else 409
    return render(request, "pages/route.html", context, status=status)


def deciding(viewer: User, at: routes.Standing, known: people.People) -> dict[str, Any]:
    """Return who may do what here, the viewer among them."""
    asked = at.request
    own = at.open_request is not None and at.open_request.asked_by_id == viewer.id
    return {
        "may_ask": viewer.may(REQUEST_ROUTES),
        "may_decide": viewer.may(DECIDE_ROUTES),
        "is_own": own,
        "asker": known.name(asked.asked_by_id) if asked else "",
        "decider": known.name(asked.decided_by_id) if asked and asked.decided_by_id else "",
        "approver": known.by_username.get(at.enablement.approved_by, at.enablement.approved_by)
        if at.enablement
        else "",
        "reviewers": people.any_of(known.deciders_but(at.open_request.asked_by_id if at.open_request else None)),
    }


def suspended(entries: Sequence[AuditEntry], at: routes.Standing, known: people.People) -> dict[str, Any]:
    """Return by whom the route was suspended, and why; no name where that happened by itself, or nobody knows."""
    found = history.newest(entries, "route suspended") if at.state == "suspended" else None
    by_itself = found is not None and found.actor == BY_ITSELF
    return {
        "suspender": audit_words.who(found.actor, known.by_username) if found and not by_itself else "",
        "by_itself": by_itself,
        "why_suspended": audit_words.told(found).quoted if found else "",
    }


def without_policy(request: HttpRequest, slug: str, status: int) -> HttpResponse:
    """Answer for a workload whose policy nobody has written yet."""
    if not Workload.objects.filter(slug=slug).exists():
        raise Http404
    return render(request, "pages/no_policy.html", {"slug": slug, "whom_to_ask": who_may.whom_to_ask()}, status=status)
