"""One event in plain words: what happened, whether policy allows it, what the user was told, and who acts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from dashboard.words import MISSING, both
from fallbacks.boundary import BY_NAME, STATUS_WORDS, WORKLOAD_OWNER, classify
from fallbacks.models import Event
from fallbacks.policy import Policy
from fallbacks.verdict import named

# What the primary did, said after its name.
WENT_WRONG: Mapping[str, str] = {
    "context_length": "got more text than it takes",
    "content_policy": "refused by its content policy",
    "compliance": "refused at a compliance boundary",
    "quota": "had spent its quota",
    "authentication": "did not accept the key",
    "permission": "did not permit the request",
    "model_unavailable": "was not there under that name",
    "rate_limit": "was limiting requests",
    "timeout": "did not answer in time",
    "overloaded": "was overloaded",
    "unavailable": "could not be reached",
    "stream_interrupted": "broke off its answer",
    "primary_skipped": "was not tried",
    "invalid_response": "gave an answer that was of no use",
    "cancelled": "was given up by the caller",
    "server_error": "had an error of its own",
    "invalid_request": "could not read the request",
    "no_error": "reported no error",
}
# The same as a noun, for who acts.
FOR_WHAT: Mapping[str, str] = {
    "context_length": "the length of the request",
    "content_policy": "the refusal",
    "compliance": "the compliance boundary",
    "quota": "the quota",
    "authentication": "the key",
    "permission": "the permission",
    "model_unavailable": "the model's name",
    "rate_limit": "the rate limit",
    "timeout": "the timeout",
    "overloaded": "the overload",
    "unavailable": "the outage",
    "stream_interrupted": "the broken answer",
    "primary_skipped": "the skipped primary",
    "invalid_response": "the quality of the answer",
    "cancelled": "the cancelled request",
    "server_error": "the provider's error",
    "invalid_request": "the request",
    "no_error": "a fallback without an error",
}
# Between a figure and its unit, which stay on one line.
FIXED = "\u00a0"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a sentence; strong ones are what the eye looks for."""

    text: str
    strong: bool = False


def told(event: Event) -> str:
    """Return in a word whether the user was told: yes, no, not needed; a dash where there was nothing to tell, and
    where no policy says whether there was."""
    if event.outcome != "served":
        return MISSING
    if event.user_notified:
        return "yes"
    if event.policy_version is None:
        return MISSING
    return "no" if is_notice_due(event) else "not needed"


def is_notice_due(event: Event) -> bool:
    """Tell whether the user had to be told; what was recorded before that was stored shows it by its broken rule."""
    return event.notice_due or "silent" in named(event.rules)


def judged(event: Event) -> str:
    """Return in a word what policy says where no rule was broken."""
    if event.outcome == "blocked":
        return "refused"
    return "allowed" if event.outcome == "served" and event.policy_version else MISSING


def happened(event: Event) -> str:
    """Return what happened in a few words."""
    if event.outcome == "served":
        return f"{event.fallback} answered for {event.primary}"
    if event.outcome == "blocked":
        return f"policy refused {event.fallback or 'a fallback'} for {event.primary}"
    if event.fallback:
        return f"neither {event.primary} nor {event.fallback} answered"
    return f"nobody answered for {event.primary}"


def said(event: Event, policy: Policy | None, at: str) -> list[Piece]:
    """Return the event in sentences. `policy` is the version that it was judged by, `at` such as "At 15:04:10"."""
    of_policy = _policy(event)
    return [*_what(event, at), *([Piece(f" {of_policy}")] if of_policy else []), *_user(event, policy)]


def plain(pieces: list[Piece]) -> str:
    """Return the sentences as text."""
    return "".join(piece.text for piece in pieces)


def _what(event: Event, at: str) -> Iterator[Piece]:
    primary, fallback = Piece(event.primary, strong=True), Piece(event.fallback or "", strong=True)
    which = f", which {went_wrong(event)}"
    yield Piece(f"{at} ")
    if event.outcome == "served":
        yield from (fallback, Piece(" answered instead of "), primary, Piece(f"{which}."))
    elif event.outcome == "failed" and event.fallback:
        yield from (Piece("neither "), primary, Piece(f"{which}, nor "), fallback, Piece(" answered."))
    elif event.outcome == "failed":
        yield from (Piece("nobody answered for "), primary, Piece(f"{which}: no fallback was used."))
    else:
        refused = (fallback, Piece(" in the place of ")) if event.fallback else (Piece("a fallback for "),)
        yield from (Piece("policy refused "), *refused, primary, Piece(f"{which}. The request was not answered."))


def went_wrong(event: Event) -> str:
    """Return what the primary did: "was overloaded (HTTP 529) after 2 tries"."""
    details = [] if event.status in STATUS_WORDS else [f"HTTP {event.status}"]
    if event.status in STATUS_WORDS and event.status != event.error_class:
        details.append(event.status)
    if event.error_code and _is_of_its_code(event):
        details.append(event.error_code)
    bracket = f" ({', '.join(details)})" if details else ""
    tries = f" after {event.attempts} tries" if event.attempts > 1 else ""
    return f"{WENT_WRONG.get(event.error_class, 'failed')}{bracket}{tries}"


def _is_of_its_code(event: Event) -> bool:
    """Tell whether the code decided what class the error is of, and not the status."""
    try:
        return classify(event.status, None).name != event.error_class
    except ValueError:
        return True


def _policy(event: Event) -> str:
    rules, version = named(event.rules), event.policy_version
    if version is None:
        if rules:
            return "The workload has no policy, so nothing allows it."
        return "" if event.outcome == "blocked" else "It was not judged."
    if "undeclared_route" in rules:
        return f"Policy v{version} does not name this pair."
    if event.outcome == "failed":
        return f"It breaks no rule of policy v{version}: rules speak of answers by a fallback."
    if event.outcome == "blocked":
        return f"Policy v{version} was in force; refusing breaks no rule."
    return f"Policy v{version} {'does not allow that' if set(rules) - {'silent'} else 'allows that fallback'}."


def _user(event: Event, policy: Policy | None) -> Iterator[Piece]:
    """Say what the user was told of an answer by a fallback."""
    if event.outcome != "served":
        return
    visible = policy.user_visible if event.user_visible is None and policy else event.user_visible
    paid = policy is not None and event.tier in policy.paid_tiers
    user = "the user" + (f", on the {'paid ' if paid else ''}tier {event.tier}," if event.tier else "")
    if event.user_notified:
        yield Piece(f" {user[0].upper()}{user[1:]} was told.")
    elif is_notice_due(event):
        yield Piece(f" {user[0].upper()}{user[1:]} had to be told, and ")
        yield Piece("was not told", strong=True)
        # A service that does not say whether it told has not told.
        yield Piece("." if event.user_notified is False else ": the service did not say that it was done.")
    elif visible is False:
        yield Piece(" No user sees the answer.")
    elif policy is None:
        yield Piece(" Whether the user had to be told, no policy says.")
    else:
        yield Piece(f" {user[0].upper()}{user[1:]} did not have to be told.")


def who(event: Event) -> list[Piece]:
    """Return who acts for what: for the error as the boundary says, for broken rules whoever the verdict names."""
    rules = named(event.rules)
    error = BY_NAME.get(event.error_class)
    owner = event.who_acts or WORKLOAD_OWNER
    if not rules:
        if owner == "nobody":
            return [Piece("Nobody has to act.")]
        return [Piece(_large(owner), strong=True), Piece(f" for {FOR_WHAT.get(event.error_class, 'the error')}.")]
    broken = "the missing notice" if rules == ("silent",) else f"the broken rule{'s' if len(rules) > 1 else ''}"
    if error is None or error.who_acts in ("nobody", WORKLOAD_OWNER, owner):
        return [Piece(_large(owner), strong=True), Piece(f", the owner, for {broken}.")]
    return [
        Piece(f"{_large(error.who_acts)} for {FOR_WHAT[error.name]}; "),
        Piece(owner, strong=True),
        Piece(f", the owner, for {broken}."),
    ]


def _large(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def broken(event: Event) -> str:
    """Return how many rules were broken, and which: "2 rules broken: quota, silent"; empty where none was."""
    rules = named(event.rules)
    return f"{len(rules)} rule{'s' if len(rules) > 1 else ''} broken: {both(rules)}." if rules else ""


def seconds(milliseconds: float | None) -> str:
    """Write how long something took: 940 ms, 2.04 s, 30.0 s, 5 min 12 s, 3 h 1 min."""
    if milliseconds is None:
        return MISSING
    if milliseconds < 1000:
        return f"{milliseconds:.0f}{FIXED}ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.{2 if milliseconds < 10_000 else 1}f}{FIXED}s"
    minutes, rest = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def on_screen(event: Event) -> str:
    """Return how long it took from ingest to the list."""
    passed = max(event.recorded_at - event.received_at, timedelta()).total_seconds()
    return f"on screen {f'{passed:.1f}{FIXED}s' if passed < 60 else seconds(passed * 1000)} later"
