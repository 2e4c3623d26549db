"""Where routes stand on their way to users, and what that rests on: proposed, verified, in review, enabled or rejected;
suspended where somebody stopped it. Read here, changed by `enablement`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, get_args

import msgspec
from django.db import connection

from fallbacks import verifications, versions
from fallbacks.models import Enablement, RouteRequest
from fallbacks.policy import Policy
from fallbacks.verifications import Evidence
from fallbacks.versions import Stored

Row = TypeVar("Row", RouteRequest, Enablement)
RouteState = Literal["proposed", "verified", "in review", "enabled", "rejected", "suspended"]
STATES: tuple[RouteState, ...] = get_args(RouteState)
# So long before an enablement ends by itself, pages say so.
NOTICE = timedelta(days=14)


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

    def passes(self, policy: Policy) -> bool:
        """Tell whether enough of them passed: of all, and of the newest."""
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
  -- An answer of before is one of another route, however late it came.
  WHERE s.scored_at >= r.since AND s.occurred_at >= r.since
) placed GROUP BY workload_id
"""

# In one query: pages that show a route ask much besides.
NEWEST_STEPS = """
WITH of AS (SELECT unnest(%s::bigint[]) AS workload_id),
r AS (SELECT DISTINCT ON (workload_id, "primary", fallback) * FROM route_request JOIN of USING (workload_id)
      -- Who takes a request back takes back no decision with it.
      WHERE state <> 'withdrawn'
      ORDER BY workload_id, "primary", fallback, id DESC),
e AS (SELECT DISTINCT ON (workload_id, "primary", fallback) * FROM enablement JOIN of USING (workload_id)
      ORDER BY workload_id, "primary", fallback, id DESC)
SELECT workload_id, "primary", fallback, {columns} FROM r FULL JOIN e USING (workload_id, "primary", fallback)
"""


def scored(policies: Sequence[Stored]) -> dict[int, Scored]:
    """Return by number of the workload what counts of its route as it is, where anything does: the same as in its
    `Standing`. Two queries, however many policies."""
    return _scored(policies, versions.routes_since(policies))


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


def has_fallen(at: Standing) -> bool:
    policy = at.stored.policy
    return at.state == "enabled" and policy.review.auto_suspend and at.scored.has_fallen(policy)
