"""Rules and marks in words for people: what each rule asks, and how a mark of the error boundary is said. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from fallbacks.boundary import ErrorClass, Mark
from fallbacks.verdict import Rule

# When an event breaks the rule.
MEANING: Mapping[Rule, str] = {
    "undeclared_route": "The workload has no policy, or its policy does not name this pair of models.",
    "never_fallback": "After this error nothing may fall back, whatever the policy says.",
    "entitlement": "A quota or permission error that the policy does not name as a trigger.",
    "no_backoff": "A rate limit that the policy does not name, or that was not tried again often enough.",
    "trigger_not_allowed": "Any other error that the policy does not name as a trigger.",
    "incompatible": "The models differ in API family, or the fallback does not take this shape of request.",
    "provider_features": "The request used features that the fallback does not list.",
    "billing_boundary": "The answer went to another billing account, and the policy does not permit that.",
    "compliance_boundary": "The answer came from another data region, and the policy does not permit that.",
    "silent": "A user saw the fallback's answer, had to be told, and was not.",
    "not_enabled": "Users saw the fallback's answer while the route was not enabled for them.",
}


@dataclass(frozen=True, slots=True)
class MarkWords:
    """How a mark is shown: icon, word, the state whose colour it has, and on what it depends."""

    icon: str
    word: str
    kind: str
    more: str


# In the order in which the boundary is listed: what often falls back first.
MARKS: Mapping[Mark, MarkWords] = {
    "if_trigger": MarkWords("circle-check", "Often", "normal", "if it is a trigger"),
    "after_backoff": MarkWords("help-circle", "Maybe", "degraded", "after backing off"),
    "if_named": MarkWords("help-circle", "Maybe", "degraded", "if the policy names it"),
    "never": MarkWords("ban", "Never", "failing", ""),
}
MARK_ORDER: Mapping[Mark, int] = {"if_trigger": 0, "after_backoff": 1, "if_named": 1, "never": 2}


def statuses(error: ErrorClass) -> str:
    """Write the statuses of a class: 408 504 timeout, every other 5xx."""
    return " ".join(f"every other {status}" if status in ("4xx", "5xx") else status for status in error.statuses)


def sentence(text: str) -> str:
    """Write a clause as a sentence: its first letter large, a full stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def acts(who: str) -> str:
    """Say who acts: Provider watch acts. Reviewers act. Nobody has to act."""
    if who == "nobody":
        return "Nobody has to act."
    return sentence(f"{who} act{'' if who == 'reviewers' else 's'}")
