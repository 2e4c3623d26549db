"""Why a rule was broken, in words for people. Pure. The words hold for an event as for a decision."""

from collections.abc import Mapping

from fallbacks.boundary import classify
from fallbacks.policy import Model, Policy
from fallbacks.verdict import Facts, Rule


def reason(rule: Rule, facts: Facts, policy: Policy | None, models: Mapping[str, Model]) -> str:
    """Return why `rule` was broken: a clause without capital and full stop.

    For a rule that `judge` gave for the same arguments; of another the words would not be true.
    """
    error = classify(facts.status, facts.error_code)
    match rule:
        case "undeclared_route":
            return _undeclared(facts, policy)
        case "never_fallback":
            return f"{error.name} never falls back ({error.why})"
        case "entitlement":
            return f"the triggers do not name {error.name} ({error.why})"
        case "no_backoff":
            return _no_backoff(facts, policy)
        case "trigger_not_allowed":
            return f"the triggers do not name {error.name}"
        case "incompatible":
            return _incompatible(facts, models)
        case "provider_features":
            return _features(facts, models)
        case "billing_boundary":
            return f"{facts.fallback} is billed to another account than {facts.primary}"
        case "compliance_boundary":
            return f"{facts.fallback} is of another data region than {facts.primary}"
        case "silent":
            return "the user was not told"
        case "not_enabled":
            return "the route is not enabled for users"


def _undeclared(facts: Facts, policy: Policy | None) -> str:
    if policy is None:
        return "the workload has no policy"
    if facts.primary != policy.primary:
        return f"the policy's primary is {policy.primary}, not {facts.primary}"
    if policy.fallback is None:
        return "the policy declares no fallback"
    if facts.fallback is None:
        return "no fallback is named"
    return f"the policy's fallback is {policy.fallback}, not {facts.fallback}"


def _no_backoff(facts: Facts, policy: Policy | None) -> str:
    if policy is None or "rate_limit" not in policy.triggers:
        return "the triggers do not name rate_limit"
    return f"rate_limit may fall back after {policy.min_attempts} attempts, not after {facts.attempts}"


def _incompatible(facts: Facts, models: Mapping[str, Model]) -> str:
    primary, fallback = models.get(facts.primary), models.get(facts.fallback or "")
    if primary is None:
        return f"{facts.primary} is not in the catalogue"
    if fallback is None:
        return f"{facts.fallback} is not in the catalogue"
    if primary.family != fallback.family:
        return f"{fallback.name} is of another API family than {primary.name}"
    return f"{fallback.name} does not take {facts.payload_class}"


def _features(facts: Facts, models: Mapping[str, Model]) -> str:
    fallback = models.get(facts.fallback or "")
    lacking = sorted(facts.provider_features - (fallback.features if fallback else frozenset()))
    return f"the request used {' and '.join(lacking)}, which {facts.fallback} does not list"
