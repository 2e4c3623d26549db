"""One event with all that is to be known of it: its fields in words, its verdicts, its trace, and as it is copied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import words
from dashboard.events import words as event_words
from dashboard.events.words import Piece
from dashboard.rule_words import MEANING, TO_DO
from dashboard.what_was_wrong import clauses, policy_of
from fallbacks.models import EarlierVerdict, Event
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import named

# An event is judged again when a policy is mended: more often than this is nobody's to read.
MOST_VERDICTS = 10
TRUTHS = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True, slots=True)
class Fact:
    """A field in words. `mono`: to be read letter by letter."""

    word: str
    text: str
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """A broken rule: why it was, what it says, and what to do."""

    rule: str
    why: str
    meaning: str
    to_do: str


def wrong(event: Event, book: Rulebook) -> list[Wrong]:
    """Return the rules that the event broke."""
    return [
        Wrong(rule, f"{why[:1].upper()}{why[1:]}.", MEANING[rule], TO_DO[rule]) for rule, why in clauses(event, book)
    ]


def said(event: Event, book: Rulebook, zone: ZoneInfo, now: datetime) -> list[Piece]:
    """Return the event in sentences."""
    clock, day = words.clock(event.occurred_at, zone, seconds=True), words.date(event.occurred_at, zone)
    today = event.occurred_at.astimezone(zone).date() == now.astimezone(zone).date()
    return event_words.said(event, policy_of(event, book), f"At {clock}" if today else f"On {day} at {clock}")


def facts(event: Event) -> list[Fact]:
    """Return the fields that were sent, in the order in which one asks for them."""
    return [fact for fact in _facts(event) if fact.text]


def not_sent(event: Event) -> list[str]:
    """Return the fields that the service left out, by their names."""
    return [name for name in MAY_BE_LEFT_OUT if getattr(event, name) is None]


MAY_BE_LEFT_OUT = (
    *("error_code", "user_visible", "user_notified", "tier", "payload_class", "provider_features"),
    *("request_id", "trace_id", "primary_latency_ms", "fallback_latency_ms"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "attributes"),
)


def _facts(event: Event) -> Iterator[Fact]:
    failed = f", failed after {event_words.seconds(event.primary_latency_ms)}"
    answered = "answered in" if event.outcome == "served" else "took"
    took = f", {answered} {event_words.seconds(event.fallback_latency_ms)}"
    yield Fact("Primary", f"{event.primary}{failed if event.primary_latency_ms is not None else ''}")
    yield Fact("Fallback", f"{event.fallback or 'none'}{took if event.fallback_latency_ms is not None else ''}")
    yield Fact("Outcome", event.outcome)
    yield Fact("Status, code", ", ".join(filter(None, [event.status, event.error_code])))
    yield Fact("Error class", event.error_class or "not known")
    yield Fact("Reason", event.reason)
    yield Fact("Tries", words.number(event.attempts))
    yield Fact("Tier", event.tier or "")
    yield Fact("User sees it", TRUTHS[event.user_visible])
    yield Fact("User told", _told(event))
    yield Fact("Payload class", event.payload_class or "")
    yield Fact("Features", ", ".join(event.provider_features or ()))
    yield Fact("Tokens", _tokens(event))
    yield Fact("Cost", _cost(event))
    yield Fact("Cache loss", _cache_loss(event))
    for name, text in (event.attributes or {}).items():
        yield Fact(name, str(text))
    yield Fact("Request id", event.request_id or "", mono=True)
    yield Fact("Trace id", event.trace_id or "", mono=True)
    yield Fact("Event id", event.id, mono=True)


def _told(event: Event) -> str:
    told = event_words.told(event)
    if event.user_notified is not None or told == words.MISSING:
        return told if told != words.MISSING else TRUTHS[event.user_notified]
    return f"{told} (not said by the service)"


def _tokens(event: Event) -> str:
    cached = f" ({words.number(event.cached_input_tokens)} would have been cached)" if event.cached_input_tokens else ""
    parts = []
    if event.input_tokens is not None:
        parts.append(f"{words.number(event.input_tokens)} in{cached}")
    if event.output_tokens is not None:
        parts.append(f"{words.number(event.output_tokens)} out")
    return ", ".join(parts)


def _cost(event: Event) -> str:
    if event.cost_usd is None and event.primary_cost_usd is None:
        return ""
    primary = "" if event.primary_cost_usd is None else f", primary {words.money(event.primary_cost_usd)}"
    return f"{words.money(event.cost_usd)}{primary}"


def _cache_loss(event: Event) -> str:
    if not event.cached_input_tokens or event.cache_loss_usd is None:
        return ""
    return f"{words.money(event.cache_loss_usd)} more for tokens that the primary had cached"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A verdict that held before the event was judged again."""

    verdict: EarlierVerdict

    @property
    def text(self) -> str:
        rules = named(self.verdict.rules)
        version = self.verdict.policy_version
        by = f"by policy v{version}" if version else "without a policy"
        return f"{self.verdict.error_class or 'no class'}, {', '.join(rules) or 'no rule broken'}, {by}"


def earlier(event: Event) -> Sequence[Earlier]:
    """Return how the event was judged before, the latest first. One query."""
    found = EarlierVerdict.objects.filter(
        workload_id=event.workload_id, occurred_at=event.occurred_at, event=event.id
    ).order_by("-replaced_at")[:MOST_VERDICTS]
    return [Earlier(verdict) for verdict in found]
