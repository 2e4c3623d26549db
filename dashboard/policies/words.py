"""A policy in plain words: what may happen, to whom it is told, and what never happens. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from dashboard import words
from dashboard.policies.field_words import share
from fallbacks.boundary import CLASSES, ErrorClass
from fallbacks.policy import Policy, Review

# What a primary does, said after its name, by error class.
FAILS: Mapping[str, str] = {
    "timeout": "times out",
    "overloaded": "is overloaded",
    "unavailable": "is unavailable",
    "server_error": "has a server error",
    "stream_interrupted": "breaks off before its first token",
    "rate_limit": "limits the rate",
    "primary_skipped": "is skipped by the gateway",
    "quota": "has no quota left",
    "permission": "refuses permission",
    "model_unavailable": "is not to be found",
    "invalid_response": "gives an answer of no use",
}
NOTICES: Mapping[str, str] = {"always": "always", "paid": "on paid tiers", "never": "never"}


def gist(policy: Policy) -> str:
    """Say what may fall back to what, and who is told."""
    if policy.fallback is None:
        return f"When {policy.primary} fails, the request fails: no other model may answer. {_told(policy)}".strip()
    if not policy.triggers:
        return f"{policy.fallback} may never answer for {policy.primary}, for no trigger is named."
    when = either(FAILS.get(name, name) for name in in_order(policy.triggers))
    return f"When {policy.primary} {when}, {policy.fallback} may answer. {_told(policy)}".strip()


def _told(policy: Policy) -> str:
    if not policy.user_visible:
        return "No user sees the answers."
    if policy.fallback is None:
        return ""
    if policy.notice == "never":
        return "Users see the answers and are not told."
    whom = (
        "Every user" if policy.notice == "always" else f"Users on {words.both(sorted(policy.paid_tiers)) or 'no tier'}"
    )
    return f"{whom} {'is' if policy.notice == 'always' else 'are'} told: “{policy.message}”"


def never(policy: Policy) -> list[ErrorClass]:
    """Return the classes after which nothing falls back here, those that no policy can allow last."""
    unnamed = [error for error in CLASSES if error.fallback != "never" and error.name not in policy.triggers]
    return [*unnamed, *(error for error in CLASSES if error.fallback == "never")]


def backoff(policy: Policy) -> str:
    """Say what has to be tried first."""
    if "rate_limit" not in policy.triggers:
        return "A rate limit never falls back: it passes, so the gateway has to wait and try again."
    tries = "1 try" if policy.min_attempts == 1 else f"{policy.min_attempts} tries"
    return f"A rate limit falls back after {tries} on {policy.primary}, and not before."


def review(review: Review) -> list[str]:
    """Say how answers are reviewed, in sentences."""
    if not review.sample_rate:
        sampled = "No answer is sampled for review."
    else:
        sampled = (
            f"{share(review.sample_rate)} of the answers by the fallback that broke no rule are sampled,"
            f" at most {words.number(review.daily_cap)} a day. Beyond that come each that broke one, and the"
            " first ones of a pair of models."
        )
    of = f"{review.min_reviews} review{'' if review.min_reviews == 1 else 's'}"
    each = "one reviewer" if review.reviews_required == 1 else f"{review.reviews_required} reviewers"
    return [
        sampled,
        f"Each is scored by {each} within {review.due_hours} hours: {words.both(review.criteria)}.",
        f"To be enabled the route needs {of}, of which {share(review.pass_rate)} have passed."
        f" It is then enabled for {review.enabled_for_days} days.",
        "It is suspended by itself when too many reviews fail."
        if review.auto_suspend
        else "It is not suspended by itself, however reviews go.",
    ]


def in_order(triggers: Iterable[str]) -> list[str]:
    """Return error classes, those that say most of an outage first."""
    return sorted(triggers, key=lambda name: (list(FAILS).index(name) if name in FAILS else len(FAILS), name))


def either(clauses: Iterable[str]) -> str:
    """Write a choice: a, b or c."""
    listed = list(clauses)
    return " or ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def headline(policies: int, violations: int, without: Sequence[str]) -> str:
    """Say how many workloads have a policy, and how it was kept in the last 7 days."""
    if not policies and not without:
        return "No workload has a policy yet."
    have = f"{policies} workload{'' if policies == 1 else 's'} {'has' if policies == 1 else 'have'} a policy"
    kept = f"which {words.number(violations)} event{'' if violations == 1 else 's'} broke in the last 7 days"
    if not policies:
        have, kept = "No workload has a policy", ""
    rest = f"{words.both(without)} {'has' if len(without) == 1 else 'have'} none." if len(without) < 4 else ""
    rest = rest or f"{len(without)} workloads have none."
    return " ".join(filter(None, [f"{', '.join(filter(None, [have, kept]))}.", rest if without else ""]))
