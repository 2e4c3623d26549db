"""One workload's page: rate over time, what became of its requests, the latest events."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fallbacks.recording import record
from tests.dashboard.test_overview import shown
from tests.make import NOON, event, traffic

PAGE = "/workloads/support-chat"
# Session, person, roles, the workload, environments, the window, the one before it, the latest events.
QUERIES = 8


def test_it_shows_rates_outcomes_and_the_latest_events(viewer: Client) -> None:
    record(
        [
            *(event() for _ in range(3)),
            event(id="the-failed", outcome="failed", fallback=None, status="timeout", reason="no first token in 30 s"),
            event(id="the-blocked", outcome="blocked", status="400"),
            event(workload="another"),
        ],
        [traffic(requests=100)],
    )
    text = shown(viewer, PAGE)
    assert "3.00 % of requests were answered by a fallback in the last 24 hours; 2.00 % were not answered." in text
    assert "Answered by a fallback 3 Failed 1 Blocked by policy 1" in text
    assert "Degraded 3.00 % 3 of 100, from" in text
    assert "baseline-chat answered instead of premium-chat 529 overloaded" in text
    assert "premium-chat failed, nothing answered timeout no first token in 30 s the-failed" in text
    assert "premium-chat failed, policy refused baseline-chat 400 overloaded the-blocked" in text
    assert "5 in the last 24 hours" in text


def test_the_newest_events_come_first(viewer: Client) -> None:
    record([event(id=f"n{number:02}", occurred_at=NOON + timedelta(seconds=number)) for number in range(60)])
    text = shown(viewer, PAGE)
    assert "the newest 25 of 60" in text
    assert text.index("n59") < text.index("n35")
    assert "n34" not in text


def test_without_traffic_there_are_counts_and_no_percentage(viewer: Client) -> None:
    record([event() for _ in range(3)])
    text = shown(viewer, PAGE)
    assert "No traffic reported" in text
    assert "3 requests left the primary in the last 24 hours; of how many is not known." in text
    assert "%" not in text
    assert viewer.get(PAGE, {"format": "json"}).json()["kind"] == "bars"


def test_with_more_events_than_traffic_there_is_no_percentage_either(viewer: Client) -> None:
    record([event() for _ in range(3)], [traffic(requests=2)])
    text = shown(viewer, PAGE)
    assert "Traffic under-reported" in text
    assert "3 requests left the primary in the last 24 hours, but only 2 reported as traffic" in text
    assert "%" not in text


@pytest.mark.parametrize(
    ("span", "buckets"), [("1h", 60), ("24h", 288), ("7d", 168), ("30d", 360)], ids=["1h", "24h", "7d", "30d"]
)
def test_the_chart_has_at_most_500_points(viewer: Client, span: str, buckets: int) -> None:
    record([event()], [traffic()])
    chart = viewer.get(PAGE, {"range": span, "format": "json"}).json()
    assert buckets <= len(chart["starts"]) <= buckets + 1
    assert all(len(series["values"]) == len(chart["starts"]) for series in chart["series"])


def test_hostile_texts_stay_texts(viewer: Client) -> None:
    hostile = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"'`{{7*7}}"
    record([event(id=hostile[:64], primary=hostile, fallback=hostile + "2", reason=hostile)])
    page = viewer.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page


def test_a_workload_that_is_quiet_says_so(viewer: Client) -> None:
    record([event(occurred_at=NOON - timedelta(days=5))])
    text = shown(viewer, PAGE)
    assert "Nothing was reported in the last 24 hours" in text
    assert "Widen to 30 days" in text
    assert "Widen to 30 days" not in shown(viewer, PAGE, range="30d")


def test_the_number_of_queries_does_not_depend_on_what_there_is(viewer: Client) -> None:
    record([event()])
    with CaptureQueriesContext(connection) as small:
        viewer.get(PAGE)
    record([event() for number in range(200)], [traffic()])
    with CaptureQueriesContext(connection) as large:
        viewer.get(PAGE)
    assert (len(small), len(large)) == (QUERIES, QUERIES)


@pytest.mark.parametrize("slug", ["nothing", "Support-Chat", "a%00b", "..", "x" * 65, "%3Cscript%3E"])
def test_an_unknown_workload_is_not_found(viewer: Client, slug: str) -> None:
    answer = viewer.get(f"/workloads/{slug}")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    answer = Client().get(PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login?next={PAGE}")


def test_nothing_can_be_posted_here(viewer: Client) -> None:
    assert viewer.post(PAGE).status_code == 405
