"""`/metrics`: what Prometheus reads, by a key, and with what is known while a part is away."""

import re
from typing import Any

import pytest
from django.test import Client

from fallbacks import key_ring, keys
from fallbacks.local.environment import PROJECT
from ingest import buffer, pulse
from tests import make
from tests.make import sent

EVENTS = "/api/v1/events"
OPERATIONS = PROJECT / "docs" / "operations.md"
SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z]+="[A-Za-z0-9_.+-]*"(?:,[a-z]+="[A-Za-z0-9_.+-]*")*)\})? (-?[0-9.e+]+)')
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture
def reader(database: None) -> str:
    """A key that may read the metrics and nothing else."""
    return key_ring.make("prometheus", ["metrics:read"])


def read(key: str) -> dict[str, float]:
    """Return each sample by its name and labels, and see that the text is as Prometheus wants it."""
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    text = answer.content.decode()
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            _, word, name, rest = line.split(" ", 3)
            if word == "TYPE":
                assert name not in kinds
                kinds[name] = rest
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name = match[1]
        family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in kinds else name
        assert (name.endswith("_total")) == (kinds[family] == "counter")
        place = name.removeprefix("observatory_") + (f"{{{match[2]}}}" if match[2] else "")
        assert place not in found
        found[place] = float(match[3])
    return found


def test_everything_that_happened_is_in_it(post: Any, drain: Any, reader: str) -> None:
    post(EVENTS, [sent(), sent(id="a", occurred_at=make.NOON.isoformat()), sent(status=1), sent(made_up=1)])
    post(EVENTS, sent(id="a", occurred_at=make.NOON.isoformat()))
    post(EVENTS, b"{")
    before = read(reader)
    assert before["accepted_items_total"] == before["in_flight_items"] == 3
    assert before["oldest_entry_age_seconds"] > 0
    assert sum(value for name, value in before.items() if name.startswith("waiting_entries")) == 2
    buffer.append(keys.Key(1, frozenset(), frozenset(), frozenset(), None), events=[make.event(outcome="nonsense")])
    drain()
    now = read(reader)
    wanted = {
        "accepted_items_total": 4,
        'rejected_items_total{reason="status"}': 1,
        'rejected_items_total{reason="unknown_field"}': 1,
        'rejected_items_total{reason="not_json"}': 1,
        "stored_items_total": 2,
        "duplicate_items_total": 1,
        "kept_aside_items_total": 1,
        "kept_aside_items": 1,
        "in_flight_items": 0,
        "missing_entries": 0,
        "oldest_entry_age_seconds": 0,
        "lost_items": 0,
        'drain_latency_seconds_bucket{le="+Inf"}': 4,
        "drain_latency_seconds_count": 4,
        'up{part="stream"}': 1,
        'up{part="database"}': 1,
    }
    assert {name: now.get(name) for name in wanted} == wanted
    assert now["stream_memory_used_bytes"] > 0
    assert now["drain_latency_seconds_sum"] > 0
    buckets = [value for name, value in now.items() if name.startswith("drain_latency_seconds_bucket")]
    assert len(buckets) == 12
    assert buckets == sorted(buckets)


def test_the_document_lists_what_is_in_it_and_nothing_else(post: Any, drain: Any, reader: str) -> None:
    post(EVENTS, sent())
    drain()
    text = Client().get("/metrics", headers={"authorization": f"Bearer {reader}"}).text
    listed = {
        (name, kind)
        for names, kind in re.findall(
            r"^\| (`[^|]+`) \| (gauge|counter|histogram) \|", OPERATIONS.read_text(), re.MULTILINE
        )
        for name in re.findall(r"`([a-z_]+)", names)
    }
    assert set(re.findall(r"^# TYPE observatory_([a-z_]+) (\w+)$", text, re.MULTILINE)) == listed


def test_what_was_over_a_keys_rate_is_in_it(post: Any, reader: str) -> None:
    slow = key_ring.make("slow", ["events:write"], rate=1)
    assert [post(EVENTS, [sent()] * 10, key=slow).status_code for _ in range(2)] == [202, 429]
    now = read(reader)
    assert (now["throttled_items_total"], now["accepted_items_total"]) == (10, 10)


def test_who_lives_is_in_it(reader: str) -> None:
    assert read(reader)['alive{part="beat"}'] == 0
    pulse._renewed.clear()
    pulse.renew("beat")
    assert read(reader)['alive{part="beat"}'] == 1


def test_it_is_closed_to_who_has_no_key_for_it(key: str, viewer: Client) -> None:
    assert Client().get("/metrics").status_code == 401
    assert viewer.get("/metrics").status_code == 401
    assert Client().get("/metrics", headers={"authorization": f"Bearer {key}"}).status_code == 403
    assert Client().get("/metrics", headers={"authorization": "Bearer fo_no"}).status_code == 401
    assert Client().post("/metrics").status_code == 405


@pytest.mark.parametrize(
    ("server", "part", "known"),
    [("postgres", "database", "accepted_items_total"), ("redis-stream", "stream", "stored_items_total")],
)
def test_while_a_part_is_away_the_other_is_told(
    reader: str, running_servers: Any, server: str, part: str, known: str
) -> None:
    assert read(reader)[known] == 0
    running_servers.down(server)
    try:
        found = read(reader)
    finally:
        running_servers.up(server)
    assert found[f'up{{part="{part}"}}'] == 0
    assert sum(value for name, value in found.items() if name.startswith("up")) == 1
    assert found[known] == 0
    assert "lost_items" not in found


def test_while_the_keys_cannot_be_looked_up_nobody_unknown_reads(running_servers: Any, reader: str) -> None:
    running_servers.down("postgres")
    try:
        answer = Client().get("/metrics", headers={"authorization": f"Bearer {reader}"})
    finally:
        running_servers.up("postgres")
    assert answer.status_code == 503
