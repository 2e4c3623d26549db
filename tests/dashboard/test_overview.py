"""The overview: who is needed now, every workload's rates over a span, and honest words where there is none."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard import words
from fallbacks.recording import record
from fallbacks.rows import EventRow, TrafficRow
from tests.dashboard import stage
from tests.dashboard.stage import asked_of_the_database, enable, put_models, put_policy, text_of
from tests.make import NOON, event, traffic
from tests.policy.policies import DEMO

no_memory = stage.no_memory
PAGE = "/"
# Session, person, roles, environments, the rulebook's revision, the window, what it is compared with, what events have
# in common, the last day, the last minutes, and those of the episodes that go on.
QUERIES = 11
MINUTE = timedelta(minutes=1)


def shown(client: Client, path: str = PAGE, **query: str) -> str:
    """The page's text, its tags gone and its spaces single."""
    answer = client.get(path, query)
    assert answer.status_code == 200
    return text_of(answer.content)


def names_in_order(client: Client, **query: str) -> list[str]:
    """The workloads as the table lists them."""
    return re.findall(r'<tr role="row" id="w-([^"]+)"', client.get(PAGE, query).content.decode())


def row(client: Client, slug: str, **query: str) -> str:
    """A row of the table as its text."""
    page = client.get(PAGE, query).content.decode()
    part = page.split(f'id="w-{slug}"', 1)[1].split("</tr>", 1)[0]
    return text_of(f"<main {part}".encode())


def minutes(first: int, last: int) -> list[datetime]:
    """The starts of the minutes from `first` to `last` minutes ago."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return [now - number * MINUTE for number in range(last, first + 1)]


def trouble(first: int, **over: Any) -> None:
    """Ten of a hundred requests of each of the last minutes left their primary path."""
    workload = over.get("workload", "support-chat")
    record(
        [event(occurred_at=at, **over) for at in minutes(first, 1) for _ in range(10)],
        [traffic(start=at, workload=workload) for at in minutes(first, 1)],
    )


@pytest.fixture
def three_in_trouble(database: None) -> dict[int, str]:
    """As on a bad day: one failing, one silent, one degraded; one is normal, and of one nobody counts the requests.

    Returns what the clock showed so many minutes ago.
    """
    now = datetime.now(UTC)
    begun = {length: words.date_and_clock(minutes(length, length)[0], UTC, now) for length in (77, 62)}
    put_models()
    for body in DEMO:
        put_policy(**body | {"owner": f"team of {body['workload']}"})
    enable()
    enable("image-understanding", "vision-large", "vision-base")
    trouble(62, tier="free")
    code: dict[str, Any] = {"workload": "code-assistant", "primary": "strong-code", "fallback": "standard-code"}
    trouble(77, **code, status="503", outcome="blocked")
    images: dict[str, Any] = {"workload": "image-understanding", "primary": "vision-large", "fallback": "vision-base"}
    trouble(44, **images, status="timeout")
    batch: dict[str, Any] = {
        "workload": "batch-extraction",
        "primary": "economy-extract",
        "fallback": "baseline-extract",
    }
    record([event(**batch)], [traffic(workload="batch-extraction", start=at) for at in (*minutes(6, 1), NOON)])
    # Nothing answered, and no policy declares its route.
    record([event(workload="meeting-notes"), event(workload="meeting-notes", outcome="failed", fallback=None)])
    return begun


def test_it_says_first_who_is_needed_now_and_why(viewer: Client, three_in_trouble: dict[int, str]) -> None:
    text = shown(viewer)
    assert "3 of 5 workloads need someone now: 1 failing, 1 silent, 1 degraded." in text
    calls = text.split("degraded. ", 1)[1].split("Last 24 hours", 1)[0]
    assert [call.split(" has been", 1)[0] for call in re.findall(r"[a-z-]+ has been", calls)] == [
        "code-assistant",
        "image-understanding",
        "support-chat",
    ]
    # A minute may pass meanwhile.
    since = [f"since {three_in_trouble[77]} (1 h 17 min)", f"since {three_in_trouble[62]} (1 h 2 min)"]
    since = [re.escape(each).replace("7\\ min", "[78]\\ min").replace("2\\ min", "[23]\\ min") for each in since]
    assert re.search(f"code-assistant has been failing {since[0]}: strong-code is unavailable at", calls)
    assert (
        ", standard-code is not enabled, so policy refused 770 requests. Provider watch acts."
        " Look at the route of code-assistant" in calls
    )
    assert (
        "vision-base answers, and 440 times the user was not told. Team of image-understanding, its owner, acts."
        in calls
    )
    assert "See the 440 answers of image-understanding" in calls
    assert re.search(f"support-chat has been degraded {since[1]}: premium-chat is overloaded at", calls)
    assert (
        "and baseline-chat answers 10 % of requests, as policy v1 allows. Provider watch acts. See the episode" in calls
    )


def test_calls_lead_on_to_the_route_the_answers_and_the_episode(
    viewer: Client, three_in_trouble: dict[int, str]
) -> None:
    page = html.unescape(viewer.get(PAGE).content.decode()).split("What needs someone now", 1)[1]
    links = re.findall(r'<a class="nowrap" href="([^"]+)"', page)
    assert links == [
        "/policies/code-assistant/route",
        "/events?workload=image-understanding&environment=production&rule=silent&range=1h",
        "/workloads/support-chat?environment=production&range=24h#episodes",
    ]
    for link in links:
        assert viewer.get(link).status_code == 200


def test_states_have_icon_word_time_and_a_line_of_their_colour(
    viewer: Client, three_in_trouble: dict[int, str]
) -> None:
    assert names_in_order(viewer) == [
        "code-assistant",
        "image-understanding",
        "support-chat",
        "meeting-notes",
        "batch-extraction",
    ]
    assert "Failing since" in row(viewer, "code-assistant")
    assert re.search(", 1 h 1[78] min", row(viewer, "code-assistant"))
    assert row(viewer, "meeting-notes").endswith(
        "No traffic reported counts only, no rates 1 request – 1 request – Report traffic to see rates 2 0"
        " Workload owner"
    )
    assert "team of batch-extraction Normal" in row(viewer, "batch-extraction")
    assert row(viewer, "batch-extraction").endswith(" nobody")
    page = viewer.get(PAGE).content.decode()
    assert re.findall(r'class="spark spark-(\w+)"', page) == ["failing", "silent", "degraded", "none"]
    states = json.loads(page.split('<script id="states-now" type="application/json">', 1)[1].split("</script>", 1)[0])
    assert states["support-chat"] == "Degraded"
    assert len(states) == 5


def test_it_is_filtered_by_state_and_owner_and_says_what_is_not_known(
    viewer: Client, three_in_trouble: dict[int, str]
) -> None:
    assert names_in_order(viewer, state="silent") == ["image-understanding"]
    assert names_in_order(viewer, owner="team of support-chat") == ["support-chat"]
    nothing = shown(viewer, state="silent", owner="team of support-chat")
    assert "No workload is like that just now" in nothing
    assert "3 of 5 workloads need someone now" in nothing
    assert "All states Failing Silent Degraded No traffic reported Nothing reported Normal All owners" in nothing
    wrong = shown(viewer, state="sad\0", owner="nobody", sort="luck", compare="moon", environment="mars")
    for said in (
        "There is no such state: all are shown.",
        "There is no such owner: all are shown.",
        "There is no such column: the most urgent come first.",
        "There is no such comparison. The figures are compared with the 24 hours before.",
        "There is no environment of that name: production is shown instead.",
    ):
        assert said in wrong
    page = viewer.get(PAGE, {"state": "silent", "sort": "-lost", "range": "7d", "owner": ""}).content.decode()
    ranges = page.split('aria-label="What the page shows"', 1)[1].split("</form>", 1)[0]
    assert re.findall(r'name="(\w+)" value="([^"]*)">', ranges) == [("state", "silent"), ("sort", "-lost")]
    table = page.split('aria-label="Which workloads"', 1)[1].split("</form>", 1)[0]
    assert re.findall(r'type="hidden" name="(\w+)"', table) == ["sort", "range"]


def test_the_facts_say_of_how_many_each(viewer: Client, three_in_trouble: dict[int, str]) -> None:
    text = shown(viewer)
    of = f"of {(77 + 62 + 44 + 7) * 100:,}"
    assert f"1,061 {of} requests" in text
    assert f"770 {of} (770 blocked)" in text
    assert "Users not told 440 of 440 answers of which users had to be told" in text
    assert "Broke policy 441 of 1,062 answers by a fallback, and 1 without an answer" in text
    assert "Cost against the primary – no price is known of 1,062 answers" in text
    assert "meeting-notes is in no rate: not all of the traffic is reported. 2 events are not counted" in text


def test_what_fallbacks_cost_is_told_with_the_prompt_cache_and_of_how_many(viewer: Client) -> None:
    put_models()
    put_policy()
    priced = {"input_tokens": 1_000_000, "cached_input_tokens": 400_000, "output_tokens": 0}
    record([event(**priced), event()], [traffic()])
    assert re.search(
        r"Cost against the primary [+−]?\$[\d.]+ with \$[\d.]+ of prompt cache lost, of 1 priced answers of 2",
        shown(viewer),
    )


def test_who_must_act_and_links_to_their_events(viewer: Client, three_in_trouble: dict[int, str]) -> None:
    text = shown(viewer).split("Who must act", 1)[1]
    assert "Provider watch unavailable, overloaded 1,391" in text
    assert "Team of image-understanding broken rules 440" in text
    page = html.unescape(viewer.get(PAGE, {"range": "7d", "sort": "-lost"}).content.decode())
    assert '/events?range=7d&who_acts=provider+watch"' in page


def test_a_workload_shows_its_rates_of_how_many_and_their_change(viewer: Client) -> None:
    earlier, last_week = NOON - timedelta(hours=24), NOON - timedelta(days=7)
    record(
        [
            *(event() for _ in range(4)),
            event(outcome="failed"),
            event(outcome="blocked"),
            event(occurred_at=earlier),
            *(event(occurred_at=last_week) for _ in range(3)),
        ],
        [traffic(requests=200), traffic(start=earlier), traffic(start=last_week)],
    )
    figures = "2.00 % 4 of 200 {} 1.00 % 2 of 200, 1 blocked {}"
    assert figures.format("+1.00", "+1.00") in row(viewer, "support-chat")
    assert figures.format("−1.00", "+1.00") in row(viewer, "support-chat", compare="week")
    assert "change against the same time last week" in shown(viewer, compare="week")
    alone = row(viewer, "support-chat", compare="none")
    assert "2.00 % 4 of 200 1.00 % 2 of 200, 1 blocked" in alone
    assert "Change, points" not in shown(viewer, compare="none")
    text = shown(viewer)
    assert "The one workload is normal." in text
    assert re.search(r"in support-chat: 3.00 %, 6 of 200 requests, in the 30 min from", text)
    assert "Live, figures of" in text


def test_another_range_and_environment_are_other_figures(viewer: Client) -> None:
    old = NOON - timedelta(days=3)
    record(
        [event(occurred_at=old), event(environment="staging")],
        [traffic(start=old, requests=50), traffic(environment="staging", requests=10)],
    )
    nothing = shown(viewer)
    assert "Nothing was reported in production in the last 24 hours." in nothing
    assert "Widen to 30 days" in nothing
    week = shown(viewer, range="7d")
    assert "1 of 50" in week
    assert "Nothing was heard of 1 workload in the last 24 hours" in week
    assert "1 of 10" in shown(viewer, environment="staging")
    span = {"range": "custom", "from": old.isoformat(), "to": (old + timedelta(hours=1)).isoformat()}
    text = shown(viewer, **span)
    assert "1 of 50" in text
    assert "Past, figures of" in text


def test_without_traffic_or_with_too_little_there_are_numbers_and_no_percentage(viewer: Client) -> None:
    record([event(), event(outcome="failed", fallback=None)])
    text = shown(viewer)
    assert "1 of how many is not known" in text
    assert "1 0 of them blocked" in text
    assert "No traffic reported" in text
    assert "%" not in text
    record([], [traffic(requests=1)])
    text = shown(viewer)
    assert "Traffic under-reported 2 events, 1 request: no rates" in text
    assert "%" not in text


def test_one_is_said_as_one(viewer: Client) -> None:
    record([event()], [traffic(requests=0)])
    text = shown(viewer)
    assert "Traffic under-reported 1 event, 0 requests: no rates" in text
    assert not re.search(r"\b1 (events|requests|answers|violations|samples)\b", text)


def test_columns_sort_and_what_is_not_known_comes_last(viewer: Client) -> None:
    record(
        [event(workload="a"), *(event(workload="b") for _ in range(2)), *(event(workload="c") for _ in range(3))],
        [traffic(workload="a", requests=10), traffic(workload="b", requests=100)],
    )
    assert names_in_order(viewer) == ["c", "a", "b"]
    assert names_in_order(viewer, sort="degraded") == ["b", "a", "c"]
    assert names_in_order(viewer, sort="-left") == ["a", "b", "c"]
    assert names_in_order(viewer, sort="-violations") == ["c", "b", "a"]
    assert names_in_order(viewer, sort="-workload") == ["c", "b", "a"]
    for column in (
        "workload",
        "state",
        "degraded",
        "degraded_change",
        "lost",
        "lost_change",
        "left",
        "violations",
        "acts",
    ):
        page = viewer.get(PAGE, {"sort": f"-{column}", "range": "7d"}).content.decode()
        assert re.search(rf'id="by-{column}"[^>]* aria-sort="descending"><a href="\?sort={column}&amp;range=7d"', page)
        assert page.count("aria-sort") == 1


def test_all_is_well(viewer: Client) -> None:
    record([], [traffic(requests=100)])
    text = shown(viewer)
    assert "The one workload is normal." in text
    assert "No event in the last 24 hours" in text
    assert "Answered by a fallback 0 % 0 of 100 requests" in text
    assert "Cost against the primary $0 no answer by a fallback" in text
    assert "Nobody: there was no event." in text


def test_with_nothing_at_all_it_leads_to_the_first_event(viewer: Client) -> None:
    text = shown(viewer)
    assert "No workload has reported yet." in text
    assert "Send the first event" in text


@pytest.mark.parametrize(
    "query",
    [
        {"range": "9y"},
        {"range": "custom"},
        {"range": "custom", "from": "yesterday\0", "to": "2026-01-02T00:00"},
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
    record([event()], [traffic()])
    names = ("environment", "range", "sort", "state", "owner", "compare", "x", "<b>")
    page = viewer.get(PAGE, dict.fromkeys(names, hostile)).content.decode()
    assert "<img" not in page
    assert "<b>=" not in page


def test_a_refresh_answers_the_same_main_part_alone(viewer: Client) -> None:
    record([event()], [traffic()])

    def minute() -> datetime:
        return datetime.now(UTC).replace(second=0, microsecond=0)

    # What both show is of one minute: in the next one the windows have moved on.
    began = None
    while began != minute():
        began = minute()
        part = viewer.get(PAGE, headers={"HX-Request": "true"}).content.decode()
        whole = viewer.get(PAGE).content.decode()
    assert "<html" not in part
    assert part.split('<dl class="facts', 1)[1].strip() in whole


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


def test_of_many_workloads_the_most_urgent_are_shown_and_the_queries_stay_as_few(viewer: Client) -> None:
    viewer.get(PAGE)  # which reads the rulebook
    few = asked_of_the_database(viewer, PAGE)
    events: list[EventRow] = []
    counts: list[TrafficRow] = []
    for number in range(200):
        workload = f"w{number:03}"
        at = minutes(6, 1) if number >= 180 else [NOON]
        events += [event(workload=workload, occurred_at=moment) for moment in at]
        counts += [traffic(workload=workload, start=moment, requests=20) for moment in at]
    record(events, counts)
    many = asked_of_the_database(viewer, PAGE)
    assert not any('"event"' in query for query in many)
    assert (len(few), len(many)) == (QUERIES - 1, QUERIES)
    # The next look remembers since when they are degraded.
    assert len(asked_of_the_database(viewer, PAGE)) == QUERIES - 1
    text = shown(viewer)
    assert "20 of 200 workloads need someone now: 20 degraded." in text
    assert "The 10 most urgent of 20." in text
    assert "The first 100 of 200 workloads, in this order. Show all 200" in text
    listed = names_in_order(viewer)
    assert (len(listed), listed[0], listed[20]) == (100, "w180", "w000")
    assert len(names_in_order(viewer, all="1")) == 200


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    answer = Client().get("/?range=7d")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/%3Frange%3D7d")


def test_nothing_can_be_posted_here(viewer: Client) -> None:
    assert viewer.post(PAGE).status_code == 405
