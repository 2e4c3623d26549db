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
# What to do about a broken rule, so that the next event does not break it.
TO_DO: Mapping[Rule, str] = {
    "undeclared_route": "Put the pair into the workload's policy if it is meant; if not, mend the gateway.",
    "never_fallback": "Make the gateway fail here: ask /api/v1/decisions before it falls back.",
    "entitlement": "Mend quota or permission. If a fallback is meant all the same, name the class in the triggers.",
    "no_backoff": "Back off and try the primary again before falling back, and send how often as attempts.",
    "trigger_not_allowed": "Name the class in the policy's triggers if it may fall back; else make the gateway fail.",
    "incompatible": "Choose a fallback of the same API family that takes this payload class.",
    "provider_features": "Leave these features out of the request, or choose a fallback that lists them.",
    "billing_boundary": "Have the policy permit the other account, or choose a fallback of the same one.",
    "compliance_boundary": "Have the policy permit the other region, or choose a fallback of the same one.",
    "silent": "Show the notice, and send user_notified: true once it is shown.",
    "not_enabled": "Keep the fallback from users until the route is reviewed and enabled.",
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
