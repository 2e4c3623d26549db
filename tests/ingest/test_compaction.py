"""The stream's log on disk stays short, however often Redis is restarted: a full disk takes nothing."""

import time
from typing import Any

import pytest

from ingest import buffer, compaction, tasks
from tests import make
from tests.ingest.test_drain import ANY

pytestmark = pytest.mark.usefixtures("stream")


def log_size() -> int:
    return int(buffer.connection().info("persistence")["aof_current_size"])


def test_a_log_that_is_longer_than_what_it_stands_for_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SHORT", 1_000_000)
    for _ in range(20):
        buffer.append(ANY, events=[make.event(reason="x" * 500) for _ in range(200)])
    buffer.connection().delete(*(buffer.stream(shard) for shard in buffer.shards()))
    long = log_size()
    assert long > 1_000_000
    tasks.shorten_log()
    deadline = time.monotonic() + 20
    while log_size() >= long / 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_log_of_what_still_waits_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SHORT", 0)
    assert compaction.shorten() in (True, False)
    while buffer.connection().info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.05)
    for _ in range(5):
        buffer.append(ANY, events=[make.event(reason="x" * 500) for _ in range(1_000)])
    assert not compaction.shorten()


def test_a_stream_that_is_away_fails_no_task(no_stream: Any) -> None:
    tasks.shorten_log()
