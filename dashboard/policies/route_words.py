"""Routes in words: how far one has come, and what was verified of it how long ago. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from fallbacks.policy import Policy
from fallbacks.verifications import GOOD_FOR, Evidence


class State(NamedTuple):
    """How a state is shown: icon, word, the state whose colour it has, and what it means."""

    icon: str
    word: str
    kind: str
    means: str


STATES: Mapping[str, State] = {
    "proposed": State("circle-dashed", "Proposed", "none", "The route is not verified, and not enabled for users."),
    "verified": State("progress-check", "Verified", "accent", "The route is verified, and not enabled for users yet."),
    "in review": State("clipboard-check", "In review", "accent", "Answers are being reviewed, and users get none yet."),
    "rejected": State("x", "Rejected", "failing", "A reviewer said no. An engineer can ask again."),
    "suspended": State(
        "hand-stop", "Suspended", "failing", "The route was taken from users. An engineer can ask again."
    ),
    "enabled": State("circle-check", "Enabled", "normal", "The route is enabled for users."),
}
NO_ROUTE = State("ban", "No fallback", "none", "The policy has no fallback, so there is no route to enable.")


def state(policy: Policy, route_state: str) -> State:
    """Return how the state of the policy's route is shown."""
    if policy.fallback is None:
        return NO_ROUTE
    return STATES.get(route_state) or State("circle-dashed", route_state.capitalize(), "none", "")


def age(span: timedelta) -> str:
    """Write how long ago something was, in whole units: 12 min, 5 h, 3 days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def verified(evidence: Sequence[Evidence], now: datetime) -> str:
    """Say how far the payload classes of a route are verified, and how old the oldest verification that counts is."""
    if not evidence:
        return "nothing to verify"
    ages = [(each, span) for each in evidence if (span := each.age(now)) is not None]
    counting = [span for each, span in ages if each.counts]
    if not counting:
        newest = f", the newest {age(min(span for _, span in ages))} ago" if ages else ""
        return f"0 of {len(evidence)}{newest}"
    oldest = age(max(counting))
    return f"{len(counting)} of {len(evidence)}, {'the oldest ' if len(counting) > 1 else ''}{oldest} ago"


def found(evidence: Evidence, now: datetime) -> str:
    """Say what is known of one payload class."""
    span, newest = evidence.age(now), evidence.newest
    if newest is None or span is None:
        return "never verified"
    if not newest.passed:
        return f"failed {age(span)} ago"
    if evidence.counts:
        return f"passed {age(span)} ago"
    if span > GOOD_FOR:
        return f"passed {age(span)} ago, longer than the {GOOD_FOR.days} days for which it counts"
    return f"passed {age(span)} ago, before the route was what it is now"
