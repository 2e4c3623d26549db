"""States in words for people: how each is shown, what the page says first, and why a workload needs someone. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from dashboard import words
from dashboard.overview.sentences import requests
from dashboard.policies.words import FAILS
from fallbacks.boundary import BY_NAME
from fallbacks.rulebook import Rulebook
from fallbacks.states import BAD, Minute
from fallbacks.states import STATES as ORDER


class StateWords(NamedTuple):
    """How a state is shown: icon, word, and the colour by its name."""

    icon: str
    word: str
    kind: str


# The most urgent first. Beside those of the contract: what nothing was heard of, and too little traffic for rates.
STATES: Mapping[str, StateWords] = {
    "failing": StateWords("square-x", "Failing", "failing"),
    "silent": StateWords("bell-off", "Silent", "silent"),
    "degraded": StateWords("alert-triangle", "Degraded", "degraded"),
    "no_traffic": StateWords("circle-dotted", "No traffic reported", "none"),
    "under_reported": StateWords("exclamation-circle", "Traffic under-reported", "none"),
    "quiet": StateWords("zzz", "Nothing reported", "none"),
    "normal": StateWords("circle-check", "Normal", "normal"),
}
# What a primary does, said after its name: of the classes that no policy can name, too.
DOES: Mapping[str, str] = {
    **FAILS,
    "context_length": "gets more text than it takes",
    "content_policy": "refuses by its content policy",
    "compliance": "refuses at a compliance boundary",
    "authentication": "refuses the key",
    "cancelled": "is given up by its callers",
    "invalid_request": "refuses requests that it cannot read",
    "no_error": "had no error",
}
PROVIDER = "provider watch"
# The states that need someone, in the order of urgency.
URGENT = [name for name in ORDER if name in BAD]


def headline(states: Mapping[str, str]) -> str:
    """Say how many workloads need someone now; nothing where there are none. `states` are by workload."""
    if not states:
        return ""
    counts = Counter(states.values())
    urgent = [f"{counts[name]} {name}" for name in URGENT if counts[name]]
    if urgent:
        total = sum(counts[name] for name in URGENT)
        need = "needs" if total == 1 else "need"
        return f"{total} of {workloads(len(states))} {need} someone now: {', '.join(urgent)}."
    normal, rest = counts["normal"], []
    if counts["no_traffic"]:
        rest.append(f"{counts['no_traffic']} report{'s' if counts['no_traffic'] == 1 else ''} no traffic")
    if counts["quiet"]:
        rest.append(f"nothing was heard of {counts['quiet']} in the last 24 hours")
    if not rest:
        return f"All {workloads(normal)} are normal." if normal != 1 else "The one workload is normal."
    if counts["quiet"] == len(states):
        return f"Nothing was heard of {workloads(len(states))} in the last 24 hours."
    if not normal:
        return f"No workload needs someone now: {words.both(rest)}."
    return f"{normal} of {workloads(len(states))} {'is' if normal == 1 else 'are'} normal; {words.both(rest)}."


def nothing(environment: str, span: str, *, ever: bool) -> str:
    """Say that there is no workload to speak of; `ever` tells whether there was anything at all."""
    return f"Nothing was reported in {environment} in the {span}." if ever else "No workload has reported yet."


def workloads(count: int) -> str:
    """Write a number of workloads."""
    return "1 workload" if count == 1 else f"{words.number(count)} workloads"


def cause(error_class: str | None, primary: str, provider: str) -> str:
    """Say what the primary does: "premium-chat is overloaded at Meridian". The names may be empty."""
    name = primary or "its primary"
    error = BY_NAME.get(error_class or "")
    if error is None:
        return f"{name} fails"
    at = f" at {provider}" if provider and error.who_acts == PROVIDER else ""
    return f"{name} {DOES[error.name]}{at}"


class Facts(NamedTuple):
    """What is known of a workload that needs someone: its state and cause, the share of requests that a fallback
    answers now, and what its episode was so far. `enabled` tells whether its route is enabled now."""

    state: str
    cause: str | None
    degraded_rate: float | None
    so_far: Minute
    enabled: bool


def why(workload: str, facts: Facts, book: Rulebook) -> str:
    """Say why a workload is as it is, and what happens instead: a clause without capital and full stop."""
    version = book.latest(workload)
    primary = version.policy.primary if version else ""
    model = book.models.get(primary)
    said = cause(facts.cause, primary, model.provider if model else "")
    return said + _instead(workload, facts, book)


def _instead(workload: str, facts: Facts, book: Rulebook) -> str:
    version = book.latest(workload)
    fallback = (version.policy.fallback if version else None) or "a fallback"
    if facts.state == "failing":
        return _lost(workload, facts, book)
    if facts.state == "silent":
        return f", {fallback} answers, and {times(facts.so_far.silent)} the user was not told"
    # Where too little traffic is reported there is no share to tell.
    share = "" if facts.degraded_rate is None else f" {words.percent(facts.degraded_rate, 0)} of requests"
    return f", and {fallback} answers{share}, {_allowed(workload, facts, book)}"


def _lost(workload: str, facts: Facts, book: Rulebook) -> str:
    """Say what became of the requests that were not answered, and why nothing else answered."""
    lost = facts.so_far.counts
    parts = [
        f"policy refused {requests(lost.blocked)}" if lost.blocked else "",
        f"{requests(lost.failed)} failed" if lost.failed and not lost.blocked else "",
        f"{words.number(lost.failed)} failed" if lost.failed and lost.blocked else "",
    ]
    became = words.both(list(filter(None, parts))) or "requests fail"
    return f", {_nobody_answers(workload, facts, book)}, so {became}"


def _nobody_answers(workload: str, facts: Facts, book: Rulebook) -> str:
    """Say why a fallback does not answer for all."""
    version = book.latest(workload)
    if version is None:
        return "no policy names a fallback"
    if version.policy.fallback is None:
        return "no fallback is declared"
    if facts.cause is not None and facts.cause not in version.policy.triggers:
        return f"policy v{version.number} allows no fallback then"
    if not facts.enabled:
        return f"{version.policy.fallback} is not enabled"
    return f"{version.policy.fallback} does not answer for all"


def _allowed(workload: str, facts: Facts, book: Rulebook) -> str:
    """Say whether the policy allows that the fallback answers."""
    version = book.latest(workload)
    if version is None:
        return "which no policy declares"
    if facts.cause is not None and facts.cause not in version.policy.triggers:
        return f"which policy v{version.number} does not allow"
    if version.policy.user_visible and not facts.enabled:
        return "though the route is not enabled"
    return f"as policy v{version.number} allows"


def times(count: int) -> str:
    """Write how often: once, 38 times."""
    return "once" if count == 1 else f"{words.number(count)} times"


def acting(who: str, owner: str) -> tuple[str, str]:
    """Write who acts as a name, and the end of its sentence: "Media team", ", its owner, acts."."""
    name = f"{who[:1].upper()}{who[1:]}"
    if who == "nobody":
        return name, " has to act."
    if owner and who == owner:
        return name, ", its owner, acts."
    return name, " act." if who == "reviewers" else " acts."
