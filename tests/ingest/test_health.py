"""`/healthz` says that the process lives, `/readyz` that it can do its work, and which part is missing."""

from typing import Any

import pytest

from ingest import buffer, health
from tests import make

pytestmark = pytest.mark.usefixtures("database", "stream")


def test_alive_and_ready_need_no_key(client: Any) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": "ok", "stream": "ok", "broker": "ok", "drain": "ok"}


@pytest.mark.parametrize(
    ("server", "part"), [("redis-stream", "stream"), ("redis-broker", "broker"), ("postgres", "database")]
)
def test_a_part_that_is_away_is_named(client: Any, running_servers: Any, server: str, part: str) -> None:
    running_servers.down(server)
    try:
        answer = client.get("/readyz")
        assert client.get("/healthz").status_code == 200
    finally:
        running_servers.up(server)
    assert answer.status_code == 503
    assert answer.json()["parts"][part].startswith("does not answer")


def test_a_stream_that_nobody_drains_is_named(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer.append(events=[make.event()])
    monkeypatch.setattr(health, "LONGEST_WAIT_MS", -1)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "worker" in answer.json()["parts"]["drain"]


def test_nothing_is_changed_by_a_post(client: Any) -> None:
    assert client.post("/healthz").status_code == 405
