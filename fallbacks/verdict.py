"""The verdict: which rules of its workload's policy an event broke, and who acts. Pure, and called for every event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from fallbacks.boundary import WORKLOAD_OWNER, ErrorClass, classify
from fallbacks.policy import Model, Policy

Outcome = Literal["served", "failed", "blocked"]
Rule = Literal[
    "undeclared_route",
    "never_fallback",
    "entitlement",
    "no_backoff",
    "trigger_not_allowed",
    "incompatible",
    "provider_features",
    "billing_boundary",
    "compliance_boundary",
    "silent",
    "not_enabled",
]
# In the order in which an event's rules are listed.
RULES: tuple[Rule, ...] = get_args(Rule)
_BITS: Mapping[str, int] = {rule: 1 << place for place, rule in enumerate(RULES)}


def mask(rules: Iterable[str]) -> int:
    """Return rules as bits, the first of `RULES` the lowest: as they are stored and counted. Raises KeyError."""
    return sum({_BITS[rule] for rule in rules})


@cache
def named(mask: int) -> tuple[Rule, ...]:
    """Return the rules of a mask, in the order of `RULES`."""
    return tuple(rule for rule in RULES if mask & _BITS[rule])


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an event or a gateway tells and a verdict depends on.

    None is not known. `attempts` are tries on the primary before the fallback, from 1; `provider_features` are
    those that the request used and only the primary's provider has.
    """

    primary: str
    status: str
    fallback: str | None = None
    error_code: str | None = None
    attempts: int = 1
    outcome: Outcome = "served"
    user_visible: bool | None = None
    user_notified: bool | None = None
    tier: str | None = None
    payload_class: str | None = None
    provider_features: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The class of the error, the rules that were broken in the order of `RULES`, and the team that acts."""

    error_class: str
    rules: tuple[Rule, ...]
    who_acts: str
    # Whether the policy asks that the user be told of this answer.
    notice_due: bool = False

    @property
    def allowed(self) -> bool:
        return not self.rules


def judge(facts: Facts, policy: Policy | None, models: Mapping[str, Model], *, enabled: bool) -> Verdict:
    """Judge an event by the policy version that was in force when it occurred.

    `policy` is None where the workload has none. `models` is the catalogue by name. `enabled` tells whether the
    route was enabled for users at that time. For what went wrong the boundary says who acts; for a broken rule,
    and where the boundary names the workload's owner, it is the policy's `owner`, or "workload owner" where no
    policy names one.

    A pure function of values: while the catalogue stays, a caller may remember verdicts by facts, policy and
    `enabled`. A policy's version is a cheaper key than the policy, and an event's own values than facts made of
    them. Raises ValueError where the status is none (see `classify`).
    """
    error = classify(facts.status, facts.error_code)
    rules = _broken(facts, error, policy, models, enabled)
    due = policy is not None and _is_notice_due(facts, policy)
    if rules or error.who_acts == WORKLOAD_OWNER:
        return Verdict(error.name, rules, (policy.owner if policy else "") or WORKLOAD_OWNER, due)
    return Verdict(error.name, rules, error.who_acts, due)


def _is_visible(facts: Facts, policy: Policy) -> bool:
    """Tell whether users see the answer: as the event says, else as the policy says of its workload."""
    return policy.user_visible if facts.user_visible is None else facts.user_visible


def _is_notice_due(facts: Facts, policy: Policy) -> bool:
    """Tell whether the user has to be told: of an answer by the policy's own fallback, as its notice asks."""
    answered = facts.outcome == "served" and _is_declared(facts, policy)
    return answered and _is_visible(facts, policy) and policy.asks_notice(facts.tier)


def _broken(
    facts: Facts, error: ErrorClass, policy: Policy | None, models: Mapping[str, Model], enabled: bool
) -> tuple[Rule, ...]:
    """Return the broken rules. All but `undeclared_route` speak of answers by a fallback alone."""
    if facts.outcome == "blocked":
        return ()  # refusing to fall back is policy working
    failed = facts.outcome == "failed"
    if policy is None or not _is_declared(facts, policy):
        return ("undeclared_route",) if failed or error.fallback != "never" else ("undeclared_route", "never_fallback")
    if failed:
        return ()
    of_class = _of_class(error, facts.attempts, policy)
    broken: list[Rule] = [] if of_class is None else [of_class]
    _add_of_models(broken, facts, policy, models)
    if _is_visible(facts, policy):
        if not facts.user_notified and _is_notice_due(facts, policy):
            broken.append("silent")
        if not enabled:
            broken.append("not_enabled")
    return tuple(broken)


def _is_declared(facts: Facts, policy: Policy) -> bool:
    """Tell whether the pair is the policy's.

    A failed event without a fallback belongs to the pair where its primary does. An answer without a fallback
    belongs to none, a policy without a fallback included: that one declares no route.
    """
    if facts.primary != policy.primary:
        return False
    if facts.fallback is None:
        return facts.outcome == "failed"
    return facts.fallback == policy.fallback


def _of_class(error: ErrorClass, attempts: int, policy: Policy) -> Rule | None:
    """Return the rule that the error class breaks: each class is under one of four, and no trigger lifts `never`."""
    if error.fallback == "never":
        return "never_fallback"
    named = error.name in policy.triggers
    if error.name == "rate_limit":
        return None if named and attempts >= policy.min_attempts else "no_backoff"
    if named:
        return None
    return "entitlement" if error.name in ("permission", "quota") else "trigger_not_allowed"


def _add_of_models(broken: list[Rule], facts: Facts, policy: Policy, models: Mapping[str, Model]) -> None:
    """Add the rules that the two models break.

    A model that the catalogue does not have fits nothing and has no features: what is not known to be allowed is
    not allowed. A boundary counts only where both of its sides are known, and of a payload class that the event
    does not tell nothing is lacking.
    """
    primary = models.get(facts.primary)
    fallback = None if facts.fallback is None else models.get(facts.fallback)
    if primary is None or fallback is None or not _fits(primary, fallback, facts.payload_class):
        broken.append("incompatible")
    if facts.provider_features and (fallback is None or not facts.provider_features <= fallback.features):
        broken.append("provider_features")
    if primary is not None and fallback is not None:
        broken += [each for each in primary.crosses(fallback) if each not in policy.permits]


def _fits(primary: Model, fallback: Model, payload_class: str | None) -> bool:
    """Tell whether the fallback takes the request: it is of the same API family and has the payload class."""
    return primary.family == fallback.family and (payload_class is None or payload_class in fallback.request_shapes)
