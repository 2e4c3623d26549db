"""The line to the stream: quick, and honest about what was not taken."""

import signal
import threading
import time
from typing import Any

import pytest

from ingest import buffer, line
from tests.make import sent

EVENTS = "/api/v1/events"
pytestmark = pytest.mark.usefixtures("database", "stream")


def waiting() -> int:
    return sum(buffer.waiting(shard) for shard in buffer.shards())


def test_what_a_stalled_stream_was_asked_for_is_not_done_after_the_503(post: Any, running_servers: Any) -> None:
    assert post(EVENTS, sent()).status_code == 202
    redis = running_servers.processes["redis-stream"]
    redis.send_signal(signal.SIGSTOP)
    try:
        assert post(EVENTS, sent()).status_code == 503
    finally:
        redis.send_signal(signal.SIGCONT)
    time.sleep(0.2)
    assert waiting() == 1
    assert post(EVENTS, sent()).status_code == 202
    assert waiting() == 2


def test_a_restart_of_the_stream_costs_no_request(post: Any, running_servers: Any) -> None:
    assert post(EVENTS, sent()).status_code == 202
    running_servers.down("redis-stream", how=signal.SIGKILL)
    running_servers.up("redis-stream")
    assert post(EVENTS, sent()).status_code == 202
    assert waiting() == 2


def test_a_clock_that_jumped_costs_one_request(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "_of_thread", threading.local())
    assert post(EVENTS, sent()).status_code == 202
    line._of_thread.line.ahead -= 3_600_000
    assert post(EVENTS, sent()).status_code == 503
    assert post(EVENTS, sent()).status_code == 202
    assert waiting() == 2


def test_another_clock_than_ours_is_taken_into_account(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream may be on another machine, whose clock is an hour off."""
    monkeypatch.setattr(line, "_of_thread", threading.local())
    real = time.time
    monkeypatch.setattr("ingest.line.time.time", lambda: real() - 3600)
    assert post(EVENTS, sent()).status_code == 202
