"""The decision: what a gateway may do now that the primary has failed. Pure, and by the rules that judge events."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fallbacks.policy import Model, Policy
from fallbacks.reasons import reason
from fallbacks.verdict import Facts, Rule, Verdict, judge

Action = Literal["fallback", "retry", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and why.

    `fallback` is the model that may answer; None unless the action is `fallback`. `message` is what the user is
    told; None unless `notify_user`. `rules` are those that a fallback would break, `because` is one sentence.
    """

    action: Action
    error_class: str
    rules: tuple[Rule, ...]
    because: str
    fallback: str | None = None
    notify_user: bool = False
    message: str | None = None


def decide(facts: Facts, policy: Policy | None, models: Mapping[str, Model], *, enabled: bool) -> Decision:
    """Decide by the rules for an answer that the fallback would serve, with the notice given that the policy asks.

    What is not known to be allowed is not allowed. It is `fail` with `undeclared_route` where the workload has no
    policy, the policy is for another primary or has no fallback, and where the gateway names a fallback that is
    not the policy's: that one would answer. A gateway that names none is told the policy's. `outcome` and
    `user_notified` of the facts are not looked at, for nothing has been served or told yet. Of a payload class,
    features and a tier that are not told nothing can be broken; visible is what the policy says, if the facts do
    not. An error class that is marked `never` fails whatever the policy names.

    The arguments are those of `judge`, and so are the errors.
    """
    would_be = _served(facts, policy)
    verdict = judge(would_be, policy, models, enabled=enabled)
    if policy is not None and verdict.allowed:
        return _fallback(would_be, policy, verdict)
    retry = policy is not None and verdict.rules == ("no_backoff",) and "rate_limit" in policy.triggers
    reasons = ", and ".join(reason(rule, would_be, policy, models) for rule in verdict.rules)
    return Decision(
        action="retry" if retry else "fail",
        rules=verdict.rules,
        because=f"{f'Try {facts.primary} again' if retry else 'No fallback'}: {reasons}.",
        error_class=verdict.error_class,
    )


def _served(facts: Facts, policy: Policy | None) -> Facts:
    """Return the event that there would be if the fallback answered and the user was told as notice and tier ask."""
    if policy is None:
        return replace(facts, outcome="served")
    return replace(
        facts,
        outcome="served",
        fallback=policy.fallback if facts.fallback is None else facts.fallback,
        user_notified=policy.asks_notice(facts.tier),
    )


def _fallback(would_be: Facts, policy: Policy, verdict: Verdict) -> Decision:
    notify = policy.asks_notice(would_be.tier)
    told = "must" if notify else "need not"
    return Decision(
        action="fallback",
        fallback=would_be.fallback,
        notify_user=notify,
        message=policy.message if notify else None,
        rules=verdict.rules,
        because=f"{would_be.fallback} may answer for {would_be.primary}: the triggers name {verdict.error_class},"
        f" and the user {told} be told.",
        error_class=verdict.error_class,
    )
