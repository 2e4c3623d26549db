"""From what was sent to what is stored: what types cannot say is checked, and what was left out is filled in."""

import logging
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from fallbacks import logs, pricing, retention
from fallbacks.boundary import STATUSES
from fallbacks.forms import Sample
from fallbacks.keys import Key
from fallbacks.models import Outcome
from fallbacks.reading import storable
from fallbacks.rows import DEFAULT_ENVIRONMENT, EventRow, SampleRow, TrafficRow
from ingest import masking, wire
from ingest.wire import FORMS, BadItem

log = logging.getLogger(__name__)

# Of a request. A body of usual texts takes a ninth of it, and one full of people has 1.6 MiB masked in it; the worst
# there can be would hold one of the threads that take events for a quarter of a minute.
MASKING_SECONDS = 1.0


class Texts:
    """Masks the texts of one request, in so much processor time of its thread; what comes after that is dropped.

    A sample that was begun is masked whole: that may take a tenth of a second longer.
    """

    def __init__(self) -> None:
        self.seconds_left = MASKING_SECONDS
        self.dropped = 0

    def kept(self, sent: Sample) -> SampleRow | None:
        """Return the texts, masked; None where the answer cannot be, or where the time is over."""
        if self.seconds_left <= 0:
            self.dropped += 1
            return None
        started = time.thread_time()
        try:
            return masked_texts(sent)
        finally:
            self.seconds_left -= time.thread_time() - started

    def tell(self) -> None:
        """Log, in one line, of how many events the texts were dropped."""
        if self.dropped:
            log.error("a text is not kept", extra={"error": "masking took too long", "events": self.dropped})


def event(sent: wire.EventIn, key: Key, now: datetime, texts: Texts) -> EventRow:
    """Return the event as it is stored. Raises BadItem."""
    environment = sent.environment or DEFAULT_ENVIRONMENT
    refuse_uncovered(sent.workload, environment, key)
    primary, fallback = storable(sent.primary), sent.fallback and storable(sent.fallback)
    if fallback == primary:
        raise BadItem(
            "fallback",
            "must be another model than primary; the same model over another provider is named as a route,"
            " such as azure/gpt-4o",
        )
    if sent.id is not None and sent.occurred_at is None:
        raise BadItem("occurred_at", "is required beside id: the two together make a retry harmless")
    return EventRow(
        workload=sent.workload,
        occurred_at=recent("occurred_at", sent.occurred_at, now) if sent.occurred_at else now,
        id=printable(sent.id) if sent.id else uuid.uuid4().hex,
        received_at=now,
        environment=environment,
        primary=primary,
        fallback=fallback,
        status=status(sent.status),
        reason=storable(sent.reason),
        outcome=(became := outcome(sent)),
        error_code=sent.error_code and storable(sent.error_code),
        attempts=sent.attempts or 1,
        user_visible=sent.user_visible,
        user_notified=sent.user_notified,
        tier=sent.tier,
        payload_class=sent.payload_class,
        provider_features=sent.provider_features and [storable(name) for name in sent.provider_features],
        request_id=sent.request_id and storable(sent.request_id),
        trace_id=sent.trace_id and storable(sent.trace_id),
        primary_latency_ms=whole(sent.primary_latency_ms),
        fallback_latency_ms=whole(sent.fallback_latency_ms),
        input_tokens=sent.input_tokens,
        cached_input_tokens=sent.cached_input_tokens,
        output_tokens=sent.output_tokens,
        cost_usd=cost(sent.cost_usd),
        attributes=attributes(sent.attributes),
        sample=sample(sent.sample, became, texts) if sent.sample is not None else None,
    )


def count(sent: wire.CountIn, key: Key, now: datetime) -> TrafficRow:
    """Return the count as it is stored. Raises BadItem."""
    environment = sent.environment or DEFAULT_ENVIRONMENT
    refuse_uncovered(sent.workload, environment, key)
    return TrafficRow(
        workload=sent.workload,
        id=printable(sent.id) if sent.id else uuid.uuid4().hex,
        start=recent("start", sent.start, now),
        seconds=sent.seconds,
        received_at=now,
        environment=environment,
        model=sent.model and storable(sent.model),
        requests=sent.requests,
    )


def refuse_uncovered(workload: str, environment: str, key: Key) -> None:
    if key.covers(workload, environment):
        return
    of_workload = bool(key.workloads) and workload not in key.workloads
    name, value = ("workload", workload) if of_workload else ("environment", environment)
    raise BadItem(name, f"this key is not for {name} {value}: use a key that is", forbidden=True)


def recent(name: str, moment: datetime, now: datetime) -> datetime:
    oldest = retention.oldest_taken(now)
    if moment < oldest:
        raise BadItem(name, f"must be of {oldest:%Y-%m-%d %H:%M} UTC or later; {moment.isoformat()} is too old")
    if moment > now + retention.NEWEST_TAKEN:
        raise BadItem(name, f"must be at most 10 minutes ahead; {moment.isoformat()} is further: check the clock")
    return moment


def status(sent: int | str) -> str:
    text = str(sent)
    if text in STATUSES:
        return text
    raise BadItem("status", f"must be {FORMS['status']}")


def outcome(sent: wire.EventIn) -> str:
    if sent.outcome is None:
        return Outcome.SERVED if sent.fallback else Outcome.FAILED
    if sent.outcome not in Outcome.values:
        raise BadItem("outcome", f"must be {FORMS['outcome']}")
    if sent.outcome == Outcome.SERVED and sent.fallback is None:
        raise BadItem("outcome", "served needs a fallback: name the model that answered")
    return sent.outcome


def cost(sent: str | float | None) -> Decimal | None:
    try:
        return None if sent is None else pricing.told(sent)
    except ValueError as error:
        raise BadItem("cost_usd", f"must be {FORMS['cost_usd']}") from error


def whole(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds)


def sample(sent: Sample, became: str, texts: Texts) -> SampleRow | None:
    """Return the texts, masked; None where nobody would look at them: there is no answer. Raises BadItem."""
    for name in sent.__struct_fields__:
        text = getattr(sent, name)
        if text is not None and len(text.encode()) > wire.MOST_SAMPLE_BYTES:
            raise BadItem("sample", f"{name} is larger than 16 KiB: must be {FORMS['sample']}")
    return texts.kept(sent) if became == Outcome.SERVED and sent.output is not None else None


def masked_texts(sent: Sample) -> SampleRow | None:
    """Return the texts, masked, as far as they can be; None where the answer cannot."""
    found: Counter[str] = Counter()
    output = masked(sent.output, found)
    if output is None:
        return None
    return SampleRow(masked(sent.input, found), output, masked(sent.primary_output, found), dict(found))


def masked(text: str | None, found: Counter[str]) -> str | None:
    """Return the text as it may be kept, and count what was masked; None where that fails: it is never kept raw."""
    if text is None:
        return None
    try:
        kept, counts = masking.mask(storable(text))
    except Exception as error:
        # Neither its words nor its text: they may quote what was sent.
        log.error("a text is not kept", extra={"error": logs.kind(error), "at_lines": logs.places(error)})
        return None
    found.update(counts)
    return kept


def attributes(sent: Mapping[str, str] | None) -> str | None:
    if not sent:
        return None
    return msgspec.json.encode({storable(name): storable(text) for name, text in sent.items()}).decode()


def printable(text: str) -> str:
    if text.isprintable():  # nearly every id: nothing to replace
        return text
    if not (kept := storable(text)).isprintable():
        raise BadItem("id", f"must be {FORMS['id']}")
    return kept
