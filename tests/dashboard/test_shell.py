"""What all pages share: how far the figures are behind, a pause that counts, pages that never hang, who may what."""

import os
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard import freshness, patience
from fallbacks import key_ring
from fallbacks.recording import record
from fallbacks.streams import TALLY, connection, stream
from tests.conftest import Person
from tests.dashboard.stage import asked_of_the_database, shown
from tests.make import event, traffic

REFRESH = {"HX-Request": "true"}
PAGES = ("/", "/workloads/support-chat", "/violations", "/boundary")
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits as it is: a process remembers it for a second."""
    monkeypatch.setattr(freshness, "REMEMBERED_FOR", -1.0)
    monkeypatch.setattr(freshness, "ASK_AGAIN_AFTER", -1.0)


def wait_in_the_stream(seconds: int, items: int, idle: int = 0, shard: int = 0) -> None:
    """Leave an entry in the stream as it is after so many seconds; a drain finished something `idle` seconds ago."""
    now = int(time.time() * 1000)
    connection().xadd(stream(shard), {"items": items, "body": b"x" * 1000}, id=f"{now - seconds * 1000}-0")
    connection().hincrby(TALLY, "accepted", items)
    connection().hincrby(TALLY, "entries", 1)
    connection().hset(TALLY, f"progress:{stream(shard)}", str(now - idle * 1000))


def test_a_line_on_every_page_says_how_old_the_figures_are(viewer: Client) -> None:
    record([event()], [traffic()])
    for page in PAGES:
        assert "Figures are" not in shown(viewer, page)
    wait_in_the_stream(2, items=7, shard=1)
    assert "Figures are" not in shown(viewer, "/")
    wait_in_the_stream(40, items=12_293)
    line = r"Figures are 4\d s old. 12,300 events and traffic counts wait in the stream and are being worked through;"
    for page in PAGES:
        assert re.search(line, shown(viewer, page)), page
        part = viewer.get(page, headers=REFRESH).text
        assert "<html" not in part
        assert "12,300 events" in part


def test_where_nothing_moves_the_line_does_not_say_that_it_does(viewer: Client) -> None:
    wait_in_the_stream(400, items=1, idle=300)
    text = shown(viewer, "/")
    assert "Figures are 6 min old. 1 event or traffic count waits in the stream" in text
    assert "and none was recorded for 5 min; none is lost" in text
    assert "worked through" not in text


def test_what_was_lost_does_not_wait(viewer: Client) -> None:
    wait_in_the_stream(40, items=5)
    connection().hincrby(TALLY, "accepted", 100)
    connection().hincrby(TALLY, "entries", 1)
    assert "104 events" in shown(viewer, "/")
    connection().delete(stream(0))
    assert "wait in the stream" not in shown(viewer, "/")


def test_while_the_stream_is_away_the_page_is_there_and_says_what_is_not_known(
    viewer: Client, running_servers: Any
) -> None:
    record([event()], [traffic()])
    running_servers.down("redis-stream")
    try:
        text = shown(viewer, "/")
    finally:
        running_servers.up("redis-stream")
    assert "How far the figures are behind is not known: the stream does not answer." in text
    assert "1 of 100" in text
    assert "not known: the stream" not in shown(viewer, "/")


def test_many_pages_ask_the_stream_once_and_the_database_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "REMEMBERED_FOR", 60.0)
    wait_in_the_stream(40, items=3)
    calls = scripts_run()
    with CaptureQueriesContext(database) as asked:
        assert [freshness.now().waiting for _ in range(20)] == [3] * 20
    assert (scripts_run(), len(asked)) == (calls + 1, 0)


def scripts_run() -> int:
    stats: Any = connection().info("commandstats")
    return sum(stats[name]["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval") if name in stats)


def test_a_paused_page_is_told_how_many_events_came_in(viewer: Client) -> None:
    at = datetime.now(UTC)
    record([event(), event(environment="staging")], [traffic()])
    query = {"since": at.isoformat(), "environment": "production", "workload": "support-chat"}
    before = viewer.get("/came-in", query).json()["events"]
    record(
        [event(occurred_at=at), event(), event(occurred_at=at, environment="staging"), event(workload="other")],
        [traffic(requests=50)],
    )
    assert viewer.get("/came-in", query).json()["events"] == before + 2
    assert viewer.get("/came-in", query | {"workload": ""}).json()["events"] == before + 3
    # A new day moves nothing out of the count.
    assert len(asked_of_the_database(viewer, "/came-in", **query)) == 3


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00"},
        {"since": "0001-01-01T00:00:00Z"},
        {"since": "9999-12-31T23:59:59-12:00"},
        {"since": "2026-01-01T00:00:00Z", "workload": "a\0b"},
        {"since": "2026-01-01T00:00:00Z", "environment": "<script>"},
    ],
)
def test_a_count_that_cannot_be_made_is_refused(viewer: Client, query: dict[str, str]) -> None:
    assert viewer.get("/came-in", query).status_code == 400


@pytest.fixture
def locked() -> Iterator[psycopg.Connection[Any]]:
    """Somebody holds the figures, so that whoever reads them waits."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("LOCK TABLE rollup_day, rollup_hour, rollup_minute IN ACCESS EXCLUSIVE MODE")
        # Not for ever: a page that is not stopped must fail the test and not hang it.
        at_last = threading.Timer(10, other.rollback)
        at_last.start()
        yield other
        at_last.cancel()
        other.rollback()


def test_a_page_that_takes_too_long_is_stopped_and_says_what_to_do(
    viewer: Client, locked: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "A_STATEMENT", 100)
    answer = viewer.get("/?range=30d&sort=-events")
    assert answer.status_code == 503
    assert "This took too long" in answer.text
    assert 'href="?range=1h&amp;sort=-events"' in answer.text
    assert viewer.get("/", headers=REFRESH).json()["error"]["code"] == "too_slow"
    locked.rollback()
    assert viewer.get("/").status_code == 200


def test_what_is_no_page_has_no_limit_also_after_one(
    viewer: Client, locked: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "A_STATEMENT", 100)
    key = key_ring.make("reader", ["rates:read"])
    assert viewer.get("/").status_code == 503
    threading.Timer(0.5, locked.rollback).start()
    answer = viewer.get("/api/v1/rates", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200


def test_a_page_that_asks_on_and_on_is_stopped_as_well(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer.raise_request_exception = False
    monkeypatch.setattr(patience, "A_PAGE", -1.0)
    answer = viewer.get("/")
    assert answer.status_code == 503
    assert "This took too long" in answer.text


def test_while_the_database_is_away_a_refresh_is_told_in_a_word(viewer: Client, running_servers: Any) -> None:
    viewer.raise_request_exception = False
    running_servers.down("postgres")
    try:
        part, page = viewer.get("/", headers=REFRESH), viewer.get("/")
    finally:
        running_servers.up("postgres")
    assert (part.status_code, part.json()["error"]["code"]) == (503, "database_unavailable")
    assert "This page tries again every 10 s." in page.text
    assert "js/retry" in page.text


def test_who_may_not_is_told_which_role_may_and_whom_to_ask(person: Person) -> None:
    engineer, nobody = person("engineer", "reviewer"), person()
    person("admin")
    text = engineer.get("/operations").text
    assert "This is for admins." in text
    assert "You are an engineer and a reviewer: ask an admin (admin) for the role." in text
    # They are not lost there.
    assert 'aria-label="Main"' in text
    assert 'href="/operations"' not in text
    assert "This is for engineers and admins." in nobody.get("/new-policy").text
    assert "You have no role yet: ask an admin (admin) for one." in nobody.get("/new-policy").text
    assert "This is for people with a role." in nobody.get("/").text
    assert "Sign out" in nobody.get("/").text


def test_every_page_of_the_navigation_has_a_key_and_ids_are_looked_up(viewer: Client) -> None:
    page = viewer.get("/").text
    for keys_, path in (("o", "/"), ("e", "/events"), ("v", "/violations"), ("p", "/policies"), ("b", "/boundary")):
        assert re.search(rf'href="{path}"[^>]* data-key="g {keys_}"', page), path
    assert re.search(r'<form class="lookup" role="search" action="/lookup">', page)
    assert 'data-key="/"' in page
    assert 'data-key="?"' in page
