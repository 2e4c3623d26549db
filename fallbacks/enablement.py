"""A route's way to users: proposed, verified, in review, enabled or rejected; suspended by one person, at once.

Every step is taken within `rulebook.changing`, so it sees what is so and nobody changes it meanwhile, and is written
to the audit log in the same transaction. What changes the route sends it back to the start.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, get_args

import msgspec
from django.db import connection

from fallbacks import audit, verifications, versions
from fallbacks.canonical import Difference
from fallbacks.models import Enablement, RouteRequest, User
from fallbacks.policy import Model, Policy
from fallbacks.reading import Refused
from fallbacks.refusals import Problem
from fallbacks.rulebook import changing
from fallbacks.verifications import Evidence
from fallbacks.versions import Stored

Row = TypeVar("Row", RouteRequest, Enablement)
RouteState = Literal["proposed", "verified", "in review", "enabled", "rejected", "suspended"]
STATES: tuple[RouteState, ...] = get_args(RouteState)
# Who may ask, and who may decide.
ASKERS = frozenset({"engineer", "admin"})
DECIDERS = frozenset({"reviewer", "admin"})
# So long before an enablement ends by itself, pages say so.
NOTICE = timedelta(days=14)


class NotNow(Exception):
    """The step cannot be taken: `code` names why, the text says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Scored:
    """How many samples of a route have been scored since it is what it is, and how many passed.

    `recent` and `recent_passed` are of the newest `min_reviews` of them.
    """

    count: int = 0
    passed: int = 0
    recent: int = 0
    recent_passed: int = 0
    newest: int = 0

    def suffices(self, policy: Policy) -> bool:
        """Tell whether enough were scored, and enough of those passed: of all, and of the newest."""
        return self.count >= policy.review.min_reviews and self.passes(policy)

    def passes(self, policy: Policy) -> bool:
        return _share(self.passed, self.count) >= policy.review.pass_rate and not self.has_fallen(policy)

    def has_fallen(self, policy: Policy) -> bool:
        """Tell whether the pass rate of the newest `min_reviews` is under the policy's; of fewer nothing is said."""
        review = policy.review
        return self.recent >= review.min_reviews > 0 and _share(self.recent_passed, self.recent) < review.pass_rate


def _share(part: int, of: int) -> float:
    # Divided, and not the rate multiplied: 0.55 * 20 is more than 11.
    return part / of if of else 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a route stands, and what that rests on. `request` and `enablement` are the newest of the route as it is."""

    stored: Stored
    since: datetime
    state: RouteState
    evidence: Sequence[Evidence]
    scored: Scored
    request: RouteRequest | None
    enablement: Enablement | None

    @property
    def is_verified(self) -> bool:
        return bool(self.evidence) and all(each.counts for each in self.evidence)

    @property
    def open_request(self) -> RouteRequest | None:
        return self.request if self.request and self.request.state == RouteRequest.State.OPEN else None

    @property
    def seen(self) -> str:
        """What somebody who decides has seen, as one word: it differs as soon as anything of that does."""
        facts = (
            self.stored.workload_id,
            self.stored.version,
            self.since,
            self.state,
            self.open_request.id if self.open_request else None,
            [(each.payload_class, each.counts, each.newest and each.newest.id) for each in self.evidence],
            (self.scored.count, self.scored.passed, self.scored.newest),
        )
        return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]

    def as_evidence(self) -> dict[str, Any]:
        """Return what a step rests on, for the audit log."""
        return {
            "policy_version": self.stored.version,
            "primary": self.stored.policy.primary,
            "fallback": self.stored.policy.fallback,
            "verifications": {each.payload_class: each.newest.name for each in self.evidence if each.newest},
            "scored": self.scored.count,
            "passed": self.scored.passed,
            "newest_sample": self.scored.newest,
        }


def standing(workload: str) -> Standing | None:
    """Return where the route of the workload's policy stands; None where it has no policy. Five queries."""
    stored = versions.latest(workload)
    return standings([stored])[stored.workload_id] if stored else None


def route_state(workload: str) -> RouteState:
    """Return how far the route of the workload's policy has come; a workload without one has proposed nothing yet."""
    found = standing(workload)
    return found.state if found else "proposed"


def states(policies: Sequence[Stored]) -> dict[int, RouteState]:
    """Return by number of the workload how far its route has come. Four queries, however many policies."""
    return {number: found.state for number, found in standings(policies).items()}


def standings(policies: Sequence[Stored]) -> dict[int, Standing]:
    """Return by number of the workload where its route stands. Four queries, however many policies."""
    since = versions.routes_since(policies)
    evidence = verifications.evidence(policies, since)
    scored = _scored(policies, since)
    # Last: where the policy was read before a change and this after it, the change has closed what was open.
    steps = _newest_steps(policies)
    found: dict[int, Standing] = {}
    for stored in policies:
        number = stored.workload_id
        request, enablement = steps.get(number, (None, None))
        if request is not None and request.asked_at < since[number]:
            request = None
        if enablement is not None and enablement.until is not None and enablement.until < since[number]:
            enablement = None
        counts = scored.get(number, Scored())
        known = evidence[number]
        state = _state(known, counts, request, enablement)
        found[number] = Standing(stored, since[number], state, known, counts, request, enablement)
    return found


def _state(
    evidence: Sequence[Evidence], scored: Scored, request: RouteRequest | None, enablement: Enablement | None
) -> RouteState:
    if enablement is not None and is_open(enablement):
        return "enabled"
    # What was decided last, unless somebody has asked again since.
    if request is not None and request.state == RouteRequest.State.REJECTED:
        return "rejected"
    is_open_request = request is not None and request.state == RouteRequest.State.OPEN
    if enablement is not None and enablement.ended == Enablement.Ended.SUSPENDED and not is_open_request:
        return "suspended"
    if not (evidence and all(each.counts for each in evidence)):
        return "proposed"
    return "in review" if is_open_request or scored.count else "verified"


def is_open(enablement: Enablement) -> bool:
    """Tell whether users get the route's answers now."""
    expires = enablement.expires_at
    return enablement.until is None and (expires is None or expires > datetime.now(expires.tzinfo))


SCORED = """
SELECT workload_id, count(*), count(*) FILTER (WHERE passed),
       count(*) FILTER (WHERE place <= least_reviews), count(*) FILTER (WHERE passed AND place <= least_reviews),
       max(id)
FROM (
  SELECT s.workload_id, s.id, s.passed, r.least_reviews,
         row_number() OVER (PARTITION BY s.workload_id ORDER BY s.scored_at DESC, s.id DESC) AS place
  FROM sample s JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::integer[])
    AS r (workload_id, "primary", fallback, since, least_reviews) USING (workload_id, "primary", fallback)
  WHERE s.scored_at >= r.since AND s.sampled_at >= r.since
) placed GROUP BY workload_id
"""

# In one query: pages that show a route ask much besides.
NEWEST_STEPS = """
WITH of AS (SELECT unnest(%s::bigint[]) AS workload_id),
r AS (SELECT DISTINCT ON (workload_id, "primary", fallback) * FROM route_request JOIN of USING (workload_id)
      ORDER BY workload_id, "primary", fallback, id DESC),
e AS (SELECT DISTINCT ON (workload_id, "primary", fallback) * FROM enablement JOIN of USING (workload_id)
      ORDER BY workload_id, "primary", fallback, id DESC)
SELECT workload_id, "primary", fallback, {columns} FROM r FULL JOIN e USING (workload_id, "primary", fallback)
"""


def _scored(policies: Sequence[Stored], since: Mapping[int, datetime]) -> dict[int, Scored]:
    routes = [
        (
            each.workload_id,
            each.policy.primary,
            each.policy.fallback,
            since[each.workload_id],
            each.policy.review.min_reviews,
        )
        for each in policies
        if each.policy.fallback is not None
    ]
    if not routes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(SCORED, [list(column) for column in zip(*routes, strict=True)])
        return {number: Scored(*counts) for number, *counts in cursor.fetchall()}


def _newest_steps(policies: Sequence[Stored]) -> dict[int, tuple[RouteRequest | None, Enablement | None]]:
    """Return by number of the workload the newest request for its policy's pair, and the newest time it was enabled."""
    pairs = {each.workload_id: (each.policy.primary, each.policy.fallback) for each in policies}
    asked, enabled = (model._meta.concrete_fields for model in (RouteRequest, Enablement))
    columns = ", ".join(f'{table}."{each.column}"' for table, of in (("r", asked), ("e", enabled)) for each in of)
    found: dict[int, tuple[RouteRequest | None, Enablement | None]] = {}
    with connection.cursor() as cursor:
        cursor.execute(NEWEST_STEPS.format(columns=columns), [list(pairs)])
        for workload, primary, fallback, *values in cursor.fetchall():
            if pairs[workload] == (primary, fallback):
                step = _row(RouteRequest, values[: len(asked)]), _row(Enablement, values[len(asked) :])
                found[workload] = step
    return found


def _row(model: type[Row], values: Sequence[Any]) -> Row | None:
    """Return a row that was read with others; None where there was none."""
    fields = model._meta.concrete_fields
    return model.from_db(connection.alias, [each.attname for each in fields], values) if any(values) else None


# --- Steps -----------------------------------------------------------------------------------------


def request(workload: str, by: User, why: str) -> RouteRequest:
    """Ask that the route be enabled for users. Raises NotNow where that cannot be asked for."""
    _must_be(by, ASKERS, "ask for a route")
    with changing() as moment:
        at = _standing(workload)
        policy = at.stored.policy
        if policy.fallback is None:
            raise NotNow("no_route", "The policy has no fallback: there is no route to enable.")
        if at.state == "enabled":
            raise NotNow("enabled", "The route is enabled already.")
        if at.open_request:
            raise NotNow("asked", f"{name_of(at.open_request.asked_by)} has asked already: wait for the decision.")
        if not at.is_verified:
            raise NotNow("not_verified", "The route is not verified: send a passed verification of each payload class.")
        made = RouteRequest.objects.create(
            workload_id=at.stored.workload_id,
            primary=policy.primary,
            fallback=policy.fallback,
            asked_by=by,
            asked_at=moment,
            why=_text(why),
        )
        audit.append(
            "enablement requested", by.username, workload, f"request {made.id}", why=made.why, **at.as_evidence()
        )
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
    approves what they asked for, and the database refuses it as well.
    """
    _must_be(by, DECIDERS, "approve")
    with changing() as moment:
        at = _standing(workload)
        asked, policy = at.open_request, at.stored.policy
        if asked is not None and asked.asked_by_id == by.id:
            raise NotNow("own_request", "You asked for this, so you cannot approve it: another reviewer can.")
        _must_have_seen(at, seen)
        if lacking := missing(at):
            raise NotNow("not_ready", f"Enabling still needs {', '.join(lacking)}.")
        assert asked is not None and policy.fallback is not None  # noqa: S101, PT018  or something was missing
        # Before the span: the database refuses here that the asker approves.
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
            why=_text(why),
            asked_by=asked.asked_by.username,
            until=made.expires_at,
            **at.as_evidence(),
        )
    return made


def reject(workload: str, by: User, seen: str, why: str) -> None:
    """Refuse what was asked for, with a reason. Raises NotNow."""
    _must_be(by, DECIDERS, "reject")
    if not why.strip():
        raise NotNow("no_reason", "Say why: whoever asked has to know what to change.")
    with changing() as moment:
        at = _standing(workload)
        if at.open_request is None:
            raise NotNow("nothing_asked", "Nobody asks for this route now: there is nothing to reject.")
        _must_have_seen(at, seen)
        _decide(at.open_request, RouteRequest.State.REJECTED, by, moment, why)
        audit.append(
            "route rejected", by.username, workload, f"request {at.open_request.id}", why=_text(why), **at.as_evidence()
        )


def suspend(workload: str, by: User, why: str) -> None:
    """Take an enabled route from users, at once. Raises NotNow where it is not enabled, or no reason is given."""
    _must_be(by, DECIDERS, "suspend")
    if not why.strip():
        raise NotNow("no_reason", "Say why: the workload's owner has to know what to change.")
    with changing() as moment:
        at = _standing(workload)
        if at.state != "enabled":
            raise NotNow("not_enabled", "The route is not enabled: there is nothing to stop.")
        _suspend(at, by.username, moment, why)


def suspend_where_fallen(workload: str) -> bool:
    """Suspend the route where its newest samples pass too seldom and its policy says so; tell whether it was."""
    at = standing(workload)
    if at is None or not has_fallen(at):
        return False
    with changing() as moment:
        # Again, with the lock held.
        at = _standing(workload)
        if not has_fallen(at):
            return False
        scored, review = at.scored, at.stored.policy.review
        why = f"{scored.recent_passed} of the newest {scored.recent} samples passed, under {percent(review.pass_rate)}"
        _suspend(at, audit.BY_ITSELF, moment, why)
    return True


def has_fallen(at: Standing) -> bool:
    policy = at.stored.policy
    return at.state == "enabled" and policy.review.auto_suspend and at.scored.has_fallen(policy)


def _suspend(at: Standing, by: str, moment: datetime, why: str) -> None:
    number = at.stored.workload_id
    Enablement.objects.filter(workload=number, until=None).update(until=moment, ended=Enablement.Ended.SUSPENDED)
    audit.append("route suspended", by, at.stored.workload, why=_text(why), **at.as_evidence())


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
    fallen = [at.stored.workload for at in standings(versions.latest_of(list(enabled))).values() if has_fallen(at)]
    return [workload for workload in fallen if suspend_where_fallen(workload)]


def _end(over: Any, ended: Enablement.Ended) -> list[str]:
    found = list(over.select_related("workload").order_by("workload__slug"))
    for row in found:
        row.until, row.ended = row.expires_at, ended
        row.save(update_fields=["until", "ended"])
        audit.append("route expired", audit.BY_ITSELF, row.workload.slug, primary=row.primary, fallback=row.fallback)
    return [row.workload.slug for row in found]


def _standing(workload: str) -> Standing:
    found = standing(workload)
    if found is None:
        raise NotNow("no_policy", f"{workload} has no policy: there is no route.")
    return found


def _must_be(by: User, roles: frozenset[str], do: str) -> None:
    if not by.is_active or roles.isdisjoint(by.roles()):
        raise NotNow("not_yours", f"To {do}, one must be {' or '.join(sorted(roles, reverse=True))}.")


def _must_have_seen(at: Standing, seen: str) -> None:
    if seen != at.seen:
        raise NotNow("changed", "Something changed since you looked: look again, then decide.")


def _decide(asked: RouteRequest, state: RouteRequest.State, by: User, moment: datetime, decision: str) -> None:
    """Compare and set: an open request is decided once."""
    changed = RouteRequest.objects.filter(id=asked.id, state=RouteRequest.State.OPEN).update(
        state=state, decided_by=by, decided_at=moment, decision=_text(decision)
    )
    if not changed:
        raise NotNow("changed", "Something changed since you looked: look again, then decide.")


def _text(sent: str) -> str:
    return sent.strip().replace("\0", "\ufffd")[:2000]


def percent(share: float) -> str:
    """Write a share that people chose: 90 %, 99.5 %."""
    return f"{share * 100:.10g} %"


def name_of(user: User) -> str:
    """Return a person's name, as others know them."""
    return user.get_full_name() or user.username


# --- What sends a route back -----------------------------------------------------------------------


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
    for number, at in standings(policies).items():
        if at.state == "proposed" and not at.open_request:
            continue
        if at.state == "enabled":
            enabled.append(at.stored.workload)
        Enablement.objects.filter(workload=number, until=None).update(until=moment, ended=Enablement.Ended.SENT_BACK)
        asked = RouteRequest.objects.filter(workload=number, state=RouteRequest.State.OPEN)
        asked.update(state=RouteRequest.State.SENT_BACK, decided_at=moment)
        audit.append("route sent back", by, at.stored.workload, why=why, was=at.state)
    return sorted(enabled)


def enable(workload: str, by: str, since: datetime | None = None) -> None:
    """Enable the route of the workload's policy for users, from now on or, in the demo, since an earlier time.

    For the demo and the tests alone: nothing asks here for reviews, nor for the approval of a second person, which a
    route of real users needs. Raises Refused where the route is not verified; one that is enabled stays as it is.
    """
    with changing() as moment:
        stored = versions.latest(workload)
        state = states([stored])[stored.workload_id] if stored else "proposed"
        if stored is None or stored.policy.fallback is None or state == "proposed":
            raise Refused([Problem("workload", f"The route of {workload} is not verified: send verifications first.")])
        if state != "enabled":
            Enablement.objects.create(
                workload_id=stored.workload_id,
                primary=stored.policy.primary,
                fallback=stored.policy.fallback,
                since=since or moment,
                approved_by=by,
            )
