"""Decisions by the rulebook: what a gateway may do now, by the policy and the route's state as they are."""

from datetime import datetime

from fallbacks.decision import Decision, decide
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import Facts


def decided(workload: str, facts: Facts, book: Rulebook, now: datetime) -> tuple[Decision, int | None]:
    """Return the decision and the version of the policy that it is by; None where the workload has no policy."""
    version = book.latest(workload)
    if version is None:
        return decide(facts, None, book.models, enabled=False), None
    policy = version.policy
    enabled = book.is_enabled(workload, policy.primary, policy.fallback, now)
    return decide(facts, policy, book.models, enabled=enabled), version.number
