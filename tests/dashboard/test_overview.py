"""The overview: every workload's rate over a span, and honest words where there is none."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fallbacks.recording import record
from tests.make import NOON, event, traffic

PAGE = "/"
# Session, person, roles, environments, workloads, the window, the one before it, and what broke policy.
QUERIES = 8


def shown(client: Client, path: str = PAGE, **query: str) -> str:
    """The page's text, its tags gone and its spaces single."""
    answer = client.get(path, query)
    assert answer.status_code == 200
    without_head = answer.content.decode().split("<main", 1)[1]
    text = re.sub(r"<script.*?</script>|<[^>]+>", " ", without_head, flags=re.DOTALL)
    return " ".join(text.replace("\u202f", " ").split()).replace(" ,", ",")


def names_in_order(client: Client, **query: str) -> list[str]:
    """The workloads as the table lists them."""
    return re.findall(r'<tr role="row" id="w-([^"]+)"', client.get(PAGE, query).content.decode())


def test_a_workload_shows_its_rates_of_how_many_and_their_change(viewer: Client) -> None:
    earlier = NOON - timedelta(hours=24)
    record(
        [*(event() for _ in range(4)), event(outcome="failed"), event(outcome="blocked"), event(occurred_at=earlier)],
        [traffic(requests=200), traffic(start=earlier, requests=100)],
    )
    text = shown(viewer)
    assert "2.00 % of requests were answered by a fallback in the last 24 hours, 1.00 % were not answered." in text
    assert "support-chat 5 broke policy 2.00 % 4 of 200 +1.00 1.00 % 2 of 200, 1 blocked +1.00" in text
    assert "left its primary most, for 6 of 200 requests (3.00 %), and changed most, +2.00 points" in text
    assert "Live, figures of" in text


def test_the_workload_that_is_named_first_is_the_one_that_concerns_most_requests(viewer: Client) -> None:
    record(
        [*(event(workload="large") for _ in range(30)), event(workload="small")],
        [traffic(workload="large", requests=3000), traffic(workload="small", requests=10)],
    )
    assert "large left its primary most, for 30 of 3,000 requests (1.00 %)" in shown(viewer)
    assert names_in_order(viewer) == ["small", "large"]


def test_another_range_and_environment_are_other_figures(viewer: Client) -> None:
    old = NOON - timedelta(days=3)
    record(
        [event(occurred_at=old), event(environment="staging")],
        [traffic(start=old, requests=50), traffic(environment="staging", requests=10)],
    )
    assert "1 of 50" not in shown(viewer)
    assert "1 of 50" in shown(viewer, range="7d")
    assert "1 of 10" in shown(viewer, environment="staging")
    span = {"range": "custom", "from": old.isoformat(), "to": (old + timedelta(hours=1)).isoformat()}
    text = shown(viewer, **span)
    assert "1 of 50" in text
    assert "Past, figures of" in text


def test_without_traffic_there_are_numbers_and_no_percentage(viewer: Client) -> None:
    record([event(), event(outcome="failed", fallback=None)])
    text = shown(viewer)
    assert "2 requests left the primary in the last 24 hours; of how many is not known." in text
    assert "No traffic reported" in text
    assert "%" not in text


def test_with_more_events_than_traffic_there_is_no_percentage_either(viewer: Client) -> None:
    record([event() for _ in range(3)], [traffic(requests=2)])
    text = shown(viewer)
    assert "Traffic under-reported 3 events, 2 requests: no rates" in text
    assert "%" not in text


def test_a_workload_without_traffic_is_named_and_left_out_of_the_rate(viewer: Client) -> None:
    record([event(), event(workload="meeting-notes")], [traffic(requests=100)])
    text = shown(viewer)
    assert "1.00 % of requests were answered by a fallback" in text
    assert "meeting-notes is in no rate" in text
    assert "1 of 2 the others have no rates" in text


def test_the_worst_comes_first_and_columns_sort(viewer: Client) -> None:
    record(
        [event(workload="a"), *(event(workload="b") for _ in range(2)), *(event(workload="c") for _ in range(3))],
        [traffic(workload="a", requests=10), traffic(workload="b", requests=100)],
    )
    assert names_in_order(viewer) == ["a", "b", "c"]
    assert names_in_order(viewer, sort="degraded") == ["b", "a", "c"]
    assert names_in_order(viewer, sort="-events") == ["c", "b", "a"]
    assert names_in_order(viewer, sort="-workload") == ["c", "b", "a"]
    assert names_in_order(viewer, sort="nonsense") == ["a", "b", "c"]
    page = viewer.get(PAGE, {"sort": "-events", "range": "7d"}).content.decode()
    assert re.search(r'id="by-events"[^>]* aria-sort="descending"><a href="\?sort=events&amp;range=7d"', page)


def test_with_nothing_at_all_it_says_what_to_do(viewer: Client) -> None:
    text = shown(viewer)
    assert "No workload has reported yet." in text
    assert "manage.py create_key" in text
    assert "curl http://testserver/api/v1/events" in text


def test_without_an_event_in_the_span_it_says_so(viewer: Client) -> None:
    record([], [traffic(requests=100)])
    text = shown(viewer)
    assert "No request left its primary in the last 24 hours, of 100." in text
    assert "No event in the last 24 hours" in text


@pytest.mark.parametrize(
    "query",
    [
        {"range": "9y"},
        {"range": "custom"},
        {"range": "custom", "from": "yesterday", "to": "2026-01-02T00:00"},
        {"range": "custom", "from": "2026-01-03T00:00", "to": "2026-01-02T00:00"},
        {"range": "custom", "from": "0001-01-01T00:00", "to": "9999-12-31T23:59"},
        {"range": "custom", "from": "2021-01-01T00:00", "to": "2025-01-01T00:00"},
        {"range": "custom", "from": "9999-01-01T00:00+00:00", "to": "9999-12-31T23:59-14:00"},
    ],
)
def test_a_range_that_cannot_be_shown_is_said_and_the_usual_one_shown(viewer: Client, query: dict[str, str]) -> None:
    record([event()], [traffic()])
    text = shown(viewer, **query)
    assert "The last 24 hours are shown instead." in text
    assert "1 of 100" in text


def test_texts_from_outside_stay_texts(viewer: Client) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    record([event(environment="production")], [traffic()])
    page = viewer.get(PAGE, {"environment": hostile, "range": hostile, "sort": hostile, "x": hostile}).content.decode()
    assert "<img" not in page


def test_a_refresh_answers_the_same_main_part_alone(viewer: Client) -> None:
    record([event()], [traffic()])
    part = viewer.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert part.split('<dl class="facts', 1)[1].strip() in viewer.get(PAGE).content.decode()


def test_the_chart_is_there_as_json(viewer: Client) -> None:
    record([event(), event(outcome="blocked")], [traffic()])
    chart: dict[str, Any] = viewer.get(PAGE, {"format": "json"}).json()
    assert chart["kind"] == "bars"
    assert [sum(series["values"]) for series in chart["series"]] == [1, 1, 0]


def test_times_are_in_the_viewers_zone(viewer: Client) -> None:
    at = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(hours=30)
    record([event(occurred_at=at)], [traffic()])
    span = {"range": "custom", "from": at.isoformat(), "to": (at + timedelta(hours=1)).isoformat()}
    viewer.cookies["timezone"] = "Asia/Kolkata"
    text = shown(viewer, **span)
    assert "Kolkata (UTC+5:30)" in text
    assert f"{at + timedelta(hours=5, minutes=30):%H:%M} to" in text
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in viewer.get(PAGE, span).content.decode()
    viewer.cookies["timezone"] = "../../etc/passwd"
    assert "UTC" in shown(viewer)


def test_the_number_of_queries_does_not_depend_on_what_there_is(viewer: Client) -> None:
    with CaptureQueriesContext(connection) as empty:
        viewer.get(PAGE)
    record([event(workload=f"w{number % 20}") for number in range(200)], [traffic(workload=f"w{n}") for n in range(20)])
    with CaptureQueriesContext(connection) as full:
        viewer.get(PAGE)
    assert (len(empty), len(full)) == (QUERIES, QUERIES)
    assert not any('"event"' in query["sql"] for query in full.captured_queries)


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    answer = Client().get("/?range=7d")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/%3Frange%3D7d")


def test_nothing_can_be_posted_here(viewer: Client) -> None:
    assert viewer.post(PAGE).status_code == 405
