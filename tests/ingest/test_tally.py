"""Counts that close: everything that was received is somewhere, once, whatever dies and however often it is taken."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from fallbacks import aside, recounting, tally
from fallbacks.keys import Key
from fallbacks.local.environment import PROJECT
from fallbacks.models import DrainedEntry, Event, KeptAside, Tally
from ingest import buffer, crashpoints
from ingest import drain as draining
from tests import make
from tests.make import sent
from tests.side_by_side import at_once

ANY = Key(1, frozenset(), frozenset(), frozenset(), None, 0)
EVENTS = "/api/v1/events"
SHARD = buffer.shard_of("support-chat")
pytestmark = pytest.mark.usefixtures("database", "stream")


def append(*events: Any, **over: Any) -> None:
    buffer.append(ANY, events=events, **over)


def terms() -> dict[str, int]:
    """Where the items are, without what is nowhere; and that they are all somewhere."""
    account = tally.account()
    assert account.lost == 0
    names = ("accepted", "uncounted", "stored", "duplicate", "kept_aside", "discarded", "in_flight")
    return {name: value for name in names if (value := getattr(account, name))}


def end_lease() -> None:
    buffer.connection().delete(f"lease:{SHARD}")


def test_every_item_that_was_received_is_somewhere(post: Any, drain: Any) -> None:
    assert terms() == {}
    stamp = timezone.now().isoformat()
    body = [sent(id="one", occurred_at=stamp), sent(id="one", occurred_at=stamp), sent(), sent(status=1), sent(a=1), 5]
    post(EVENTS, body)
    post(EVENTS, b"{")
    post("/api/v1/traffic", {"counts": [{"workload": "support-chat", "start": stamp, "seconds": 60, "requests": 5}]})
    assert terms() == {"accepted": 4, "in_flight": 4}
    append(make.event(outcome="nonsense"))
    drain()
    assert terms() == {"accepted": 5, "stored": 3, "duplicate": 1, "kept_aside": 1}
    account = tally.account()
    assert account.rejected == {"not_an_object": 1, "not_json": 1, "status": 1, "unknown_field": 1}
    assert (account.received, account.accounted) == (9, 9)
    assert account.since is not None
    assert abs((timezone.now() - account.since).total_seconds()) < 60


@pytest.mark.parametrize("point", crashpoints.POINTS)
def test_a_worker_that_is_killed_at_a_point_costs_no_count(drain: Any, point: str) -> None:
    append(*(make.event(id=f"e{n}") for n in range(5)), make.event(id="e0"), make.event(outcome="nonsense"))
    code = f"import django; django.setup(); from ingest import drain; drain.drain({SHARD}, 5)"
    for _ in range(2):
        environment = {**os.environ, "FALLBACKS_CRASH_POINTS": f"{point}=1"}
        done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        end_lease()
        assert tally.account().lost == 0
        append(make.event(id="e1"), make.event())
    drain()
    assert terms() == {"accepted": 11, "stored": 7, "duplicate": 3, "kept_aside": 1}
    assert buffer.waiting(SHARD) == 0
    assert Event.objects.count() == 7
    assert KeptAside.objects.count() == 1
    assert recounting.compare() == []


def test_a_point_that_is_not_armed_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    for point in crashpoints.POINTS:
        crashpoints.reach(point)
    assert killed == []
    monkeypatch.setattr(crashpoints, "_chances", {"after-commit": 0.5})
    for _ in range(100):
        crashpoints.reach("before-commit")
        crashpoints.reach("after-commit")
    assert 10 < len(killed) < 90


@pytest.mark.parametrize("text", ["nowhere=1", "after-commit=2", "after-commit"])
def test_a_point_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"point=0\.\.1|could not convert"):
        crashpoints.read(text)


def test_entries_taken_again_are_not_counted_again(drain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    append(make.event(id="a"), make.event(id="a"), make.event(id="bad", outcome="nonsense"))
    monkeypatch.setattr(buffer, "finish", lambda *_: None)
    for _ in range(3):
        draining.drain(SHARD, 0.05)
    assert Tally.objects.get().duplicate == 1
    monkeypatch.undo()
    drain()
    assert terms() == {"accepted": 3, "stored": 1, "duplicate": 1, "kept_aside": 1}


def test_entries_that_were_settled_are_not_counted_again(drain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    append(make.event())
    kept = buffer.take(SHARD, 0)
    drain()
    epoch = tally.epoch()
    assert DrainedEntry.objects.count() == 1
    tally.settle(epoch, SHARD)
    assert DrainedEntry.objects.count() == 1
    monkeypatch.setattr(tally, "SETTLED_AFTER", 0)
    append(make.event())
    tally.settle(epoch, SHARD)
    assert DrainedEntry.objects.count() == 0
    # A worker that stood still all the while goes on with what it took.
    draining.record_entries(epoch, SHARD, kept)
    buffer.finish(SHARD, kept)
    assert terms() == {"accepted": 2, "stored": 1, "in_flight": 1}


@pytest.fixture
def crowd() -> Iterator[None]:
    """Several threads ask the database; their connections are not left to tests that restart it."""
    yield
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("crowd")
def test_drains_that_meet_at_the_same_entries_count_them_once() -> None:
    for number in range(40):
        append(make.event(id=f"e{number}"), make.event(id="same"))
    epoch, entries = tally.epoch(), buffer.take(SHARD, 0)

    def run() -> None:
        for batch in (entries[:7], entries[7:], entries):
            draining.record_entries(epoch, SHARD, batch)
            buffer.finish(SHARD, batch)
        close_old_connections()

    together(run, 6)
    assert terms() == {"accepted": 80, "stored": 41, "duplicate": 39}
    assert recounting.compare() == []


def together(run: Any, times: int) -> None:
    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("crowd")
def test_it_closes_at_every_moment_while_events_come_and_go() -> None:
    done = threading.Event()

    def send() -> None:
        for number in range(150):
            append(make.event(id=f"e{number % 100}"), make.event(workload=f"w{number % 9}"))
        done.set()

    def work() -> None:
        while not done.is_set():
            for shard in buffer.shards():
                draining.drain(shard, 0.2)
        close_old_connections()

    threads = [threading.Thread(target=run) for run in (send, work, work)]
    for thread in threads:
        thread.start()
    looks = []
    while not done.is_set():
        account = tally.account()
        looks.append((account.lost, account.in_flight >= 0))
    for thread in threads:
        thread.join()
    assert len(looks) > 5
    assert set(looks) == {(0, True)}
    for shard in buffer.shards():
        draining.drain(shard, 5)
    assert terms() == {"accepted": 300, "stored": 250, "duplicate": 50}


def test_two_sides_that_are_read_at_two_times_are_put_together(drain: Any) -> None:
    append(make.event(id="a"))
    seen = tally.door()
    append(make.event(id="a"), make.event())
    drain()
    account = tally.closed(seen, tally.books(seen))
    assert (account.accepted, account.stored, account.duplicate) == (3, 2, 1)
    assert (account.in_flight, account.lost) == (0, 0)


def test_what_others_wrote_into_the_stream_is_counted_when_it_is_drained(drain: Any) -> None:
    redis, name = buffer.connection(), buffer.stream(SHARD)
    redis.xadd(name, {"body": b"\x00garbage"})
    redis.xadd(name, {"other": b"field", "items": b"many"})
    redis.xadd(name, {"body": msgspec.msgpack.encode(buffer.Entry([make.event(), make.event()]))})
    redis.xadd(name, {"body": b"", "items": b"-1"}, id="18446744073709551614-1")
    append_to_another_shard()
    drain()
    assert terms() == {"accepted": 1, "uncounted": 5, "stored": 3, "kept_aside": 3}


def append_to_another_shard() -> None:
    """One event into a shard other than SHARD."""
    name = next(f"w{n}" for n in range(100) if buffer.shard_of(f"w{n}") != SHARD)
    append(make.event(workload=name))


def test_a_stream_that_somebody_deleted_is_a_loss_that_is_told(drain: Any) -> None:
    append(make.event(), make.event())
    drain()
    append(make.event(), make.event(), make.event())
    buffer.connection().delete(buffer.stream(SHARD))
    account = tally.account()
    assert (account.lost, account.in_flight) == (3, 0)
    append_to_another_shard()
    account = tally.account()
    assert account.lost >= 1
    assert account.at_least
    drain()
    assert tally.account().lost == 3


def test_entries_that_were_finished_and_never_recorded_are_a_loss_that_is_told() -> None:
    append(make.event(), make.event())
    buffer.finish(SHARD, buffer.take(SHARD, 0))
    assert tally.account().lost == 2


def test_counting_begins_anew_where_the_streams_redis_lost_its_data(drain: Any) -> None:
    append(make.event())
    drain()
    first = tally.account().since
    append(make.event())
    buffer.connection().flushall()
    assert tally.account().since is None
    append(make.event())
    drain()
    assert terms() == {"accepted": 1, "stored": 1}
    second = tally.account().since
    assert first is not None
    assert second is not None
    assert first < second
    assert tally.books().stored == 2


def test_what_is_refused_in_a_crowd_costs_the_others_nothing(drain: Any) -> None:
    for number in range(12):
        append(*(make.event(outcome="nonsense" if n == number else "served") for n in range(9)))
    drain()
    assert terms() == {"accepted": 108, "stored": 99, "kept_aside": 9}
    assert recounting.compare() == []


def test_a_day_that_no_calendar_has_is_kept_aside(drain: Any) -> None:
    end = make.NOON.replace(year=9999, month=12, day=31)
    append(make.event(occurred_at=end), make.event())
    drain()
    assert terms() == {"accepted": 2, "stored": 1, "kept_aside": 1}


def test_what_is_kept_aside_is_recorded_once_it_can_be(drain: Any) -> None:
    append(make.event(outcome="nonsense"), make.event(id="there"))
    drain()
    row = KeptAside.objects.get()
    with pytest.raises(aside.StillRefused):
        aside.try_again(row.pk)
    row.refresh_from_db()
    assert row.tried_at is not None
    assert terms() == {"accepted": 2, "stored": 1, "kept_aside": 1}
    # As if the database had been mended.
    row.body = bytes(row.body).replace(b"nonsense", b"served")
    row.save(update_fields=["body"])
    assert aside.try_again(row.pk) == tally.Outcome(stored=1)
    assert aside.try_again(row.pk) is None
    assert terms() == {"accepted": 2, "stored": 2}
    assert recounting.compare() == []


def test_a_whole_entry_and_a_count_can_be_tried_again(drain: Any) -> None:
    append(make.event())
    buffer.append(ANY, traffic=[make.traffic(requests=-1)])
    drain()
    row = KeptAside.objects.get()
    row.body = bytes(row.body).replace(b",-1]", b",7]")
    row.save(update_fields=["body"])
    aside.try_again(row.pk)
    buffer.connection().xadd(buffer.stream(SHARD), {"body": b"garbage"})
    drain()
    row = KeptAside.objects.get()
    with pytest.raises(aside.StillRefused):
        aside.try_again(row.pk)
    row.body = msgspec.msgpack.encode(buffer.Entry([make.event(), make.event()]))
    row.save(update_fields=["body"])
    assert aside.try_again(row.pk) == tally.Outcome(stored=2, uncounted=1)
    assert terms() == {"accepted": 2, "uncounted": 2, "stored": 4}


def test_what_is_discarded_is_counted_as_that(drain: Any) -> None:
    append(make.event(outcome="nonsense"))
    drain()
    number = KeptAside.objects.get().pk
    assert aside.discard(number)
    assert not aside.discard(number)
    assert terms() == {"accepted": 1, "discarded": 1}


def test_two_who_decide_about_one_at_once_count_it_once(drain: Any) -> None:
    for _ in range(3):
        append(make.event(outcome="nonsense"))
    drain()
    numbers = list(KeptAside.objects.values_list("pk", flat=True))
    for number in numbers:
        assert at_once(*[partial(aside.discard, number)] * 4) == []
    assert terms() == {"accepted": 3, "discarded": 3}


def test_a_reason_with_letters_that_cannot_be_stored_is_kept() -> None:
    assert aside.keep(1, SHARD, "events:0/1-0", b"", ValueError("a\0b\ud800"))
    assert KeptAside.objects.get().error == "a\ufffdb?"


def test_a_stream_that_is_full_to_the_brim_can_be_drained_and_counted(drain: Any) -> None:
    append(make.event())
    drain()
    append(make.event())
    redis = buffer.connection()
    before = str(redis.config_get("maxmemory")["maxmemory"])
    redis.config_set("maxmemory", int(int(redis.info("memory")["used_memory"]) / 2))
    try:
        with pytest.raises(buffer.Full):
            append(make.event())
        drain()
    finally:
        redis.config_set("maxmemory", before)
    assert terms() == {"accepted": 2, "stored": 2}


def test_an_entry_that_was_acknowledged_by_hand_is_recorded_nevertheless(drain: Any) -> None:
    append(make.event())
    (taken,) = buffer.take(SHARD, 0)
    buffer.connection().xack(buffer.stream(SHARD), buffer.GROUP, taken.id)
    drain()
    assert terms() == {"accepted": 1, "stored": 1}
    assert buffer.waiting(SHARD) == 0
