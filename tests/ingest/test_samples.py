"""From the POST to the queue of reviewers: texts come masked, go nowhere else, and hold up no event."""

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from django.db import connection

from fallbacks import aside, recounting, streams
from fallbacks.keys import Key
from fallbacks.models import Event, KeptAside, Sample
from ingest import buffer, completing, masking
from tests import make
from tests.make import sent
from tests.policy import stored
from tests.policy.policies import REVIEW

EVENTS = "/api/v1/events"
ANY = Key(1, frozenset(), frozenset(), frozenset(), None)
PRIVATE = ("jane@example.com", "+49 30 901820", "4111 1111 1111 1111", "DE89370400440532013000", "sk-abcdefghijklm1234")
TEXTS = {
    "input": f"I am {PRIVATE[0]}, call {PRIVATE[1]}",
    "output": f"We charged {PRIVATE[2]} of {PRIVATE[3]}.",
    "primary_output": f"Use {PRIVATE[4]}",
}
KEPT = {
    "input": "I am [e-mail], call [phone]",
    "output": "We charged [card] of [iban].",
    "primary_output": "Use [key]",
}


@pytest.fixture(autouse=True)
def _asked_for(database: None) -> None:
    stored.put_support(review=REVIEW | {"sample_rate": 1, "daily_cap": 1000})


def texts_of(sample: Sample) -> dict[str, str | None]:
    return {name: getattr(sample, name) for name in TEXTS}


def in_stream() -> bytes:
    """All that waits in the stream."""
    client: Any = buffer.connection()
    entries = [fields for shard in buffer.shards() for _, fields in client.xrange(buffer.stream(shard))]
    return b"".join(part for fields in entries for part in fields.values())


def no_private(data: bytes) -> bool:
    return not any(text.encode() in data for text in PRIVATE)


def test_what_is_posted_comes_masked_into_the_queue(post: Any, drain: Any) -> None:
    at = datetime.now(UTC).isoformat()
    assert post(EVENTS, sent(id="e-1", occurred_at=at, tier="pro", sample=TEXTS)).json()["accepted"] == 1
    assert b"[e-mail]" in in_stream()
    assert no_private(in_stream())
    drain()
    (sample,) = Sample.objects.select_related("workload")
    assert (sample.workload.slug, sample.event, sample.tier, sample.reason) == ("support-chat", "e-1", "pro", "first")
    assert texts_of(sample) == KEPT
    assert sample.masked == {"e-mail": 1, "phone": 1, "card": 1, "iban": 1, "key": 1}
    assert post(EVENTS, sent(id="e-1", occurred_at=at, tier="pro", sample=TEXTS)).json()["accepted"] == 1
    drain()
    assert (Sample.objects.count(), Event.objects.count()) == (1, 1)


def test_most_events_have_no_sample_and_those_without_an_answer_keep_none(post: Any, drain: Any) -> None:
    unanswered = [sent(fallback=None, sample=TEXTS), sent(outcome="blocked", sample=TEXTS)]
    without = [sent(), sent(sample=None), sent(sample={}), sent(sample={"input": "question", "output": None})]
    assert post(EVENTS, [*unanswered, *without]).json() == {"accepted": 6, "rejected": []}
    assert b"[e-mail]" not in in_stream()
    assert no_private(in_stream())
    drain()
    assert (Event.objects.count(), Sample.objects.count()) == (6, 0)


def test_zero_bytes_and_the_longest_texts_are_kept(post: Any, drain: Any) -> None:
    long = "ä" * 8 * 1024
    post(EVENTS, sent(sample={"input": "a\0b", "output": long, "primary_output": ""}))
    drain()
    assert texts_of(Sample.objects.get()) == {"input": "a\ufffdb", "output": long, "primary_output": ""}


def test_a_text_that_cannot_be_masked_costs_no_event(
    post: Any, drain: Any, monkeypatch: pytest.MonkeyPatch, written: io.StringIO
) -> None:
    def fail(text: str) -> Any:
        raise RuntimeError(text)

    monkeypatch.setattr(masking, "mask", fail)
    assert post(EVENTS, sent(sample=TEXTS)).json() == {"accepted": 1, "rejected": []}
    assert no_private(in_stream())
    drain()
    assert (Event.objects.count(), Sample.objects.count()) == (1, 0)
    assert "a text is not kept" in written.getvalue()
    assert no_private(written.getvalue().encode())


def test_texts_that_take_too_long_to_mask_are_dropped_and_each_event_is_taken(
    post: Any, drain: Any, monkeypatch: pytest.MonkeyPatch, written: io.StringIO
) -> None:
    whole = masking.mask

    def slow(text: str) -> Any:
        until = time.thread_time() + 0.005
        while time.thread_time() < until:
            pass
        return whole(text)

    monkeypatch.setattr(masking, "mask", slow)
    monkeypatch.setattr(completing, "MASKING_SECONDS", 0.1)
    started = time.thread_time()
    assert post(EVENTS, [sent(sample=TEXTS) for _ in range(100)]).json() == {"accepted": 100, "rejected": []}
    assert time.thread_time() - started < 0.5
    assert no_private(in_stream())
    drain()
    kept = Sample.objects.count()
    assert Event.objects.count() == 100
    assert 1 <= kept <= 20
    assert all(texts_of(sample) == KEPT for sample in Sample.objects.all())
    (line,) = [line for line in written.getvalue().splitlines() if "a text is not kept" in line]
    assert msgspec.json.decode(line)["events"] == 100 - kept
    # The next request has its own time.
    post(EVENTS, sent(sample=TEXTS))
    drain()
    assert Sample.objects.count() == kept + 1


@pytest.fixture
def poison() -> Iterator[None]:
    """The database refuses events for the reason `poison`, for as long as the table says so."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event ADD CONSTRAINT no_poison CHECK (reason <> 'poison')")
    yield
    end_poison()


def end_poison() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE event DROP CONSTRAINT IF EXISTS no_poison")


def test_what_is_kept_aside_holds_masked_texts_and_is_sampled_when_it_is_tried_again(
    post: Any, drain: Any, poison: None, written: io.StringIO
) -> None:
    post(EVENTS, [sent(sample=TEXTS), sent(reason="poison", sample=TEXTS), sent(sample=TEXTS)])
    drain()
    assert Sample.objects.count() == 2
    (kept,) = KeptAside.objects.all()
    assert b"[e-mail]" in bytes(kept.body)
    assert no_private(bytes(kept.body))
    assert no_private(kept.error.encode())
    assert not any(text in written.getvalue() for text in (*PRIVATE, *KEPT.values()))
    end_poison()
    aside.try_again(kept.id)
    assert [texts_of(sample) for sample in Sample.objects.all()] == [KEPT] * 3
    assert recounting.compare() == []


def test_what_was_written_before_samples_were_kept_is_still_read(drain: Any, stream: None) -> None:
    before = list(msgspec.structs.astuple(make.event(workload="w", id="from-before")))[:-1]
    body = msgspec.msgpack.encode([[before], []])
    assert streams.decode(body).events[0].sample is None
    buffer.append(ANY, events=[make.event(workload="w")])
    buffer.connection().xadd(buffer.stream(buffer.shard_of("w")), {"body": body})
    drain()
    assert (Event.objects.count(), KeptAside.objects.count()) == (2, 0)
    alone = KeptAside(body=msgspec.json.encode(before), origin="events:0/1-0/e0")
    assert aside.rows_of(alone)[0][0].id == "from-before"
