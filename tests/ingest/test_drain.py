"""The drain: what is committed is taken off the stream, and nothing else; one bad event holds up no other."""

import contextlib
import signal
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.db import OperationalError, connection

from fallbacks import policies, recording, recounting, tally
from fallbacks.keys import Key
from fallbacks.models import Event, KeptAside, Sample
from fallbacks.rows import EventRow, SampleRow, TrafficRow
from ingest import buffer, tasks
from ingest import drain as draining
from tests import make
from tests.make import sent
from tests.policy import stored
from tests.policy.policies import REVIEW
from tests.side_by_side import at_once

ANY = Key(1, frozenset(), frozenset(), frozenset(), None)
EVENTS = "/api/v1/events"
pytestmark = pytest.mark.usefixtures("database", "stream")


def waiting() -> int:
    return sum(buffer.waiting(shard) for shard in buffer.shards())


def test_a_workload_keeps_to_its_shard_and_an_entry_is_a_request(post: Any) -> None:
    post(EVENTS, [sent(workload=f"w{n}") for n in range(50)] * 3)
    entries = [buffer.decode(taken.body or b"") for shard in buffer.shards() for taken in buffer.take(shard, 0)]
    assert len(entries) == len(buffer.shards())
    homes: dict[str, int] = {}
    for number, entry in enumerate(entries):
        for event in entry.events:
            assert homes.setdefault(event.workload, number) == number
    assert len(homes) == 50


def test_what_is_recorded_leaves_the_stream(post: Any, drain: Any) -> None:
    post(EVENTS, [sent(workload=f"w{n}") for n in range(20)])
    assert waiting() > 0
    drain()
    assert waiting() == 0
    assert Event.objects.count() == 20


@pytest.mark.parametrize("where", ["before the commit", "after the commit"])
def test_a_worker_that_dies_loses_and_doubles_nothing(
    post: Any, drain: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    class Died(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Died

    post(EVENTS, [sent() for _ in range(5)])
    monkeypatch.setattr(*((draining, "insert", die) if where == "before the commit" else (buffer, "finish", die)))
    shard = buffer.shard_of("support-chat")
    with pytest.raises(Died):
        draining.drain(shard, 5)
    assert waiting() == 1
    monkeypatch.undo()
    post(EVENTS, sent())
    drain()
    assert waiting() == 0
    assert Event.objects.count() == 6
    assert recounting.compare() == []


def test_while_the_database_is_away_everything_waits(
    post: Any, drain: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the database is away")

    post(EVENTS, sent())
    monkeypatch.setattr(draining, "insert", away)
    tasks.drain(buffer.shard_of("support-chat"))
    tasks.drain(buffer.shard_of("support-chat"))
    assert caplog.text.count("the database cannot be used") == 1
    assert waiting() == 1
    monkeypatch.undo()
    drain()
    assert Event.objects.count() == 1
    assert caplog.text.count("the database can be used again") == 1


def test_a_poisonous_event_is_kept_aside_alone_and_once(drain: Any) -> None:
    good = [make.event(workload="w", id=f"good-{n}") for n in range(30)]
    bad = make.event(workload="w", id="bad", outcome="nonsense")
    surrogate = make.event(workload="w", id="nul", reason="a\0b")
    for _ in range(2):
        buffer.append(ANY, events=[*good[:11], bad, *good[11:], surrogate])
        drain()
    assert Event.objects.count() == 30
    assert waiting() == 0
    kept = list(KeptAside.objects.order_by("id"))
    # Two entries held them, so twice each: what is told apart is where they came from.
    assert [msgspec.json.decode(bytes(row.body))[2] for row in kept] == ["bad", "nul"] * 2
    assert all(row.error for row in kept)
    assert recounting.compare() == []


def test_two_drains_that_split_the_entries_of_a_shard_wait_for_each_other_and_in_no_circle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One has lost its lease and goes on. Each half takes its workloads' locks for samples and rows of rollups as they
    come, in any order: no circle comes of that, since a shard's counters are locked before all else."""
    review = REVIEW | {"sample_rate": 1, "daily_cap": 1000}
    shard = buffer.shard_of("support-chat")
    other = next(name for name in (f"w{n}" for n in range(100)) if buffer.shard_of(name) == shard)
    stored.put_support(review=review)
    policies.put(other, stored.SUPPORT | {"workload": other, "review": review}, "tests")
    whole, halfway = recording.insert, threading.Barrier(2)

    def insert(events: Sequence[EventRow], traffic: Sequence[TrafficRow] = ()) -> Any:
        done = whole(events, traffic)
        with contextlib.suppress(threading.BrokenBarrierError):
            # Both have the first of their halves, if both can.
            halfway.wait(1)
        return done

    monkeypatch.setattr(draining, "insert", insert)
    for workloads in (("support-chat", other), (other, "support-chat")):
        texts = [make.event(workload=name, sample=SampleRow(output="Done.")) for name in workloads]
        buffer.append(ANY, events=[*texts, make.event(workload=other, outcome="nonsense")])
    first, second = buffer.take(shard, 0)
    epoch = tally.epoch()
    drains = (partial(draining.record_and_finish, epoch, shard, "tests", [each]) for each in (first, second))
    assert at_once(*drains) == []
    assert (Event.objects.count(), Sample.objects.count(), KeptAside.objects.count()) == (4, 4, 2)
    assert recounting.compare() == []


def test_bytes_that_ingest_did_not_write_are_kept_aside_and_the_rest_goes_on(drain: Any) -> None:
    connection, name = buffer.connection(), buffer.stream(0)
    connection.xadd(name, {"body": b"\x00garbage"})
    connection.xadd(name, {"other": b"field"})
    buffer.append(ANY, events=[make.event(workload=f"w{n}") for n in range(20)])
    drain()
    assert Event.objects.count() == 20
    assert KeptAside.objects.count() == 2
    assert waiting() == 0


def test_a_group_that_is_gone_is_made_again_from_the_start(post: Any, drain: Any) -> None:
    post(EVENTS, sent())
    drain()
    post(EVENTS, sent())
    shard = buffer.shard_of("support-chat")
    buffer.connection().xgroup_destroy(buffer.stream(shard), buffer.GROUP)
    post(EVENTS, sent())
    drain()
    assert Event.objects.count() == 3


def test_one_shard_has_one_drain_at_a_time(post: Any) -> None:
    shard = buffer.shard_of("support-chat")
    assert buffer.lease(shard, "first")
    assert buffer.lease(shard, "first")
    assert not buffer.lease(shard, "second")
    post(EVENTS, sent())
    draining.drain(shard, 1)
    assert Event.objects.count() == 0
    buffer.release(shard, "second")
    assert not buffer.lease(shard, "second")
    buffer.release(shard, "first")
    draining.drain(shard, 1)
    assert Event.objects.count() == 1


def test_the_bell_is_rung_once_until_a_drain_has_answered() -> None:
    event = make.event()
    shard = buffer.shard_of(event.workload)
    assert buffer.append(ANY, events=[event]) == [shard]
    assert buffer.append(ANY, events=[event]) == []
    draining.drain(shard, 1)
    assert buffer.append(ANY, events=[event]) == [shard]


def test_a_broker_that_is_away_costs_nothing_but_a_wait(
    post: Any, running_servers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    running_servers.down("redis-broker")
    try:
        started = time.monotonic()
        assert post(EVENTS, sent()).status_code == 202
        assert time.monotonic() - started < 5
    finally:
        running_servers.up("redis-broker")
    assert waiting() == 1


def test_the_stream_comes_back_with_all_that_was_acknowledged(post: Any, drain: Any, running_servers: Any) -> None:
    assert post(EVENTS, sent()).status_code == 202
    running_servers.down("redis-stream", how=signal.SIGKILL)
    assert post(EVENTS, sent()).status_code == 503
    running_servers.up("redis-stream")
    deadline = time.monotonic() + 10
    while post(EVENTS, sent()).status_code != 202:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    drain()
    assert Event.objects.count() == 2


def test_events_are_taken_while_the_database_restarts(post: Any, drain: Any, running_servers: Any) -> None:
    post(EVENTS, sent())
    running_servers.down("postgres", how=signal.SIGQUIT)
    try:
        answers = [post(EVENTS, sent()).status_code for _ in range(3)]
        time.sleep(3.1)  # longer than a key is remembered without asking
        answers.append(post(EVENTS, sent()).status_code)
    finally:
        running_servers.up("postgres")
    assert answers == [202] * 4
    deadline = time.monotonic() + 10
    while waiting():
        assert time.monotonic() < deadline
        for shard in buffer.shards():
            tasks.drain(shard)
    assert Event.objects.count() == 5


def test_a_stream_that_is_away_fails_no_task(no_stream: None, caplog: pytest.LogCaptureFixture) -> None:
    tasks.drain(0)
    tasks.ring()
    assert caplog.text.count("the stream cannot be used") == 1


def test_a_partition_that_was_dropped_by_hand_is_made_again(post: Any, drain: Any) -> None:
    post(EVENTS, sent())
    drain()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE event_{datetime.now(UTC):%Y%m%d}")
    post(EVENTS, sent())
    drain()
    assert (Event.objects.count(), KeptAside.objects.count()) == (1, 0)


def test_text_that_is_not_utf8_or_too_large_for_an_index_holds_up_nobody(drain: Any) -> None:
    name = buffer.stream(buffer.shard_of("w"))
    broken = msgspec.msgpack.encode(buffer.Entry([make.event(workload="w", reason="BROKEN")], []))
    buffer.connection().xadd(name, {"body": broken.replace(b"BROKEN", b"BR\xffKEN")})
    # What compresses well would fit after all.
    huge = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(12_000))
    buffer.append(ANY, events=[make.event(workload="w"), make.event(workload="w", id=huge), make.event(workload="w")])
    drain()
    assert waiting() == 0
    assert (Event.objects.count(), KeptAside.objects.count()) == (2, 2)


def test_one_transaction_takes_what_many_small_requests_sent() -> None:
    for _ in range(3 * buffer.ENTRIES_A_READ + 1):
        buffer.append(ANY, events=[make.event()])
    assert len(buffer.take(buffer.shard_of("support-chat"), 0)) == 3 * buffer.ENTRIES_A_READ + 1


def test_one_transaction_takes_no_more_than_some_large_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = buffer.shard_of("support-chat")
    large = [make.event(reason="x" * 500) for _ in range(2_000)]
    for _ in range(buffer.FIRST_READ + 1):
        buffer.append(ANY, events=large)
    taken = buffer.take(shard, 0)
    assert len(taken) == buffer.FIRST_READ
    assert [len(part) for part in buffer.parts(taken)] == [1] * buffer.FIRST_READ
    # What a drain has no more time for comes first the next time.
    clock = iter([0, 0, *[9] * 9])
    monkeypatch.setattr(draining, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert draining.drain(shard, 1)
    assert Event.objects.count() == 2_000
    assert buffer.take(shard, 0) == taken[1:]
    buffer.connection().delete(buffer.stream(shard))


def test_large_requests_after_small_ones_are_a_transaction_each() -> None:
    sizes = [10] * 5 + [buffer.ENOUGH_BYTES + 1, 10, 10, buffer.ENOUGH_BYTES - 20, 10, 20]
    entries = [buffer.Taken(f"{n}-0", b"x" * size) for n, size in enumerate(sizes)]
    parts = list(buffer.parts(entries))
    assert [entry for part in parts for entry in part] == entries
    assert [len(part) for part in parts] == [5, 1, 3, 2]


def test_a_bell_is_rung_once_until_somebody_has_come() -> None:
    shard = buffer.shard_of("support-chat")
    assert buffer.append(ANY, events=[make.event()]) == [shard]
    assert buffer.append(ANY, events=[make.event()]) == []
    assert buffer.silent([shard]) == []
    draining.drain(shard, 10)
    assert buffer.silent([shard]) == [shard]
    assert buffer.append(ANY, events=[make.event()]) == []
