"""One workload's page: how it stands, its figures, its episodes, what went wrong, what it took and what it cost."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client

from dashboard import charts
from dashboard.queries import Scope
from dashboard.standings import minutes as all_minutes
from dashboard.workload import counts as workload_counts
from fallbacks import verifications
from fallbacks.episodes import sparse_episodes
from fallbacks.recording import record
from fallbacks.states import Limits, episodes
from fallbacks.timebuckets import Window
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import SUPPORT, asked_of_the_database, shown
from tests.make import NOON, event, traffic

PAGE = "/workloads/support-chat"
MOST_QUERIES = 12
MINUTE = timedelta(minutes=1)
no_memory = stage.no_memory


@pytest.fixture
def policy(database: None) -> None:
    """The demo's policy of support-chat, whose route is enabled."""
    stage.put_models()
    stage.put_policy()
    stage.enable()


def outage(first: datetime, count: int, requests: int = 100, of: int = 10, **over: Any) -> None:
    """So many minutes in each of which some of the requests left their primary."""
    at = [first + number * MINUTE for number in range(count)]
    record(
        [
            event(**{"occurred_at": moment, "tier": "pro", "user_notified": True} | over)
            for moment in at
            for _ in range(of)
        ],
        [traffic(start=moment, requests=requests) for moment in at],
    )


def running() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


# How it stands now


def test_what_is_so_now_stands_first_whatever_the_span(viewer: Client, policy: None) -> None:
    outage(running() - 12 * MINUTE, 12)
    for query in ({}, {"range": "custom", "from": "2026-01-01T00:00", "to": "2026-01-02T00:00"}):
        text = shown(viewer, PAGE, **query)
        assert "support-chat Degraded since" in text
        assert "users see its answers · owner: team-support-chat" in text
        assert (
            "premium-chat is overloaded at provider-of-openai-chat, and baseline-chat answers 10 % of requests," in text
        )
        assert "as policy v1 allows. Provider watch acts." in text


def test_where_nobody_is_needed_it_says_so(viewer: Client, policy: None) -> None:
    record([], [traffic(start=running() - 2 * MINUTE, requests=300)])
    text = shown(viewer, PAGE)
    assert "support-chat Normal" in text
    assert "Nobody is needed: none of 300 requests left premium-chat in the last 5 minutes." in text
    record([event(occurred_at=running() - 2 * MINUTE)])
    assert "Nobody is needed: 1 of 300 requests left premium-chat" in shown(viewer, PAGE)


def test_without_traffic_there_are_counts_and_no_percentage(viewer: Client) -> None:
    record([event(id="a"), event(id="b", outcome="blocked", fallback=None), event(id="c", outcome="failed")])
    text = shown(viewer, PAGE)
    assert "No traffic reported" in text
    assert "3 requests left the primary in the last 24 hours; of how many is not known, so there are no rates." in text
    assert "Send counts of all requests to /api/v1/traffic" in text
    assert "Degraded 1 request, of how many is not known Not answered 2 requests, 1 blocked" in text
    chart = viewer.get(PAGE, {"format": "json"}).json()
    assert (chart["kind"], [sum(series["values"]) for series in chart["series"]]) == ("bars", [1, 1, 1])


def test_with_more_events_than_traffic_there_is_no_rate_either(viewer: Client) -> None:
    record([event() for _ in range(3)], [traffic(requests=2)])
    text = shown(viewer, PAGE)
    assert "Traffic under-reported" in text
    assert "3 requests left the primary in the last 24 hours, but only 2 were reported as traffic: no rate" in text
    assert "Degraded 3 requests, more than the traffic reported" in text


def test_a_workload_that_is_quiet_says_so(viewer: Client) -> None:
    record([event(occurred_at=NOON - timedelta(days=5))])
    text = shown(viewer, PAGE)
    assert "Nothing was reported in the last 24 hours: neither events nor traffic." in text
    assert "Widen to 30 days" in text
    assert "Widen to 30 days" not in shown(viewer, PAGE, range="30d")


# The figures


def test_every_figure_says_what_it_is_of_and_how_it_changed(viewer: Client, policy: None) -> None:
    told = {"tier": "pro", "user_notified": True}
    record(
        [
            *(event(**told) for _ in range(3)),
            event(tier="pro"),
            event(tier="free", provider_features=["beta"], user_notified=False),
            event(outcome="failed", fallback=None, status="timeout"),
            event(outcome="blocked", status="400"),
            event(occurred_at=NOON - timedelta(days=1), **told),
            event(workload="another"),
        ],
        [traffic(requests=100), traffic(start=NOON - timedelta(days=1), requests=50)],
    )
    text = shown(viewer, PAGE)
    assert "Degraded 5.00 % 5 of 100 requests, +3.00 points" in text
    assert "Not answered 2.00 % 2 of 100, 1 blocked, +2.00 points" in text
    assert "Users not told 1 of 4 who had to be told" in text
    assert "Broke policy 2 of 5 answers by baseline-chat" in text
    page = viewer.get(PAGE).content.decode()
    assert 'href="/events?workload=support-chat&amp;environment=production&amp;range=24h&amp;rule=silent">1<' in page
    assert "points" not in shown(viewer, PAGE, compare="none").split("Users not told")[0]
    assert "+3.00 points" not in shown(viewer, PAGE, compare="week")


def test_the_rate_is_drawn_with_what_explains_it(viewer: Client, policy: None) -> None:
    outage(NOON, 6)
    stage.put_policy("ines", triggers=["timeout", "overloaded"])
    chart = viewer.get(PAGE, {"format": "json"}).json()
    assert [series["label"] for series in chart["series"]] == ["Degraded", "Not answered", "Degraded, 24 hours before"]
    assert chart["limit"] == {"value": 1, "label": "Threshold 1\u202f%"}
    (band,) = chart["episodes"]
    assert (band["label"], band["colour"]) == ("10 min", "degraded")
    assert band["to"] - band["from"] == 10 * 60_000
    assert [(note["label"], note["short"]) for note in chart["notes"]] == [("Policy v1", "v1"), ("Policy v2", "v2")]
    assert "Degraded: at most 10.00\u202f% from" in chart["sentence"]
    assert len(viewer.get(PAGE, {"format": "json", "compare": "none"}).json()["series"]) == 2


@pytest.mark.parametrize(("span", "buckets"), [("1h", 60), ("24h", 288), ("7d", 168), ("30d", 360)])
def test_the_chart_has_at_most_500_points(viewer: Client, span: str, buckets: int) -> None:
    record([event()], [traffic()])
    chart = viewer.get(PAGE, {"range": span, "format": "json"}).json()
    assert buckets <= len(chart["starts"]) <= buckets + 1
    assert all(len(series["values"]) == len(chart["starts"]) for series in chart["series"])


# Episodes


def rows_of_episodes(client: Client, **query: str) -> list[str]:
    page = client.get(PAGE, query).content.decode()
    section = page[page.index('id="episodes"') :]
    found = re.findall(
        r"<tr role=\"row\">\s*<th role=\"rowheader\"(.*?)</tr>", section[: section.index("</section>")], re.S
    )
    return [" ".join(re.sub(r"<svg.*?</svg>|<[^>]+>|^[^>]*>", " ", row, flags=re.S).split()) for row in found]


def test_an_episode_says_when_how_bad_why_and_whom_it_concerned(viewer: Client, policy: None) -> None:
    outage(NOON, 6)
    record([event(occurred_at=NOON + MINUTE, tier="pro", status="timeout") for _ in range(20)])
    outage(running() - 6 * MINUTE, 6, outcome="failed", fallback=None, status="503")
    going_on, over = rows_of_episodes(viewer)
    assert "still going Failing" in going_on
    assert "unavailable at provider-of-openai-chat" in going_on
    # From the first minute of it until no minute of the last five was bad, and until nobody was not told any more.
    assert "Silent 10 min" in over
    assert f"Silent 10 min 20.0 % at {NOON + MINUTE:%H:%M} overloaded 80 20 Team-support-chat" in over
    page = viewer.get(PAGE).content.decode()
    first = re.search(r'href="([^"]+)" title="Zoom to it"', page)
    assert first is not None
    zoomed = shown(viewer, PAGE + first[1].replace("&amp;", "&"))
    assert "Chosen span" in zoomed
    assert "Zoom out" in zoomed


def test_an_episode_that_began_before_the_span_is_told_whole(viewer: Client, policy: None) -> None:
    outage(running() - 90 * MINUTE, 90)
    (row,) = rows_of_episodes(viewer, range="1h")
    assert "1 h 3" in row
    assert "before" not in row


def test_of_a_span_that_is_past_nothing_still_goes(viewer: Client, policy: None) -> None:
    outage(NOON - 30 * MINUTE, 60)
    window = {
        "range": "custom",
        "from": f"{NOON - timedelta(hours=2):%Y-%m-%dT%H:%MZ}",
        "to": f"{NOON:%Y-%m-%dT%H:%MZ}",
    }
    (row,) = rows_of_episodes(viewer, **window)
    assert "after this span" in row
    later = window | {"from": window["to"], "to": f"{NOON + timedelta(hours=2):%Y-%m-%dT%H:%MZ}"}
    (row,) = rows_of_episodes(viewer, **later)
    assert row.startswith("before")


def test_no_episode_is_said_too(viewer: Client, policy: None) -> None:
    record([], [traffic()])
    assert "No episode in the last 24 hours." in shown(viewer, PAGE)


@pytest.mark.parametrize("every", [1, 3], ids=["each minute reports", "few minutes report"])
def test_what_is_read_for_episodes_is_all_that_they_need(database: None, every: int) -> None:
    start = running() - timedelta(days=3)
    events, counts = [], []
    for number in range(0, 3 * 24 * 60, every):
        at = start + number * MINUTE
        # Some bad stretches, single bad minutes, and noise that is none.
        left = 9 if number % 997 < 12 else 1 if number % 61 == 0 else 0
        outcome = "failed" if number % 2 else "served"
        events += [event(occurred_at=at, outcome=outcome) for _ in range(left)]
        counts.append(traffic(start=at, requests=40 if number % 7 else 110))
    record(events, counts)
    limits = Limits(0.05, 7)
    window = Window(start, running())
    found = workload_counts.known(
        "support-chat", "production", charts.grid(window, charts.MANY), None, datetime.now(UTC), limits
    )
    assert found is not None
    whole = all_minutes(window, Scope(["support-chat"]))["support-chat", "production"].minutes
    expected = episodes(whole, start + MINUTE * 60, window.end, limits)
    assert len(expected) > 3
    assert sparse_episodes(found.minutes, start + MINUTE * 60, window.end, limits) == expected
    assert len(found.minutes) < len(whole) / 2


def test_of_a_workload_that_is_always_bad_the_latest_is_known(
    viewer: Client, policy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workload_counts, "MOST_BLOCKS", 6)
    outage(running() - 180 * MINUTE, 180)
    text = shown(viewer, PAGE)
    assert "Known since" in text
    assert "Zoom into an earlier time to see its episodes." in text
    assert rows_of_episodes(viewer)[0].startswith("before")


def test_a_trouble_of_days_leaves_the_episodes_of_a_past_span_known(viewer: Client, policy: None) -> None:
    begun = running() - 50 * 60 * MINUTE
    moments = [begun + number * MINUTE for number in range(50 * 60)]
    record(
        [event(occurred_at=at, user_notified=True) for at in moments],
        [traffic(start=at, requests=20) for at in moments],
    )
    span = {
        "range": "custom",
        "from": f"{begun + 60 * MINUTE:%Y-%m-%dT%H:%M}Z",
        "to": f"{begun + 240 * MINUTE:%Y-%m-%dT%H:%M}Z",
    }
    assert "Known since" not in shown(viewer, PAGE, **span)
    (only,) = rows_of_episodes(viewer, **span)
    assert only.startswith("before")


# What went wrong, who acts, how long it took


def bars_of(client: Client, title: str, **query: str) -> list[str]:
    page = client.get(PAGE, query).content.decode()
    section = page[page.index(title) :]
    return [
        " ".join(re.sub(r"<[^>]+>", " ", bar).replace("\u202f", " ").split())
        for bar in re.findall(r"<li>(.*?)</li>", section[: section.index("</section>")], re.S)
    ]


def test_what_went_wrong_is_told_by_class_outcome_rule_and_pair(viewer: Client, policy: None) -> None:
    told = {"tier": "pro", "user_notified": True}
    record(
        [
            *(event(**told) for _ in range(5)),
            event(status="429", attempts=3),
            event(status="402", tier="pro"),
            event(outcome="failed", fallback=None, status="timeout"),
        ],
        [traffic()],
    )
    assert bars_of(viewer, 'id="cl-title"') == [
        "overloaded Provider watch 5 62.5 %",
        "quota Billing owner 1 12.5 %",
        "rate_limit Capacity owner 1 12.5 %",
        "timeout Provider watch 1 12.5 %",
    ]
    assert bars_of(viewer, 'id="cl-title"', by="outcome") == ["Answered by a fallback 7 87.5 %", "Failed 1 12.5 %"]
    assert [bar.split()[0] for bar in bars_of(viewer, 'id="cl-title"', by="rule")] == [
        "entitlement",
        "no_backoff",
        "silent",
    ]
    assert bars_of(viewer, 'id="cl-title"', by="pair") == [
        "premium-chat → baseline-chat 7 87.5 %",
        "premium-chat, no fallback 1 12.5 %",
    ]
    assert bars_of(viewer, 'id="who-title"') == [
        "Provider watch overloaded, timeout 6 75.0 %",
        "Team-support-chat broken rules 2 25.0 %",
    ]
    page = viewer.get(PAGE, {"by": "pair"}).content.decode()
    assert "primary=premium-chat&amp;fallback=baseline-chat" in page
    assert "primary=premium-chat&amp;fallback=none" in page
    text = shown(viewer, PAGE, by="bananas\0")
    assert "There is no such breakdown: what went wrong is shown by class." in text
    assert "overloaded Provider watch" in text


def test_each_number_opens_as_many_events(viewer: Client, policy: None) -> None:
    outage(NOON, 3, of=4)
    record(
        [
            *(event(status="429", attempts=3) for _ in range(3)),
            *(event(outcome="failed", fallback=None, status="timeout") for _ in range(2)),
            event(tier="pro", occurred_at=NOON - timedelta(days=2)),
        ]
    )
    for by in ("error_class", "outcome", "rule", "pair"):
        page = viewer.get(PAGE, {"by": by}).content.decode()
        bars = re.findall(r'<li>.*?href="([^"]+)">.*?<b class="num">([\d,]+)</b>', page, re.S)
        episodes_of = re.findall(r'href="([^"]+)" aria-label="Events of the episode: (\d+)"', page)
        assert len(bars) >= 2
        assert len(episodes_of) == 1
        for href, count in [*bars, *episodes_of]:
            listed = stage.text_of(viewer.get(unescape(href)).content)
            assert re.search(rf"\b{count} events?( match(es)?, of \d+)? in the", listed), (by, href, count)


def test_how_long_it_took_is_told_where_events_tell(viewer: Client) -> None:
    record([event()], [traffic()])
    assert "No event of this span tells how long it took." in shown(viewer, PAGE)
    record([event(primary_latency_ms=ms, fallback_latency_ms=900) for ms in (1000, 2000, 30_000)])
    first, second = bars_of(viewer, 'id="lat-title"')
    # Histograms: within a tenth of the truth.
    assert re.fullmatch(r"premium-chat until it failed, 3 events (1\.9|2\.0)\d s to (29|3[0-2])\.\d s", first)
    assert re.fullmatch(r"baseline-chat its answer, 3 events [89]\d\d ms to 9\d\d ms", second)
    assert 'class="span span-degraded"' in viewer.get(PAGE).content.decode()


# What it cost


def test_what_it_cost_is_told_with_how_it_is_worked_out(viewer: Client, policy: None) -> None:
    tokens = {"input_tokens": 100_000, "cached_input_tokens": 40_000, "output_tokens": 1_000}
    record([event(cost_usd=Decimal("0.3"), **tokens), event(cost_usd=Decimal("0.3"), **tokens), event()], [traffic()])
    text = shown(viewer, PAGE)
    # The primary: 60,000 tokens at 2.50, 40,000 cached ones at 0.25, 1,000 at 10 a million: $0.17 each.
    assert "premium-chat would have cost $0.34 baseline-chat cost $0.60 Difference $0.26" in text
    assert "of it, prompt cache lost $0.18" in text
    assert "2 of 3 answers are priced" in text
    assert "80,000 input tokens were cached at premium-chat, and baseline-chat charged them in full:" in text
    assert "80,000 × ($2.50 − $0.25 a million). Together $0.18." in text
    assert "Of 1 answer no cost is known: events have no tokens." in text
    assert "Cost against premium-chat +$0.26" in text


def test_where_no_cost_is_known_it_says_what_to_do(viewer: Client, policy: None) -> None:
    record([event()], [traffic()])
    assert "Send input_tokens, cached_input_tokens and output_tokens with them." in shown(viewer, PAGE)
    stage.put_policy(workload="news", primary="home", fallback="bare", payload_classes=["chat"])
    record([event(workload="news", primary="home", fallback="bare", input_tokens=5)])
    assert "Of no answer is a cost known: the catalogue has no prices of bare." in shown(viewer, "/workloads/news")
    record([event(workload="quiet", fallback=None, outcome="failed")])
    assert "No fallback answered in this span, so none cost anything." in shown(viewer, "/workloads/quiet")


# Policy and route


def test_the_policy_and_its_route_stand_beside(viewer: Client, person: Person) -> None:
    record([event()])
    assert "There is no policy yet" in shown(viewer, PAGE)
    stage.put_models()
    stage.put_policy()
    text = shown(viewer, PAGE)
    assert "Policy v1 since" in text
    assert "baseline-chat may answer." in text
    assert f"told: “{SUPPORT['message']}”" in text
    assert "Proposed The route is not verified, and not enabled for users." in text
    assert "chat never verified" in text
    for name in SUPPORT["payload_classes"]:
        sent = {"workload": "support-chat", "primary": "premium-chat", "fallback": "baseline-chat"}
        verifications.receive(verifications.read(sent | {"payload_class": name, "passed": True}), "ci")
    text = shown(viewer, PAGE)
    assert "Verified The route is verified, and not enabled for users yet." in text
    assert "chat passed under a minute ago" in text
    stage.enable()
    assert "Enabled since" in shown(viewer, PAGE)
    assert "/policies/support-chat/edit" not in viewer.get(PAGE).content.decode()
    assert "/policies/support-chat/edit" in person("engineer").get(PAGE).content.decode()


# Frame


def test_the_queries_are_few_however_much_there_is(viewer: Client, database: None) -> None:
    stage.put_models()
    stage.put_policy()
    viewer.get(PAGE)
    few = asked_of_the_database(viewer, PAGE)
    outage(running() - 20 * MINUTE, 20)
    record([event(fallback=f"m{n % 7}", status=str(400 + n % 150), occurred_at=NOON) for n in range(400)])
    # At its worst: something is wrong, the route is not enabled, and rules are asked for.
    many = asked_of_the_database(viewer, PAGE, by="rule", range="30d")
    assert max(len(few), len(many)) <= MOST_QUERIES
    assert not [query for query in many if 'FROM "event"' in query or "FROM event" in query]


def test_hostile_texts_stay_texts(viewer: Client) -> None:
    hostile = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"'`{{7*7}}"
    record([event(id=hostile[:64], primary=hostile, fallback=hostile + "2", reason=hostile)], [traffic()])
    for by in ("error_class", "pair"):
        page = viewer.get(PAGE, {"by": by, "environment": hostile}).content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page


@pytest.mark.parametrize("slug", ["nothing", "..", "x" * 64])
def test_an_unknown_workload_is_not_found_and_it_says_what_to_do(viewer: Client, slug: str) -> None:
    answer = viewer.get(f"/workloads/{slug}")
    assert answer.status_code == 404
    assert "A workload is made by its first event or traffic count." in answer.content.decode()


@pytest.mark.parametrize("slug", ["Support-Chat", "a%00b", "x" * 65, "%3Cscript%3E"])
def test_what_can_be_no_workload_is_no_address(viewer: Client, slug: str) -> None:
    assert viewer.get(f"/workloads/{slug}").status_code == 404


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    answer = Client().get(PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login?next={PAGE}")


def test_nothing_can_be_posted_here(viewer: Client) -> None:
    assert viewer.post(PAGE).status_code == 405
