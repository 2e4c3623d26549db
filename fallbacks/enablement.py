"""A route's way to users: proposed, verified, in review, enabled or rejected; suspended by one person, at once.

Every step is taken within `rulebook.changing`, so it sees what is so and nobody changes it meanwhile, and is written
to the audit log in the same transaction. What changes the route sends it back to the start.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from fallbacks import audit, routes, versions
from fallbacks.canonical import Difference
from fallbacks.models import Enablement, RouteRequest, User
from fallbacks.not_now import NotNow
from fallbacks.permissions import DECIDE_ROUTES, REQUEST_ROUTES, roles_with
from fallbacks.policy import Model, Policy
from fallbacks.reading import says_something, storable, with_line_feeds
from fallbacks.routes import Standing
from fallbacks.rulebook import changing
from fallbacks.versions import Stored

# Characters of a reason: it is read on the route's page, whole.
MOST_WHY = 2_000


def request(workload: str, by: User, why: str) -> RouteRequest:
    """Ask that the route be enabled for users. Raises NotNow where that cannot be asked for."""
    _must_have(by, REQUEST_ROUTES, "ask for a route")
    why = _reason(why, "whoever decides has to know what users need it for")
    with changing() as moment:
        at = _standing(workload)
        policy = at.stored.policy
        if policy.fallback is None:
            raise NotNow("no_route", "The policy has no fallback: there is no route to enable.")
        if at.state == "enabled":
            raise NotNow("enabled", "The route is enabled already.")
        if at.open_request:
            raise NotNow("asked", f"{at.open_request.asked_by.known_as} has asked already: wait for the decision.")
        if not at.is_verified:
            raise NotNow("not_verified", "The route is not verified: send a passed verification of each payload class.")
        made = RouteRequest.objects.create(
            workload_id=at.stored.workload_id,
            primary=policy.primary,
            fallback=policy.fallback,
            asked_by=by,
            asked_at=moment,
            why=why,
        )
        audit.append("enablement requested", by.username, workload, f"request {made.id}", why=why, **at.as_evidence())
    return made


def withdraw(workload: str, by: User) -> None:
    """Take back what one asked for. Raises NotNow where there is nothing of one's own that is open."""
    with changing() as moment:
        at = _standing(workload)
        asked = at.open_request
        if asked is None or asked.asked_by_id != by.id:
            raise NotNow("nothing_asked", "There is no open request of yours to withdraw.")
        _decide(asked, RouteRequest.State.WITHDRAWN, by, moment, "")
        audit.append("request withdrawn", by.username, workload, f"request {asked.id}")


def missing(at: Standing) -> list[str]:
    """Return what enabling still needs, in words; nothing where all evidence is in and a request is open."""
    review, found = at.stored.policy.review, []
    if not at.is_verified:
        found.append("a passed verification of each payload class, at most 30 days old")
    if at.scored.count < review.min_reviews:
        more = review.min_reviews - at.scored.count
        found.append(f"{more:,} more scored sample{'' if more == 1 else 's'}")
    elif not at.scored.passes(at.stored.policy):
        found.append(f"a pass rate of {percent(review.pass_rate)} or more")
    if at.open_request is None:
        found.append("a request")
    return found


def approve(workload: str, by: User, seen: str, why: str) -> Enablement:
    """Enable the route for users. `seen` is the `Standing.seen` of what the approver looked at.

    Raises NotNow where evidence is missing, where anything has changed since, or where `by` asked for it: nobody
    approves what they asked for. The database refuses that as well, and every enablement that no such approval is for.
    """
    _must_have(by, DECIDE_ROUTES, "approve")
    why = _text(why)
    with changing() as moment:
        at = _standing(workload)
        asked, policy = at.open_request, at.stored.policy
        if asked is not None and asked.asked_by_id == by.id:
            raise NotNow("own_request", "You asked for this, so you cannot approve it: another reviewer can.")
        _must_have_seen(at, seen)
        if lacking := missing(at):
            raise NotNow("not_ready", f"Enabling still needs {', '.join(lacking)}.")
        assert asked is not None and policy.fallback is not None  # noqa: S101, PT018  or something was missing
        # Before the span: the database refuses here that the asker approves, and below a span of no approved request.
        _decide(asked, RouteRequest.State.APPROVED, by, moment, why)
        _end(Enablement.objects.filter(workload=asked.workload_id, until=None), Enablement.Ended.EXPIRED)
        made = Enablement.objects.create(
            workload_id=at.stored.workload_id,
            primary=policy.primary,
            fallback=policy.fallback,
            since=moment,
            approved_by=by.username,
            expires_at=moment + timedelta(days=policy.review.enabled_for_days),
            request=asked,
        )
        audit.append(
            "route enabled",
            by.username,
            workload,
            f"request {asked.id}",
            why=why,
            asked_by=asked.asked_by.username,
            until=made.expires_at,
            **at.as_evidence(),
        )
    return made


def reject(workload: str, by: User, seen: str, why: str) -> None:
    """Refuse what was asked for, with a reason. Raises NotNow."""
    _must_have(by, DECIDE_ROUTES, "reject")
    why = _reason(why, "whoever asked has to know what to change")
    with changing() as moment:
        at = _standing(workload)
        if at.open_request is None:
            raise NotNow("nothing_asked", "Nobody asks for this route now: there is nothing to reject.")
        _must_have_seen(at, seen)
        _decide(at.open_request, RouteRequest.State.REJECTED, by, moment, why)
        audit.append(
            "route rejected", by.username, workload, f"request {at.open_request.id}", why=why, **at.as_evidence()
        )


def suspend(workload: str, by: User, why: str) -> None:
    """Take an enabled route from users, at once. Raises NotNow where it is not enabled, or no reason is given."""
    _must_have(by, DECIDE_ROUTES, "suspend")
    why = _reason(why, "the workload's owner has to know what to change")
    with changing() as moment:
        at = _standing(workload)
        if at.state != "enabled":
            raise NotNow("not_enabled", "The route is not enabled: there is nothing to stop.")
        _suspend(at, by.username, moment, why)


def suspend_where_fallen(workload: str) -> bool:
    """Suspend the route where its newest samples pass too seldom and its policy says so; tell whether it was."""
    at = routes.standing(workload)
    if at is None or not routes.has_fallen(at):
        return False
    with changing() as moment:
        # Again, with the lock held.
        at = _standing(workload)
        if not routes.has_fallen(at):
            return False
        scored, review = at.scored, at.stored.policy.review
        why = f"{scored.recent_passed} of the newest {scored.recent} samples passed, under {percent(review.pass_rate)}"
        _suspend(at, audit.BY_ITSELF, moment, why)
    return True


def _suspend(at: Standing, by: str, moment: datetime, why: str) -> None:
    number = at.stored.workload_id
    Enablement.objects.filter(workload=number, until=None).update(until=moment, ended=Enablement.Ended.SUSPENDED)
    audit.append("route suspended", by, at.stored.workload, why=why, **at.as_evidence())


def expire() -> list[str]:
    """End the enablements whose time is over; return their workloads. They counted no more since `expires_at`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM enablement WHERE until IS NULL AND expires_at <= now() LIMIT 1")
        if cursor.fetchone() is None:
            return []
    with changing() as moment:
        over = Enablement.objects.filter(until=None, expires_at__lte=moment)
        return _end(over, Enablement.Ended.EXPIRED)


def tend() -> list[str]:
    """Do what nobody asks for: end what is over, and suspend what has fallen; return the workloads that were suspended.

    Of two reviewers who score at once neither sees the other's score: what both missed is found here. A few queries,
    where nothing is to be done.
    """
    expire()
    enabled = Enablement.objects.filter(until=None).values_list("workload__slug", flat=True)
    fallen = [
        at.stored.workload
        for at in routes.standings(versions.latest_of(list(enabled))).values()
        if routes.has_fallen(at)
    ]
    return [workload for workload in fallen if suspend_where_fallen(workload)]


def _end(over: Any, ended: Enablement.Ended) -> list[str]:
    found = list(over.select_related("workload").order_by("workload__slug"))
    for row in found:
        row.until, row.ended = row.expires_at, ended
        row.save(update_fields=["until", "ended"])
        audit.append("route expired", audit.BY_ITSELF, row.workload.slug, primary=row.primary, fallback=row.fallback)
    return [row.workload.slug for row in found]


def _standing(workload: str) -> Standing:
    found = routes.standing(workload)
    if found is None:
        raise NotNow("no_policy", f"{workload} has no policy: there is no route.")
    return found


def _must_have(by: User, permission: str, do: str) -> None:
    if not by.may(permission):
        raise NotNow("not_yours", f"To {do}, one must be {' or '.join(roles_with(permission))}.")


def _must_have_seen(at: Standing, seen: str) -> None:
    if seen != at.seen:
        raise NotNow("changed", "Something changed since you looked: look again, then decide.")


def _decide(asked: RouteRequest, state: RouteRequest.State, by: User, moment: datetime, decision: str) -> None:
    """Compare and set: an open request is decided once."""
    changed = RouteRequest.objects.filter(id=asked.id, state=RouteRequest.State.OPEN).update(
        state=state, decided_by=by, decided_at=moment, decision=decision
    )
    if not changed:
        raise NotNow("changed", "Something changed since you looked: look again, then decide.")


def _reason(sent: str, because: str) -> str:
    """Return a reason as it is kept. Raises NotNow where it says nothing, or is too long."""
    text = _text(sent)
    if not says_something(text):
        raise NotNow("no_reason", f"Say why: {because}.")
    return text


def _text(sent: str) -> str:
    """Return a text as it is kept. Raises NotNow where it is too long: its end must not be lost without a word."""
    text = storable(with_line_feeds(sent).strip())
    if len(text) > MOST_WHY:
        raise NotNow("too_long", f"Say it in {MOST_WHY:,} characters at most: these are {len(text):,}.")
    return text


def percent(share: float) -> str:
    """Write a share that people chose: 90 %, 99.5 %."""
    return f"{share * 100:.10g} %"


# The fields of a policy, and of a model, that a route is verified and approved by.
ROUTE = ("primary", "fallback", "payload_classes")
SHAPE = ("family", "request_shapes", "data_region", "billing_account")


def is_rerouted(before: Policy, after: Policy) -> bool:
    """Tell whether a new version has another pair or other payload classes: what was verified is of another route."""
    return any(getattr(before, name) != getattr(after, name) for name in ROUTE)


def is_reshaped(before: Model, after: Model) -> bool:
    """Tell whether a model changed in what a route is verified and approved by."""
    return any(getattr(before, name) != getattr(after, name) for name in SHAPE)


def told(differences: Sequence[Difference], fields: Sequence[str]) -> str:
    """Say in which of these fields something differs: data region from none to eu."""
    return "; ".join(
        f"{each.field.replace('_', ' ')} from {_value(each.before)} to {_value(each.after)}"
        for each in differences
        if each.field in fields
    )


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value or "none")


def send_back(policies: Sequence[Stored], moment: datetime, by: str, why: str) -> list[str]:
    """Send the routes of these policies back at `moment`; return the workloads of those that were enabled.

    Within `rulebook.changing`, and before what changes them is stored: afterwards nothing tells how far they were.
    """
    enabled = []
    for number, at in routes.standings(policies).items():
        if at.state == "proposed" and not at.open_request:
            continue
        if at.state == "enabled":
            enabled.append(at.stored.workload)
        Enablement.objects.filter(workload=number, until=None).update(until=moment, ended=Enablement.Ended.SENT_BACK)
        asked = RouteRequest.objects.filter(workload=number, state=RouteRequest.State.OPEN)
        asked.update(state=RouteRequest.State.SENT_BACK, decided_at=moment)
        audit.append("route sent back", by, at.stored.workload, why=why, was=at.state)
    return sorted(enabled)
