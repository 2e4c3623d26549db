"""The audit log as admins read it: in plain words, filtered, in pages, and as files."""

import contextlib
import csv
import gc
import io
import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from dashboard.audit import log as audit_log
from dashboard.audit import words
from dashboard.exports import slots
from fallbacks import audit, enablement
from fallbacks.models import AuditEntry
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import shown, text_of
from tests.policy import on_the_way as way

PAGE = "/audit"
MOST_QUERIES = 12
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
no_memory = stage.no_memory


@pytest.fixture
def admin(database: None, person: Person) -> Client:
    return person("admin")


def write(count: int, actor: str = "dana", workload: str = "support-chat") -> None:
    for number in range(count):
        audit.append("policy put", actor, workload, f"version {number + 1}", changed=[])


def numbers(client: Client, address: str = PAGE, **query: Any) -> list[int]:
    """The numbers of the entries that a page shows."""
    answer = client.get(address, query)
    assert answer.status_code == 200
    return [int(found) for found in re.findall(r'id="entry-(\d+)"', answer.content.decode())]


def link(client: Client, word: str, address: str = PAGE) -> str:
    page = client.get(address).content.decode()
    found = re.search(rf'<a class="btn" href="([^"]+)">(?:<svg.*?</svg>)?{word}', page)
    assert found, word
    return PAGE + found[1].replace("&amp;", "&")


def exported(client: Client, form: str, query: str = "") -> str:
    answer: Any = client.post(f"{PAGE}/export{query}", {"format": form})
    assert answer.status_code == 200
    assert f".{form}" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode("utf-8-sig")


# What it says


def test_each_kind_of_entry_is_said_in_plain_words(admin: Client) -> None:
    way.enabled()
    enablement.suspend("support-chat", way.dana(), "it answers in French")
    way.put_route(triggers=["timeout"], message="Another model answers.")
    way.put_route(payload_classes=["chat"])
    audit.append("sample scored", "dana", "support-chat", "sample 7", settled=True, passed=True)
    audit.append("sample scored", "dana", "support-chat", "sample 8", settled=None, passed=False)
    audit.append("sample skipped", "dana", "support-chat", "sample 9", reason="in Polish")
    audit.append("samples handed back", "dana", "support-chat", samples=[1, 2], reason="lunch")
    audit.append("key made", "manage.py", "", "ob_live_7Qm", name="gateway")
    audit.append("roles changed", "manage.py", "", "tomas", roles=["reviewer", "viewer"])
    text = shown(admin, PAGE)
    for said in (
        "tests put the model premium-chat into the catalogue.",
        "tests wrote the policy, version 1.",
        "key tests verified chat of premium-chat → baseline-chat.",
        "ines asked that the route be enabled for users (policy v1, 10 of 10 samples passed): the primary was away",
        "asked by ines, policy v1, 10 of 10 samples passed): the samples are good",
        "dana suspended the route: users get its answers no more",
        "it answers in French",
        "tests changed the policy in Triggers and What they are told: version 2.",
        "tests sent the route back to proposed, it was suspended: the policy changed: payload classes from",
        "dana scored sample 7, which passed.",
        "dana scored sample 8, which waits for another reviewer.",
        "dana skipped sample 9: in Polish",
        "dana handed 2 samples back: lunch",
        "manage.py made the key gateway (ob_live_7Qm…).",
        "manage.py gave tomas the roles reviewer and viewer.",
    ):
        assert said in text
    newest = AuditEntry.objects.latest("number")
    assert f"#{newest.number}" in text
    assert words.short(newest.hash) in text
    assert newest.hash in text
    assert newest.previous in text


@pytest.mark.parametrize("action", audit_log.ACTIONS)
@pytest.mark.parametrize("details", ["", "nonsense", "[]", "{}", '{"changed": 1, "samples": {}, "roles": 7}', "null"])
def test_details_that_nobody_of_ours_wrote_break_no_page(action: str, details: str) -> None:
    entry = AuditEntry(number=1, action=action, subject="of something", details=details)
    assert words.told(entry).did
    assert words.icon(action) != "circle-dashed"


def test_an_action_that_is_not_known_is_said_as_it_is() -> None:
    assert words.told(AuditEntry(action="something new", details="{}")).did == "something new"


def test_nothing_yet_says_what_will_be_here(admin: Client) -> None:
    text = shown(admin, PAGE)
    assert "Audit log: 0 entries" in text
    assert "Nothing has been changed yet" in text


@pytest.mark.parametrize("at", ["infinity", "-infinity", "20000-01-01", "4000-01-01 BC", "9999-12-31 23:59"])
def test_an_entry_with_a_time_that_cannot_be_read_is_shown_and_said_to_be_so(admin: Client, at: str) -> None:
    admin.cookies["timezone"] = "Asia/Tokyo"
    way.enabled()
    audit.append("policy put", "dana", "support-chat", "version 9", changed=[])
    newest = AuditEntry.objects.latest("number").number
    with tampering():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE audit_entry SET at = %s WHERE number = %s", [at, newest])
        text = shown(admin, PAGE)
        assert re.search(rf"#{newest} Unreadable its time was tampered with dana", text)
        assert f"#{newest - 1} Unreadable" not in text
        assert "at no time that can be read" in shown(admin, "/policies/support-chat/route")
        row = next(csv.DictReader(io.StringIO(exported(admin, "csv"))))
        assert (row["number"], row["at"]) == (str(newest), "")
        assert json.loads(exported(admin, "json"))["results"][0]["at"] is None


@contextlib.contextmanager
def tampering() -> Iterator[None]:
    """Do what only the table's owner can do: take its triggers away for a while."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        yield
        cursor.execute(
            "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_stays, ENABLE ALWAYS TRIGGER audit_stays"
        )


# Filters and pages


def test_filters_narrow_it_down_and_stay_in_the_form(admin: Client) -> None:
    write(2)
    write(2, actor="tomas", workload="news")
    audit.append("key made", "dana", "", "ob_live", name="gateway")
    assert numbers(admin) == [5, 4, 3, 2, 1]
    assert numbers(admin, actor="dana") == [5, 2, 1]
    assert numbers(admin, action="key made") == [5]
    assert numbers(admin, workload="news") == [4, 3]
    assert numbers(admin, actor="dana", workload="support-chat") == [2, 1]
    page = admin.get(PAGE, {"actor": "dana", "action": "key made"}).content.decode()
    assert 'value="dana"' in page
    assert "<option selected>key made</option>" in page
    assert "No entry matches" in shown(admin, PAGE, actor="nobody of that name")


def test_how_many_match_the_filters_is_said(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    write(60)
    write(2, actor="tomas")
    assert "62 of 62 entries match" not in shown(admin, PAGE)
    assert "50 on this page, newest first, of 62 in all" in shown(admin, PAGE)
    assert "2 of 62 entries match; 2 on this page, newest first; times in UTC" in shown(admin, PAGE, actor="tomas")
    assert "60 of 62 entries match; 50 on this page" in shown(admin, PAGE, actor="dana")
    assert "60 of 62 entries match; 10 on this page" in shown(admin, PAGE, actor="dana", before="11")
    assert "0 of 62 entries match" in shown(admin, PAGE, actor="nobody of that name")
    monkeypatch.setattr(audit_log, "MOST_COUNTED", 20)
    assert "over 20 of 62 entries match" in shown(admin, PAGE, actor="dana")
    assert "2 of 62 entries match" in shown(admin, PAGE, actor="tomas")


def test_both_times_say_in_which_zone_they_are(admin: Client) -> None:
    admin.cookies["timezone"] = "Asia/Tokyo"
    text = shown(admin, PAGE)
    assert "From, Tokyo (UTC+9)" in text
    assert "To, Tokyo (UTC+9)" in text


def test_a_span_of_time_is_the_viewers(admin: Client) -> None:
    write(1)
    at = AuditEntry.objects.get().at
    hour = timedelta(hours=1)
    assert numbers(admin, **{"from": (at - hour).isoformat()}) == [1]
    assert numbers(admin, **{"from": (at + hour).isoformat()}) == []
    assert numbers(admin, to=(at - hour).isoformat()) == []
    assert numbers(admin, **{"from": (at - hour).isoformat(), "to": (at + hour).isoformat()}) == [1]
    admin.cookies["timezone"] = "Asia/Tokyo"
    clock = (at + timedelta(hours=9, minutes=-1)).replace(tzinfo=None)
    assert numbers(admin, **{"from": f"{clock:%Y-%m-%dT%H:%M}"}) == [1]
    assert f'value="{clock:%Y-%m-%dT%H:%M}"' in admin.get(PAGE, {"from": f"{clock:%Y-%m-%dT%H:%M}"}).content.decode()


@pytest.mark.parametrize(
    "query",
    [{"action": "drop table"}, {"from": "yesterday"}, {"to": "9999999"}, {"actor": "a\0b"}, {"workload": "\ud83c"}],
)
def test_what_is_not_understood_is_said_and_everything_shown(admin: Client, query: dict[str, str]) -> None:
    write(2)
    answer = admin.get(PAGE, {name: value.encode("utf-8", "surrogatepass") for name, value in query.items()})
    assert answer.status_code == 200
    assert numbers(admin) == [2, 1]


@pytest.mark.parametrize("place", ["before=x", "before=-1", "after=", f"before={'9' * 40}", "before=²"])
def test_a_place_that_is_none_is_the_first_page(admin: Client, place: str) -> None:
    write(2)
    assert numbers(admin, f"{PAGE}?{place}") == [2, 1]


def test_pages_follow_each_other_both_ways_and_keep_the_filters(admin: Client) -> None:
    write(60, actor="tomas")
    write(110)
    first = numbers(admin, actor="dana")
    assert first == list(range(170, 120, -1))
    second_page = link(admin, "Older", f"{PAGE}?actor=dana")
    assert numbers(admin, second_page) == list(range(120, 70, -1))
    third_page = link(admin, "Older", second_page)
    assert numbers(admin, third_page) == list(range(70, 60, -1))
    assert "Older" not in admin.get(third_page).content.decode()
    assert numbers(admin, link(admin, "Newer", third_page)) == list(range(120, 70, -1))
    assert numbers(admin, link(admin, "Newer", second_page)) == first
    assert numbers(admin, link(admin, "Newest", third_page)) == first


def test_an_entry_that_comes_meanwhile_moves_no_page(admin: Client) -> None:
    write(60)
    older = link(admin, "Older")
    before = numbers(admin, older)
    write(5)
    assert numbers(admin, older) == before


# Files


def test_a_file_holds_all_that_the_filters_let_through(admin: Client) -> None:
    write(3, actor="tomas")
    way.enabled()
    rows = list(csv.DictReader(io.StringIO(exported(admin, "csv"))))
    assert [int(row["number"]) for row in rows] == numbers(admin)
    assert set(rows[0]) == set(audit_log.COLUMNS)
    kept = AuditEntry.objects.latest("number")
    assert (rows[0]["hash"], rows[0]["details"], rows[0]["previous"]) == (kept.hash, kept.details, kept.previous)
    found = json.loads(exported(admin, "json", "?actor=tomas"))
    assert [row["number"] for row in found["results"]] == [3, 2, 1]
    assert found["next"] is None


def test_who_has_the_file_can_work_out_every_hash(admin: Client) -> None:
    way.enabled()
    for row in json.loads(exported(admin, "json"))["results"]:
        at = datetime.fromisoformat(row["at"]).astimezone(UTC)
        entry = (row["number"], at, *(row[name] for name in audit_log.COLUMNS[2:-1]))
        assert audit.hash_of(entry) == row["hash"]


def test_a_long_file_comes_in_pieces_without_a_gap(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "PIECE", 7)
    write(30)
    rows = list(csv.DictReader(io.StringIO(exported(admin, "csv"))))
    assert [int(row["number"]) for row in rows] == list(range(30, 0, -1))


def test_files_that_nobody_reads_leave_threads_for_events(admin: Client) -> None:
    write(3)
    held: list[Any] = [admin.post(f"{PAGE}/export", {"format": "csv"}) for _ in range(slots.MOST)]
    refused = admin.post(f"{PAGE}/export", {"format": "csv"})
    assert refused.status_code == 429
    assert 5 <= int(refused["Retry-After"]) <= 120
    assert "Not now: 2 exports go on already." in text_of(refused.content)
    told = admin.post(f"{PAGE}/export", {"format": "csv"}, headers={"accept": "application/json"})
    assert (told.status_code, told.json()["error"]["code"]) == (429, "too_many_exports")
    # Closed before its first piece, after some, and at its end.
    for pieces in (0, 1, 9):
        for _ in itertools.islice(held[0].streaming_content, pieces):
            pass
        held[0].close()
        held[0] = admin.post(f"{PAGE}/export", {"format": "json"})
        assert held[0].status_code == 200
    # Nobody closes them, not even the server.
    del held[:]
    gc.collect()
    assert len(exported(admin, "csv").splitlines()) == 4


def test_what_a_spreadsheet_would_calculate_is_text(admin: Client) -> None:
    audit.append("sample skipped", "=HYPERLINK(1)", "support-chat", "@sample", reason="x")
    (row,) = csv.DictReader(io.StringIO(exported(admin, "csv")))
    assert (row["actor"], row["subject"]) == ("'=HYPERLINK(1)", "'@sample")


def test_a_file_is_of_what_is_understood_or_none(admin: Client) -> None:
    write(1)
    assert admin.post(f"{PAGE}/export?from=yesterday", {"format": "csv"}).status_code == 404
    assert admin.post(f"{PAGE}/export", {"format": "xls"}).status_code == 404
    assert admin.get(f"{PAGE}/export").status_code == 405


# Frame


def test_hostile_texts_stay_texts(admin: Client) -> None:
    audit.append("sample skipped", HOSTILE, HOSTILE, HOSTILE, reason=HOSTILE)
    audit.append("roles changed", HOSTILE, "", HOSTILE, roles=[HOSTILE])
    page = admin.get(PAGE, {"actor": HOSTILE, "workload": HOSTILE}).content.decode()
    page += admin.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("role", ["", "viewer", "engineer", "reviewer"])
def test_it_is_for_admins(database: None, person: Person, role: str) -> None:
    client = person(*filter(None, [role]))
    assert client.get(PAGE).status_code == 403
    assert client.post(f"{PAGE}/export", {"format": "csv"}).status_code == 403
    assert f'href="{PAGE}"' not in client.get("/policies").content.decode()


def test_the_account_menu_leads_there(admin: Client) -> None:
    assert f'href="{PAGE}"' in admin.get("/policies").content.decode()


def test_the_number_of_queries_does_not_depend_on_what_there_is(admin: Client) -> None:
    few = stage.asked_of_the_database(admin, PAGE)
    write(120)
    many = stage.asked_of_the_database(admin, PAGE, actor="dana", before="100")
    assert max(len(few), len(many)) <= MOST_QUERIES
