"""What reviews say, as a page, as JSON and as a file; and what other pages say of reviews and enablements."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from dashboard.reviews import pending
from fallbacks import catalogue, rulebook
from fallbacks.models import Enablement
from fallbacks.recording import record
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import asked_of_the_database, shown, text_of
from tests.make import NOON, event, traffic
from tests.policy import on_the_way as way
from tests.policy.policies import MODELS
from tests.samples import review, reviewer, sample

PAGE = "/reviews/results"
FILE = "/exports/figures/reviews"
MOST_QUERIES = 12
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECRET = "the text that nobody but reviewers may see"
no_memory = stage.no_memory


@pytest.fixture
def reviews(database: None) -> datetime:
    """Ten settled samples of support-chat, two of code-assistant, and three that wait. Returns now."""
    stage.put_models()
    stage.put_policy()
    now = datetime.now(UTC)
    ana, ben = reviewer("ana"), reviewer("ben")
    texts = {"input": SECRET, "output": SECRET, "primary_output": SECRET}
    for number in range(10):
        one = sample(
            passed=number != 3,
            error_class="timeout" if number < 4 else "overloaded",
            sampled_at=now - (number + 1) * DAY,
            scored_at=now - (number + 1) * DAY + (number + 1) * HOUR,
            due_at=now - (number + 1) * DAY + 8.5 * HOUR,
            **texts,
        )
        review(one, ana, number != 3, comment="Promises =too+much" if number == 3 else "", primary_passed=number != 5)
        if number < 4:
            review(one, ben, number != 0)
    for passed in (True, False):
        review(sample("code-assistant", passed=passed, primary="a", fallback="b", scored_at=now - HOUR), ben, passed)
    for age in (1, 2, 80):
        sample(sampled_at=now - age * HOUR, **texts)
    return now


def test_each_figure_says_what_it_is_of(viewer: Client, reviews: datetime) -> None:
    text = shown(viewer, PAGE)
    assert "10 of 12 samples passed in the last 30 days. That is 83.3 %; of all answers it is between" in text
    assert "Passed 83.3 % 10 of 12 samples" in text
    # Of ten the fallback failed one and the primary another.
    assert "Against the primary 90.0 % to 90.0 % of the same 10 requests: 1 only the primary's, 1 only the" in text
    assert "Reviewers agreed 50.0 % 2 of 4 scored by two, Cohen's kappa −0.33" in text
    assert "Settled too late 16.7 % 2 of 12 after they were due" in text
    assert "Waiting now 3 oldest 3 days 8 h, 1 overdue" in text


def test_routes_stand_with_their_interval_and_what_is_asked_of_them(viewer: Client, reviews: datetime) -> None:
    text = shown(viewer, PAGE)
    first, second = text.index("support-chat premium-chat → baseline-chat 90.0 %"), text.index("code-assistant a → b")
    assert first < second
    assert "9 of 10 59.6 to 98.2 % 90 % not yet: 0 of 30 count 90.0 % 9 of 10; fallback 9 5 h 9 of 10 in 9 h" in text
    # Whatever its policy asks, it does not ask it of this pair.
    assert "50.0 % 1 of 2 9.5 to 90.5 % – not the policy's now – not compared" in text


@pytest.mark.parametrize(
    ("asked", "good", "failed", "said"),
    [
        ((10, 0.9), 0, 0, "90 % not yet: 0 of 10 count"),
        ((10, 0.9), 9, 0, "90 % not yet: 9 of 10 count"),
        ((10, 0.9), 9, 1, "90 % met: 9 of 10"),
        ((10, 0.9), 8, 2, "90 % falls short: 8 of 10"),
        # Of all enough passed, and of the newest too few.
        ((10, 0.6), 12, 5, "60 % falls short: 5 of the newest 10"),
        ((0, 0.9), 0, 0, "90 % not yet: 0 count"),
        ((0, 0.9), 1, 0, "90 % met: 1 of 1"),
    ],
)
def test_what_is_asked_for_is_held_against_what_the_page_of_the_route_counts(
    viewer: Client, reviews: datetime, asked: tuple[int, float], good: int, failed: int, said: str
) -> None:
    least, rate = asked
    way.put_route(review=way.REVIEW | {"min_reviews": least, "pass_rate": rate})
    way.samples(good, failed)
    assert f" {said} " in shown(viewer, PAGE)
    needs = shown(viewer, "/policies/support-chat/route").split("What enabling needs", 1)[1]
    is_met = " met: " in f" {said}"
    assert is_met == ("none yet" not in needs and "too low" not in needs and good > 0 and "9 of 10, by" not in needs)


def test_what_counted_before_the_route_changed_is_not_said_to_suffice(viewer: Client, reviews: datetime) -> None:
    way.put_route()
    way.samples(10)
    assert "met: 10 of 10" in shown(viewer, PAGE)
    catalogue.put("baseline-chat", MODELS["baseline-chat"] | {"data_region": "us"}, "dana")
    text = shown(viewer, PAGE)
    # They are among what was settled in the window all the same.
    assert "19 of 20 76.4 to 99.1 % 90 % not yet: 0 of 10 count" in text
    assert "no 10 0 of 10" in shown(viewer, "/policies/support-chat/route")


def test_an_interval_is_written_one_way(viewer: Client, database: None) -> None:
    way.put_route()
    way.samples(0, failed=2)
    text = shown(viewer, PAGE)
    assert "of all answers it is between 0 and 65.8 %, at 95 %." in text
    assert "0 of 2 0 to 65.8 %" in text
    assert "95 % interval 0 to 65.8 %" in shown(viewer, "/policies/support-chat/route")


def test_classes_and_criteria_are_told(viewer: Client, reviews: datetime) -> None:
    text = shown(viewer, PAGE)
    assert "Overloaded 87.5 % 7 of 8 Timeout 75.0 % 3 of 4" in text
    assert "correct 13 3 0 81.2 % – of 0" in text


def test_a_workload_and_a_range_narrow_every_figure(viewer: Client, reviews: datetime) -> None:
    text = shown(viewer, PAGE, workload="code-assistant")
    assert "1 of 2 samples passed in the last 30 days." in text
    assert "no sample of this span came with the primary's answer" in text
    assert "no sample was scored by two" in text
    assert "Waiting now 0 no sample waits" in text
    assert "2 of 3 samples passed in the last 24 hours." in shown(viewer, PAGE, range="24h")
    assert "No sample was settled in the last hour." in shown(viewer, PAGE, range="1h", workload="support-chat")


def test_without_any_it_says_how_samples_come(viewer: Client, person: Person) -> None:
    text = shown(viewer, PAGE)
    assert "No sample was settled in the last 30 days. A sample is settled when as many reviewers" in text
    assert "Which policies ask for samples" in text
    assert "See what waits" in shown(person("reviewer"), PAGE)
    assert "Widen to 30 days" in shown(viewer, PAGE, range="7d")


def test_texts_are_on_no_page_and_comments_are_for_those_who_mend_and_review(person: Person, reviews: datetime) -> None:
    for roles, may_read in ((["viewer"], False), ([], False), (["engineer"], True), (["reviewer"], True)):
        client = person(*roles)
        page = client.get(PAGE).content.decode()
        assert SECRET not in page
        assert ("Promises =too+much" in page) is may_read
        assert SECRET not in client.get(FILE).getvalue().decode()
        assert "Promises" not in client.get(FILE).getvalue().decode()


def test_the_chart_is_by_hour_day_or_week(viewer: Client, reviews: datetime) -> None:
    for query, length in (
        ({"range": "24h"}, HOUR),
        ({}, DAY),
        ({"from": f"{NOON - 200 * DAY:%Y-%m-%dT%H:%MZ}", "to": f"{NOON + DAY:%Y-%m-%dT%H:%MZ}"}, 7 * DAY),
    ):
        chart = viewer.get(PAGE, {"format": "json", **query}).json()
        assert chart["width"] == length.total_seconds() * 1000
        assert len(chart["starts"]) <= 63
        assert [series["label"] for series in chart["series"]] == ["Passed", "Failed"]
    chart = viewer.get(PAGE, {"format": "json"}).json()
    assert [sum(series["values"]) for series in chart["series"]] == [10, 2]
    assert "10 of 12 passed" in chart["sentence"]


@pytest.mark.parametrize(
    "query", [{"range": "2y"}, {"workload": "none"}, {"from": "x"}, {"environment": "none"}, {"workload": "a\0b"}]
)
def test_what_is_not_understood_is_said_and_refused_to_programs(
    viewer: Client, reviews: datetime, query: dict[str, str]
) -> None:
    assert 'class="note note-degraded" role="status"' in viewer.get(PAGE, query).content.decode()
    answer = viewer.get(PAGE, {**query, "format": "json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_parameter")


def rows(client: Client, **query: str) -> list[dict[str, str]]:
    text = client.get(FILE, query).getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_file_has_the_figures_of_the_page(viewer: Client, reviews: datetime) -> None:
    found = rows(viewer)
    assert "environment" not in found[0]
    assert (found[0]["by"], found[0]["passed"], found[0]["count"]) == ("all", "10", "12")
    by: dict[str, list[dict[str, str]]] = {}
    for row in found:
        by.setdefault(row["by"], []).append(row)
    assert [(row["workload"], row["passed"], row["count"]) for row in by["route"]] == [
        ("code-assistant", "1", "2"),
        ("support-chat", "9", "10"),
    ]
    assert [(row["error_class"], row["passed"], row["count"]) for row in by["error_class"]] == [
        ("overloaded", "7", "8"),
        ("timeout", "3", "4"),
    ]
    assert {row["criterion"]: (row["passed"], row["count"]) for row in by["criterion"]}["correct"] == ("13", "16")
    assert sum(int(row["count"]) for row in by["time"]) == 12
    assert (by["agreement"][0]["passed"], by["agreement"][0]["count"]) == ("2", "4")
    # The page's usual range, whatever that of others is.
    assert datetime.fromisoformat(found[0]["to"]) - datetime.fromisoformat(found[0]["from"]) == 30 * DAY
    assert float(by["route"][1]["pass_rate"]) == 0.9
    assert by["route"][1]["median_seconds"] == str(5 * 3600)
    assert rows(viewer, range="24h", workload="code-assistant")[0]["count"] == "2"
    answer = viewer.get(FILE, {"range": "2y"})
    assert answer.status_code == 400


def test_what_was_not_measured_is_empty_in_the_file_and_null_in_json(viewer: Client, reviews: datetime) -> None:
    names = ("primary_count", "primary_passed", "fallback_passed_of_the_same")
    found = rows(viewer)
    beside = {row["by"] + row["workload"] + row["criterion"]: tuple(row[name] for name in names) for row in found}
    assert beside["routesupport-chat"] == ("10", "9", "9")
    # None was compared: of none, how many passed is not known.
    assert beside["routecode-assistant"] == ("0", "", "")
    assert beside["criterioncorrect"] == ("0", "", "")
    assert beside["agreement"] == ("", "", "")
    late = reviews - HOUR / 2
    both = sample(passed=False, primary_output="no", sampled_at=late, scored_at=late, criteria=["c"])
    review(both, reviewer("ana"), False, primary_passed=False, primary_marks={"c": "fail"})
    text = viewer.get(FILE, {"range": "1h", "workload": "support-chat", "format": "json"}).getvalue()
    rows_of = {row["by"]: row for row in json.loads(text)["results"]}
    # Measured, and none passed.
    assert [rows_of["all"][name] for name in names] == [1, 0, 0]
    assert [rows_of["criterion"][name] for name in names] == [1, 0, None]
    assert [rows_of["agreement"][name] for name in names] == [None] * 3


def test_names_that_a_spreadsheet_would_calculate_are_text(viewer: Client, database: None) -> None:
    one = sample(passed=True, primary="=1+1", fallback="@b", error_class="-x", criteria=["+c"], scored_at=NOON)
    review(one, reviewer("ana"), True)
    text = viewer.get(FILE).getvalue().decode()
    for name in ("'=1+1", "'@b", "'-x", "'+c"):
        assert f",{name}," in text


def test_hostile_texts_stay_texts(person: Person, database: None) -> None:
    hostile = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"'`{{7*7}}"
    one = sample(passed=False, primary=hostile, fallback=hostile, error_class=hostile, criteria=[hostile])
    review(one, reviewer("ana"), False, comment=hostile)
    page = person("engineer").get(PAGE, {"range": "30d", "workload": hostile}).content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("&lt;img") >= 4


def test_the_queries_are_few_however_much_there_is(person: Person, reviews: datetime) -> None:
    client = person("engineer", "reviewer")
    client.get(PAGE)
    few = asked_of_the_database(client, PAGE)
    ana = reviewer("ana")
    for number in range(120):
        one = sample(
            f"w{number % 30}",
            passed=number % 3 > 0,
            error_class=f"class {number % 9}",
            criteria=[f"criterion {number % 7}"],
            scored_at=reviews - timedelta(hours=5 * number),
        )
        review(one, ana, number % 3 > 0, comment="So it is.")
    many = asked_of_the_database(client, PAGE)
    assert len(few) == len(many) <= MOST_QUERIES
    assert not [query for query in many if "FROM event " in query]


def test_nothing_can_be_posted_here_and_the_signed_out_are_sent_to_the_login(viewer: Client) -> None:
    assert viewer.post(PAGE).status_code == 405
    assert Client().get(PAGE).headers["Location"] == f"/login?next={PAGE}"


def test_whoever_is_no_reviewer_comes_here_by_the_navigation(viewer: Client, person: Person) -> None:
    assert re.search(rf'href="{PAGE}"[^>]*>Reviews<', viewer.get("/violations").content.decode())
    assert re.search(r'href="/reviews"[^>]*>Reviews<', person("reviewer").get("/violations").content.decode())


# A workload's page, and the overview


def test_the_workload_says_what_reviews_say_of_its_route(viewer: Client, person: Person, reviews: datetime) -> None:
    record([event()], [traffic()])
    path = "/workloads/support-chat"
    text = shown(viewer, path)
    # What was settled before its policy was written is of another route.
    assert "Reviews of the route as it is What they say Passed none is scored yet Asked for 30 scored, 90 %" in text
    assert "Waiting 3 oldest 3 days 8 h, 1 overdue" in text
    assert "See the queue" not in text
    assert 'href="/reviews?workload=support-chat"' in person("reviewer").get(path).content.decode()
    for passed in (True, True, False):
        now = datetime.now(UTC)
        sample(passed=passed, occurred_at=now, sampled_at=now, scored_at=now)
    assert "Passed 66.7 %, 2 of 3 95 % interval 20.8 to 93.9 %" in shown(viewer, path)


def test_a_policy_without_samples_says_so(viewer: Client, database: None) -> None:
    stage.put_models()
    stage.put_policy(review=stage.SUPPORT["review"] | {"sample_rate": 0})
    record([event()])
    assert "No answer is sampled The policy's sample rate is 0." in shown(viewer, "/workloads/support-chat")


def test_the_overview_says_what_waits_in_each_row_and_in_all(viewer: Client, person: Person, reviews: datetime) -> None:
    record([event(), event(workload="news")], [traffic()])
    text = shown(viewer, "/")
    assert "Waiting for review 3 oldest 3 days 8 h, 1 overdue" in text
    page = viewer.get("/?sort=-reviews").content.decode()
    assert page.index('id="w-support-chat"') < page.index('id="w-news"')
    assert f'href="{PAGE}?workload=support-chat" aria-label="3 samples of support-chat wait for review"' in page
    assert 'href="/reviews?workload=support-chat"' in person("reviewer").get("/").content.decode()


def enabled(**over: Any) -> None:
    way.enable(by="tomas", **over)


def test_an_enablement_that_ends_soon_is_said(viewer: Client, reviews: datetime) -> None:
    record([event()], [traffic()])
    enabled(since=reviews - 76 * DAY, expires_at=reviews + 14 * DAY + HOUR)
    for path in ("/", "/workloads/support-chat"):
        assert "Enabled until" not in shown(viewer, path)
        assert "Ends soon" not in shown(viewer, path)
    with rulebook.changing():
        Enablement.objects.update(expires_at=reviews + 13 * DAY + HOUR)
    assert re.search(r"Enabled until .{5,20} only: 13 days", shown(viewer, "/workloads/support-chat"))
    text = shown(viewer, "/")
    assert re.search(r"Ends soon support-chat: its route is enabled until .{5,20} only \(13 days", text)
    assert "Team-support-chat acts. Look at the route of support-chat" in text
    # In another environment nobody answers for it.
    record([event(environment="staging")])
    assert "Ends soon" not in shown(viewer, "/", environment="staging")


def test_the_chart_says_how_an_enablement_ended(viewer: Client, database: None) -> None:
    now = datetime.now(UTC)
    stage.put_models()
    stage.put_policy()
    record([event()], [traffic()])
    ends = ["suspended", "sent back", ""]
    for number, ended in enumerate(ends):
        end = now - (10 - 3 * number) * HOUR
        over = {"until": end, "ended": ended} if ended else {"expires_at": end}
        enabled(since=end - HOUR, **over)
    notes = viewer.get("/workloads/support-chat", {"format": "json"}).json()["notes"]
    assert [note["label"] for note in notes if not note["label"].startswith("Policy")] == [
        *("Enabled", "Suspended"),
        *("Enabled", "Sent back"),
        *("Enabled", "Expired"),
    ]
    assert len({note["short"] for note in notes}) == 5


def test_a_page_refreshes_its_main_part_alone(viewer: Client, reviews: datetime) -> None:
    answer = viewer.get(PAGE, headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert "10 of 12 samples passed" in text_of(b"<main>" + answer.content)


@pytest.mark.parametrize("path", ["/", "/workloads/support-chat?by=rule", PAGE])
def test_for_a_reviewer_the_frame_tells_what_waits_without_a_query_more(
    viewer: Client, person: Person, reviews: datetime, path: str
) -> None:
    record([event(), event(provider_features=["beta"])], [traffic()])
    client = person("reviewer")
    for each in (viewer, client):
        each.get(path)
    plain = asked_of_the_database(viewer, path)
    pending.forget()
    with_count = asked_of_the_database(client, path)
    # What reviewers wrote is a query of its own, and not for everybody.
    assert len(with_count) == len(plain) + (path == PAGE)
    assert len(with_count) <= MOST_QUERIES
    assert '<span class="count">3<' in client.get(path).content.decode()


@pytest.mark.parametrize("path", ["/", "/workloads/support-chat?by=rule&range=30d", PAGE])
def test_a_number_that_somebody_forgets_meanwhile_costs_no_page_a_query_more(
    person: Person, reviews: datetime, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    record([event(), event(provider_features=["beta"])], [traffic()])
    client = person("reviewer")
    client.get(path)
    remember = pending.remember

    def forgotten_at_once(request: HttpRequest, found: int) -> None:
        remember(request, found)
        # As a score does that somebody sends in another thread.
        pending.forget()

    monkeypatch.setattr(pending, "remember", forgotten_at_once)
    assert len(asked_of_the_database(client, path)) <= MOST_QUERIES
