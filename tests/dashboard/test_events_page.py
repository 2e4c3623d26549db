"""The list of events: filters, columns, pages, one event beside it, and looking one up."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from dashboard.events import columns as event_columns
from dashboard.events import counts as event_counts
from dashboard.events import filters as event_filters
from dashboard.events import listing as event_list
from dashboard.events import rows as event_rows
from dashboard.events.conditions import Filters
from dashboard.queries import Scope
from fallbacks import key_ring, partitions
from fallbacks.models import EarlierVerdict, Event, Workload
from fallbacks.recording import record
from fallbacks.timebuckets import Window
from fallbacks.verdict import mask
from tests.dashboard import stage
from tests.dashboard.stage import shown
from tests.make import NOON, event

PAGE, LOOKUP = "/events", "/lookup"
MOST_QUERIES = 12
no_memory = stage.no_memory


@pytest.fixture
def policy(database: None) -> None:
    """The policy of support-chat, with its route enabled."""
    stage.put_models()
    stage.put_policy()
    stage.enable()


def told(**over: Any) -> Any:
    """An answer that broke nothing."""
    return event(**{"user_notified": True, "tier": "pro", "payload_class": "chat"} | over)


def ids(client: Client, **query: Any) -> list[str]:
    """The events of a page, as its JSON has them."""
    answer = client.get(PAGE, {**query, "format": "json"})
    assert answer.status_code == 200
    return [each["id"] for each in answer.json()["results"]]


def refused(client: Client, **query: Any) -> str:
    """What a program is told that asks for what is not understood."""
    answer = client.get(PAGE, {**query, "format": "json"})
    assert answer.status_code == 400
    return str(answer.json()["error"]["message"])


def test_a_program_reads_the_list_to_its_end(viewer: Client) -> None:
    record([event(id=f"e{n:02}", occurred_at=NOON - timedelta(seconds=n)) for n in range(120)])
    found, address = [], f"{PAGE}?format=json"
    while address:
        answer = viewer.get(address).json()
        found += [each["id"] for each in answer["results"]]
        address = answer["next"]
    assert found == [f"e{n:02}" for n in range(120)]


def link(client: Client, word: str, path: str = PAGE, **query: Any) -> str:
    """Where a link of a page leads."""
    page = client.get(path, query).content.decode()
    found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>(?:<svg.*?</svg>)?\s*{re.escape(word)}', page, re.DOTALL)
    assert found, f"no link {word!r}"
    return f"{PAGE if found[1].startswith('?') else ''}{unescape(found[1])}"


def chips(client: Client, **query: Any) -> list[tuple[str, str]]:
    """The filters that are set, and the address without each."""
    page = client.get(PAGE, query).content.decode()
    found = re.findall(r'href="([^"]*)" aria-label="Remove filter: ([^"]*)"', page)
    return [(unescape(word), unescape(address)) for address, word in found]


# The list


def test_it_lists_what_left_its_primary_in_words(viewer: Client, policy: None) -> None:
    record(
        [
            told(id="a", request_id="req_1", fallback_latency_ms=1380),
            told(id="b", user_notified=False, occurred_at=NOON - timedelta(seconds=1)),
            told(id="c", outcome="failed", fallback=None, status="429", occurred_at=NOON - timedelta(seconds=2)),
            told(id="d", outcome="blocked", status="451", occurred_at=NOON - timedelta(seconds=3)),
            told(environment="staging"),
        ]
    )
    text = shown(viewer, PAGE, workload="support-chat")
    assert "4 events in the last 24 hours of support-chat, production. Newest first, times in UTC." in text
    rows = (
        "served baseline-chat answered for premium-chat overloaded 529 allowed yes pro 1.38 s Provider watch req_1",
        "served baseline-chat answered for premium-chat overloaded 529 silent no pro – Team-support-chat –",
        "failed nobody answered for premium-chat rate_limit 429 – – pro – Capacity owner –",
        "blocked policy refused baseline-chat for premium-chat compliance 451 refused – pro – Compliance owner –",
    )
    assert all(row in text for row in rows)
    assert "Time Workload Outcome" not in text
    assert "Time Workload Outcome" in shown(viewer, PAGE)
    assert "4 on this page" in text


# By each field: an event that has the value, and what is asked. The other event has nothing of it.
EACH: dict[str, tuple[dict[str, Any], str]] = {
    "primary": ({"primary": "home"}, "home"),
    "fallback": ({"fallback": "bare"}, "bare"),
    "error_class": ({"status": "503"}, "unavailable"),
    "outcome": ({"outcome": "failed"}, "failed"),
    "rule": ({"status": "401"}, "never_fallback"),
    "status": ({"status": "501"}, "501"),
    "error_code": ({"error_code": "x1"}, "x1"),
    "tier": ({"tier": "gold"}, "gold"),
    "payload_class": ({"payload_class": "chat"}, "chat"),
    "provider_feature": ({"provider_features": ["beta", "tools"]}, "tools"),
    "attribute": ({"attributes": '{"region": "eu"}'}, "region=eu"),
    "user_visible": ({"user_visible": False}, "no"),
    "user_notified": ({"user_notified": True}, "true"),
    "attempts": ({"attempts": 7}, "7"),
    "request_id": ({"request_id": "r"}, "r"),
    "trace_id": ({"trace_id": "t"}, "t"),
    "id": ({"id": "it"}, "it"),
    "reason": ({"reason": "Upstream says 100 % overloaded\nnow"}, "NOW 100 % upstream"),
    "primary_latency_ms": ({"primary_latency_ms": 30_000}, "29999.5"),
    "fallback_latency_ms": ({"fallback_latency_ms": 1}, "1"),
    "input_tokens": ({"input_tokens": 5}, "5"),
    "cached_input_tokens": ({"cached_input_tokens": 5}, "1"),
    "output_tokens": ({"output_tokens": 5}, "1"),
    "cost_usd": ({"cost_usd": Decimal("0.02")}, "0.01"),
}


def test_it_is_filtered_by_each_field(viewer: Client) -> None:
    record([event(id="none"), *(event(**{"id": name, **over}) for name, (over, _) in EACH.items())])
    for name, (_, asked) in EACH.items():
        assert ids(viewer, **{name: asked}) == ["it" if name == "id" else name], name
        assert len(chips(viewer, **{name: asked})) == 1


def test_every_field_of_an_event_has_its_filter() -> None:
    named = set(event_filters.FIELDS) | {"environment", "occurred_at", "sample"}
    assert {*event_filters.FIELDS} - {*EACH} == {"workload", "broken", "policy_version", "who_acts"}
    for field in Event._meta.get_fields():
        of_the_product = {
            "pk",
            "received_at",
            "recorded_at",
            "rules",
            "notice_due",
            "primary_cost_usd",
            "cache_loss_usd",
        }
        if field.name not in of_the_product:
            assert field.name in named or field.name.rstrip("s") in named, field.name


def test_by_policy_workload_and_who_acts(viewer: Client, policy: None) -> None:
    record([told(id="a"), told(id="b", user_notified=False), told(id="c", workload="news"), told(id="d", status="402")])
    for query, found in (
        ({"broken": "1"}, {"b", "c", "d"}),
        ({"broken": "0"}, {"a"}),
        ({"rule": "silent"}, {"b"}),
        ({"rule": ["silent", "entitlement"]}, {"b", "d"}),
        ({"policy_version": "1"}, {"a", "b", "d"}),
        ({"policy_version": "none"}, {"c"}),
        ({"who_acts": "provider watch"}, {"a"}),
        ({"workload": "news"}, {"c"}),
        ({"workload": ["news", "support-chat"], "status": "5xx"}, {"a", "b", "c"}),
        ({"workload": "nobody-knows"}, set()),
        ({"reason": "over_oaded"}, set()),
        ({"reason": ["over", "LOAD"]}, {"a", "b", "c", "d"}),
    ):
        assert set(ids(viewer, **query)) == found, query


def test_a_fallback_that_was_not_used_can_be_asked_for(viewer: Client) -> None:
    record([event(id="a", outcome="failed", fallback=None), event(id="b")])
    assert ids(viewer, fallback="none") == ["a"]
    assert "1 event matches, of 2" in shown(viewer, PAGE, fallback="none")
    assert set(ids(viewer, fallback=["none", "baseline-chat"])) == {"a", "b"}


def test_the_count_is_as_exact_as_rollups_know(viewer: Client) -> None:
    record(
        [event(id=f"{n:02}", tier="pro" if n % 2 else "free", outcome="served" if n else "failed") for n in range(60)]
    )
    for query, said in (
        ({"outcome": "served"}, "59 events match, of 60 in the last 24 hours, production."),
        ({"outcome": "blocked"}, "No event matches, of 60 in"),
        # The page holds all that match, so they are counted.
        ({"tier": "pro"}, "30 events match, of 60 in"),
        ({"attempts": "1"}, "Those that match of 60 events in"),
        ({"attempts": "1", "outcome": "served"}, "At most 59 events match, of 60 in"),
    ):
        assert said in shown(viewer, PAGE, **query), query


def test_filters_are_chips_and_each_can_be_taken_away(viewer: Client) -> None:
    query: dict[str, Any] = {"range": "1h", "outcome": ["failed", "blocked"], "tier": "pro", "after": "x"}
    assert chips(viewer, **query) == [
        ("last hour", "?outcome=failed&outcome=blocked&tier=pro"),
        ("Outcome failed", "?range=1h&outcome=blocked&tier=pro"),
        ("Outcome blocked", "?range=1h&outcome=failed&tier=pro"),
        ("Tier pro", "?range=1h&outcome=failed&outcome=blocked"),
    ]
    assert link(viewer, "Clear all", **query) == PAGE
    assert chips(viewer) == []


def test_what_a_form_sends_of_empty_fields_does_not_stay_in_the_address(viewer: Client) -> None:
    answer = viewer.get(PAGE, {"tier": ["", "pro"], "outcome": "", "status": " ", "range": "7d"})
    assert (answer.status_code, answer["Location"]) == (302, "/events?tier=pro&range=7d")


def test_a_value_that_is_not_understood_is_said_and_nothing_is_listed(viewer: Client) -> None:
    record([event()])
    for query, said in (
        ({"outcome": "ok"}, "“ok” is no value of outcome. It takes one of served, failed, blocked."),
        ({"status": "6xx"}, "“6xx” is no value of status. It takes 100 to 599, such as 5xx"),
        ({"attempts": "9" * 40}, f"“{'9' * 40}” is no value of attempts. It takes a whole number."),
        ({"cost_usd": "1e400"}, "“1e400” is no value of cost_usd."),
        ({"cost_usd": "NaN"}, "“NaN” is no value of cost_usd."),
        ({"reason": "a\0b"}, "“a�b” is no value of reason."),
        ({"tier": "x" * 300}, "is no value of tier."),
        ({"workload": "x\0"}, "is no value of workload."),
        ({"tier": [f"t{n}" for n in range(30)]}, "“t20” is no value of tier. It takes 20 values at most."),
    ):
        text = shown(viewer, PAGE, **query)
        assert said in text
        assert "A filter is not understood" in text
        assert said in refused(viewer, **query)


def test_an_unknown_name_is_said(viewer: Client) -> None:
    record([event(id="a")])
    text = shown(viewer, PAGE, outcme="failed", columns="outcome,bananas")
    assert "There is no filter “outcme”." in text
    assert "There is no column “bananas”." in text
    assert "There is no filter “outcme”." in refused(viewer, outcme="failed", range="bananas")
    assert "“after” is cut off" in refused(viewer, after="xx")
    assert "There is no such range." in shown(viewer, PAGE, range="bananas")


# Columns


def test_columns_are_chosen_and_remembered_by_the_browser(viewer: Client) -> None:
    record([event(id="an-id", environment="production", cost_usd=Decimal("0.0041"), reason="just because")])
    text = shown(viewer, PAGE, columns=["", "cost_usd", "reason"])
    assert "Time Reason Cost" in text
    assert "just because $0.0041" in text
    assert "Time Reason Cost" in shown(viewer, PAGE)
    assert "Time Workload Outcome" in shown(viewer, PAGE, columns="")
    assert "Time Workload Outcome" in shown(viewer, PAGE)
    everything = ",".join(event_columns.NAMES)
    assert "an-id" in shown(viewer, PAGE, columns=everything)


# Pages


def walk(client: Client, word: str, **query: Any) -> list[list[str]]:
    """The ids of each page, following the links of that word."""
    pages, path = [], PAGE
    for _ in range(10):
        page = client.get(path, query).content.decode()
        pages.append(re.findall(r'class="mono said" data-inline="Event id">([^<]+)<', page))
        found = re.search(rf'href="([^"]*)"[^>]*>{word}</a>', page)
        if found is None:
            return pages
        path, query = PAGE + unescape(found[1]), {}
    raise AssertionError("no end")


def test_pages_hold_each_event_once_in_both_directions(viewer: Client) -> None:
    # Many at one instant: a page boundary lies among them.
    record([event(id=f"e{n:03}", workload=f"w{n % 3}", occurred_at=NOON) for n in range(130)])
    older = walk(viewer, "Older", columns="id")
    assert [len(page) for page in older] == [50, 50, 30]
    assert len({each for page in older for each in page}) == 130
    last = link(viewer, "Older", link(viewer, "Older", columns="id"))
    page = viewer.get(last).content.decode()
    newer = re.search(r'href="([^"]*)"[^>]*>Newer</a>', page)
    assert newer is not None
    back = viewer.get(PAGE + unescape(newer[1])).content.decode()
    assert re.findall(r'data-inline="Event id">([^<]+)<', back) == older[1]
    newest = re.search(r'href="([^"]*)"[^>]*>Newer</a>', back)
    assert newest is not None
    # Once there is nothing newer it is the first page, which goes on by itself.
    first = viewer.get(PAGE + unescape(newest[1])).content.decode()
    assert re.findall(r'data-inline="Event id">([^<]+)<', first) == older[0]
    assert "data-live" in first
    assert "data-live" not in page


def test_a_place_that_is_cut_off_is_said(viewer: Client) -> None:
    record([event(id="a")])
    for name in ("after", "before", "open"):
        text = shown(viewer, PAGE, **{name: "WyIyMDI2"})
        assert f"The address is cut off: what stands after {name}= cannot be read." in text
        assert "1 on this page" in text


def test_a_search_has_an_end_and_goes_on_from_there(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, database: None
) -> None:
    monkeypatch.setattr(event_rows, "MOST_SEARCHED", 100)
    at = [NOON - timedelta(seconds=number) for number in range(250)]
    record([event(id=f"e{n:03}", tier="gold" if n in (30, 240) else "free", occurred_at=at[n]) for n in range(250)])
    text = shown(viewer, PAGE, tier="gold")
    assert "1 on this page" in text
    assert re.search(rf"Searched back to [\w ]*{at[99]:%H:%M:%S}\.", text)
    further = link(viewer, "Search further back", tier="gold")
    assert "None of those looked at matches" in shown(viewer, further)
    last = link(viewer, "Search further back", further)
    page = viewer.get(last).content.decode()
    assert "Search further" not in page
    assert "1 on this page" in stage.text_of(viewer.get(last).content)
    # The other way.
    up = re.search(r'href="([^"]*before=[^"]*)"[^>]*>Newer</a>', page)
    assert up is not None
    text = shown(viewer, PAGE + unescape(up[1]))
    assert "Looked at all events up to" in text
    assert link(viewer, "Search further up", PAGE + unescape(up[1]))


def test_the_api_s_search_has_an_end_and_goes_on_too(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_rows, "MOST_SEARCHED", 20)
    record([event(id=f"e{n:02}", primary="home" if n % 30 == 7 else "other") for n in range(90)])
    service = Client(headers={"authorization": f"Bearer {key_ring.make('reader', ['events:read'])}"})
    answer: Any = service.get("/api/v1/events?primary=home&limit=2").json()
    found, pages = [each["id"] for each in answer["results"]], 1
    while answer["next"]:
        answer = service.get(answer["next"]).json()
        found += [each["id"] for each in answer["results"]]
        pages += 1
    assert found == ["e67", "e37", "e07"]
    assert pages > 3


def test_what_rollups_know_to_be_empty_is_not_looked_at(database: None) -> None:
    at = NOON - timedelta(hours=20)
    record([event(id="old", outcome="failed", occurred_at=at), *(event() for _ in range(30))])
    window, filters = Window.last(timedelta(hours=24), NOON), Filters({"outcome": ("failed",), "tier": ("x",)})
    known = event_counts.known(window, Scope(), filters)
    assert (known.total, known.matching, known.exact) == (31, 1, False)
    narrowed = known.narrowed(window)
    assert narrowed is not None
    assert narrowed.start <= at < narrowed.end
    assert narrowed.length <= timedelta(hours=1)
    newer = (NOON, 1, "")
    assert known.narrowed(window, before=newer) is None
    none = event_counts.known(window, Scope(), Filters({"primary": ("nobody",)}))
    assert (none.matching, none.narrowed(window)) == (0, None)


@pytest.fixture
def own_partitions(database: None) -> Iterator[None]:
    """Days of long ago get partitions, which must not be left: retention would find them."""
    before = partitions.existing()
    yield
    with connection.cursor() as cursor:
        for day in partitions.existing() - before:
            cursor.execute(f"DROP TABLE event_{day:%Y%m%d}")
    partitions.forget()


@pytest.mark.parametrize("days", [0, 40, 200])
def test_counts_and_rows_agree_however_long_ago(own_partitions: None, days: int) -> None:
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=days, hours=1)
    record([event(id=f"{n}", occurred_at=at - timedelta(minutes=10 * n)) for n in range(40)])
    for length in (timedelta(hours=1), timedelta(hours=9), timedelta(days=3)):
        window = Window.around(at - length, at + timedelta(minutes=1))
        known = event_counts.known(window, Scope(), Filters())
        page = event_list.listed(window, Scope(), Filters(), event_list.Place())
        expected = sum(window.start <= each.occurred_at < window.end for each in Event.objects.all())
        assert len(page.events) == expected
        assert page.count.startswith(f"{expected or 'No'} ")
        # What is counted by the hour reaches beyond the window, and never falls short of it.
        assert known.total >= expected if days > 29 else known.total == expected


# Where there is nothing


def test_an_empty_list_says_what_is_near(viewer: Client) -> None:
    record([event(id="a", tier="pro", occurred_at=datetime.now(UTC) - timedelta(hours=5))])
    text = shown(viewer, PAGE, range="1h", tier="pro")
    assert "No event in the last hour with this filter The newest that matches without “last hour” is of" in text
    assert link(viewer, "Widen to 24 h", range="1h", tier="pro") == "/events?range=24h&tier=pro"
    text = shown(viewer, PAGE, range="1h", tier="gold", outcome="served")
    assert "No event in the last hour with these 2 filters Take a filter away" in text
    assert "The newest" not in text


def test_an_older_event_is_named_with_a_way_to_it(viewer: Client) -> None:
    record([event(id="a", occurred_at=datetime.now(UTC) - timedelta(days=40))])
    assert "Widen" not in shown(viewer, PAGE)
    assert "open=" in link(viewer, "See it")


def test_nothing_at_all(viewer: Client) -> None:
    assert "No event in the last 24 hours No request left its primary in production." in shown(viewer, PAGE)


def test_of_a_time_whose_events_are_gone_it_says_so(viewer: Client) -> None:
    text = shown(viewer, PAGE, range="custom", **{"from": "2026-01-01T00:00", "to": "2026-01-02T00:00"})
    assert "Events are kept since" in text


# One event


def test_one_event_is_told_beside_the_list(viewer: Client, policy: None) -> None:
    record(
        [
            told(id="a", user_notified=False, attempts=2, trace_id="t", request_id="req_1", occurred_at=NOON),
            told(id="b", trace_id="t", status="timeout", occurred_at=NOON - timedelta(seconds=3)),
            told(id="c", trace_id="another"),
        ]
    )
    workload = Workload.objects.get(slug="support-chat").pk
    verdict = {"error_class": "timeout", "rules": mask(["no_backoff"]), "policy_version": 3}
    EarlierVerdict.objects.create(workload_id=workload, occurred_at=NOON, event="a", **verdict)
    path = link(viewer, f'<time datetime="{NOON.isoformat()}"', request_id="req_1")
    text = shown(viewer, path)
    assert re.search(rf"Event at [\w ]*{NOON:%H:%M:%S}\.000 {NOON:%H:%M:%S}\.000 UTC", text)
    assert "baseline-chat answered instead of premium-chat, which was overloaded (HTTP 529) after 2 tries." in text
    assert "1 rule broken: silent. silent: The user was not told." in text
    assert "Show the notice, and send user_notified: true once it is shown." in text
    assert "Provider watch for the overload; team-support-chat, the owner, for the missing notice." in text
    assert "Judged before until" in text
    assert "timeout, no_backoff, by policy v3" in text
    assert "Same trace" in text
    assert "support-chat, timeout, baseline-chat answered for premium-chat" in text
    assert "another" not in text.split("Same trace")[1].split("Copy JSON")[0]
    assert "Copy JSON Copy curl Copy link" in text
    assert "curl http://testserver/api/v1/events" in text
    around = link(viewer, "Events of support-chat around this one", path)
    assert "1 rule broken: silent." in shown(viewer, around)
    assert 'aria-current="true"' in viewer.get(around).content.decode()


def test_an_event_that_is_gone_is_said_to_be(viewer: Client) -> None:
    record([event(id="a")])
    path = link(viewer, f'<time datetime="{NOON.isoformat()}"')
    Event.objects.all().delete()
    assert "There is no such event any more" in shown(viewer, path)


def test_hostile_texts_stay_texts(viewer: Client) -> None:
    hostile = "</pre></script><script>alert('x')</script><img src=x onerror=alert(1)>\"'{{7*7}}"
    texts = dict.fromkeys(("primary", "reason", "error_code", "request_id", "trace_id"), hostile)
    attributes = '{"<img src=x>": "<script>alert(2)"}'
    record([event(**texts, id=hostile[:64], fallback=f"{hostile}2", attributes=attributes)])
    path = link(viewer, f'<time datetime="{NOON.isoformat()}"')
    for page in (
        viewer.get(path, {"columns": ",".join(event_columns.NAMES)}),
        viewer.get(path),
        viewer.get(PAGE, {"reason": hostile, "attribute": hostile, "tier": hostile, "<script>alert(3)": "1"}),
        viewer.get(LOOKUP, {"q": f"{hostile}?"}),
    ):
        assert "<script>alert" not in page.content.decode()
        assert "<img" not in page.content.decode()


# Looking up


def test_an_id_leads_to_its_event_wherever_it_is(viewer: Client) -> None:
    names, then = ("id", "request_id", "trace_id"), {"environment": "staging", "occurred_at": NOON - timedelta(days=25)}
    record([*(event(**then, tier=name, **{name: f"{name}:/?"}) for name in names), *(event(**then) for _ in range(60))])
    for name in names:
        answer = viewer.get(LOOKUP, {"q": f" {name}:/? "})
        assert answer.status_code == 302
        assert answer["Location"].endswith("#event")
        page = viewer.get(answer["Location"]).content
        assert f"Tier {name}" in stage.text_of(page)
        # The list begins with it, however many are of that instant.
        assert '<tr role="row" id="e-' in (row := page.decode().split("<tbody", 2)[1].split("<th", 1)[0])
        assert 'aria-current="true"' in row


def test_a_trace_leads_to_a_list_of_its_events(viewer: Client) -> None:
    record([event(trace_id="t"), event(trace_id="t", request_id="t"), event(workload="news", request_id="t"), event()])
    text = shown(viewer, LOOKUP, q="t")
    assert "3 events of “t”" in text
    assert "news" in text
    record([event(trace_id="many") for _ in range(60)])
    assert "More than 50 events of “many”" in shown(viewer, LOOKUP, q="many")


def test_an_unknown_id_says_what_was_searched_and_what_to_do(viewer: Client) -> None:
    record([event(request_id="r")])
    for text in ("nothing", "a\0b", "x" * 5000, "%_", "<b>", "'"):
        said = shown(viewer, LOOKUP, q=text)
        assert "Looked for as request id, trace id and event id in all events since" in said
        assert "Only a request that left its primary is an event" in said
    assert "Look up an event" in shown(viewer, LOOKUP)


# The list of those that broke policy was a page of its own once


def test_the_old_address_leads_here(viewer: Client) -> None:
    answer = viewer.get("/violations/events", {"workload": "w", "range": "7d"})
    assert (answer.status_code, answer["Location"]) == (301, "/events?workload=w&range=7d&broken=1")
    answer = viewer.get("/violations/events", {"rule": "silent"})
    assert answer["Location"] == "/events?rule=silent"


# Frame


def test_the_number_of_queries_does_not_depend_on_what_there_is(viewer: Client, policy: None) -> None:
    few = stage.asked_of_the_database(viewer, PAGE)
    record([event(id=f"e{n}", workload=f"w{n % 20}", trace_id="t", status=str(400 + n % 150)) for n in range(400)])
    path = link(viewer, f'<time datetime="{NOON.isoformat()}"', workload="w1")
    many = stage.asked_of_the_database(viewer, path)
    before = stage.asked_of_the_database(viewer, path + "&before=" + "WyIyMDIwLTExLTIyVDE5OjA1OjAwWiIsMSwiIl0=")
    assert max(len(few), len(many), len(before)) <= MOST_QUERIES
    of_events = [query for query in many if "FROM event" in query or 'FROM "event"' in query]
    assert len(of_events) == 3  # the list, the one that is open, its trace
    assert all("LIMIT" in query for query in of_events)
    assert len(stage.asked_of_the_database(viewer, LOOKUP, q="nothing")) <= 5


@pytest.mark.parametrize("path", [PAGE, LOOKUP])
def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None, path: str) -> None:
    assert Client().get(path).headers["Location"] == f"/login?next={path}"


@pytest.mark.parametrize("path", [PAGE, LOOKUP])
def test_nothing_can_be_posted_here(viewer: Client, path: str) -> None:
    assert viewer.post(path).status_code == 405
