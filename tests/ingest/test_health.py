"""`/healthz` says that the process lives, `/readyz` that it can do its work, and which part is missing."""

import re
import time
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from fallbacks.keys import Key
from fallbacks.local.environment import PROJECT
from ingest import buffer, health, pulse
from ingest import drain as draining
from tests import make

ANY = Key(1, frozenset(), frozenset(), frozenset(), None)
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture(autouse=True)
def alive(stream: None) -> None:
    """Worker and beat have just been heard of."""
    pulse._renewed.clear()
    pulse.renew("worker")
    pulse.renew("beat")


def parts(client: Any, status: int = 503) -> dict[str, str]:
    answer = client.get("/readyz")
    assert answer.status_code == status
    return answer.json()["parts"]  # type: ignore[no-any-return]


def test_the_document_says_what_to_do_about_each_part(client: Any) -> None:
    text = (PROJECT / "docs" / "operations.md").read_text()
    section = text.partition("## Is it well")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(parts(client, 200))


def test_alive_and_ready_need_no_key(client: Any) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert parts(client, 200) == dict.fromkeys(("database", "stream", "broker", "drain", "worker", "beat"), "ok")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_is_not_taken_is_told_in_json_and_asks_for_no_token(path: str, method: str) -> None:
    answer: Any = Client(enforce_csrf_checks=True).generic(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer.json() == {"error": {"code": "method_not_allowed", "message": "Send a GET."}}


@pytest.mark.parametrize(
    ("server", "part"), [("redis-stream", "stream"), ("redis-broker", "broker"), ("postgres", "database")]
)
def test_a_part_that_is_away_is_named(client: Any, running_servers: Any, server: str, part: str) -> None:
    running_servers.down(server)
    try:
        said = parts(client)
        assert client.get("/healthz").status_code == 200
    finally:
        running_servers.up(server)
    deadline = time.monotonic() + 10
    while not all(client.get("/readyz").json()["parts"][name] == "ok" for name in ("database", "stream", "broker")):
        assert time.monotonic() < deadline
    assert said[part].startswith("does not answer")
    assert ("not known" in said["drain"]) == (part == "stream")


def test_a_stream_that_nobody_drains_is_named(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer.append(ANY, events=[make.event()])
    assert parts(client, 200)["drain"] == "ok"
    monkeypatch.setattr(health, "NO_PROGRESS_AFTER_MS", -1)
    assert "makes no progress: 1 entries wait" in parts(client)["drain"]


def test_a_backlog_that_gets_shorter_is_progress(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "NO_PROGRESS_AFTER_MS", 200)
    for _ in range(3):
        buffer.append(ANY, events=[make.event()])
    time.sleep(0.4)
    assert "no progress" in parts(client)["drain"]
    shard = buffer.shard_of("support-chat")
    taken = buffer.take(shard, 0)[:1]
    draining.record_entries(1, shard, taken)
    buffer.finish(shard, taken)
    assert parts(client, 200)["drain"] == "ok"
    time.sleep(0.4)
    assert "no progress" in parts(client)["drain"]


def test_a_database_that_takes_no_writes_is_named(client: Any, running_servers: Any) -> None:
    def alter(what: str) -> None:
        with psycopg.connect(running_servers.superuser_url, autocommit=True) as superuser:
            superuser.execute(f"ALTER SYSTEM {what} default_transaction_read_only{' = on' if what == 'SET' else ''}")
            superuser.execute("SELECT pg_reload_conf()")
        connection.close()

    alter("SET")
    try:
        deadline = time.monotonic() + 10
        while "read-only" not in client.get("/readyz").json()["parts"]["database"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        alter("RESET")
    deadline = time.monotonic() + 10
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stream_that_is_nearly_full_is_named(client: Any) -> None:
    redis = buffer.connection()
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", int(int(redis.info("memory")["used_memory"]) / 0.8))
    try:
        assert "takes nothing more: the stream's memory is" in parts(client)["stream"]
    finally:
        redis.config_set("maxmemory", str(before))


@pytest.mark.parametrize("silent", ["worker", "beat"])
def test_who_is_silent_is_named(client: Any, silent: str) -> None:
    assert 0 < int(buffer.connection().ttl(f"pulse:{silent}")) <= pulse.FADES_AFTER < 60
    buffer.connection().delete(f"pulse:{silent}")
    said = parts(client)
    assert [name for name, words in said.items() if words != "ok"] == [silent]
    assert "is it running" in said[silent] or "is one running" in said[silent]


def test_beat_and_worker_give_signs_of_life_by_what_they_do() -> None:
    buffer.connection().flushall()
    pulse._renewed.clear()
    pulse.beat_rang(sender="ingest.tasks.drain")
    assert pulse.alive("beat", "worker") == [False, False]
    pulse.beat_rang(sender="ingest.tasks.ring")
    pulse.worker_works()
    assert pulse.alive("beat", "worker") == [True, True]


def test_nothing_is_changed_by_a_post(client: Any) -> None:
    assert client.post("/healthz").status_code == 405
