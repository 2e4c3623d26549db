"""Violations: by workload and rule, down to the events, and the routes that no policy declares."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard import violations, what_was_wrong
from dashboard.breakdowns import Broken, Values
from dashboard.policies import undeclared
from fallbacks import catalogue, rulebook
from fallbacks.models import Event
from fallbacks.recording import record
from fallbacks.rulebook import Rulebook
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import shown
from tests.make import NOON, event, traffic
from tests.policy.policies import DEMO, MODELS

PAGE = "/violations"
MOST_QUERIES = 12
EMPTY = Rulebook(0, {}, {}, {}, {})
no_memory = stage.no_memory


@pytest.fixture
def policy(database: None) -> None:
    """The policies of the demo; the route of support-chat is enabled."""
    stage.put_models()
    for body in DEMO:
        stage.put_policy(**body)
    stage.enable()


def told(**over: Any) -> Any:
    """An answer that broke nothing."""
    return event(**{"user_notified": True, "tier": "pro", "payload_class": "chat"} | over)


def matrix(client: Client, **query: str) -> list[list[str]]:
    """The matrix as it is read: its head, its rows, its foot."""
    page = client.get(PAGE, query).content.decode()
    table = page[page.index("table matrix") : page.index("</table>")]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def cells(client: Client, **query: str) -> list[list[str]]:
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in matrix(client, **query)]


def test_each_event_counts_under_each_rule_and_once_in_all(viewer: Client, policy: None) -> None:
    record(
        [
            told(),
            told(user_notified=False),
            *(told(user_notified=False, status="500", provider_features=["beta"]) for _ in range(3)),
            told(workload="batch-extraction", primary="home", fallback="bare"),
        ],
        [traffic()],
    )
    assert cells(viewer) == [
        ["Workload", "undeclared_route", "provider_features", "silent", "All"],
        ["support-chat Team-support-chat acts.", "0", "3", "4", "4"],
        ["batch-extraction Team-batch-extraction acts.", "1", "0", "0", "1"],
        ["All 2", "1", "3", "4", "5"],
    ]
    text = shown(viewer, PAGE)
    assert "5 events broke policy in the last 24 hours; in 4 of them the user was not told." in text
    assert "Of 6 requests that left their primary in production, 6 answered by a fallback." in text
    hottest = next(cell for row in matrix(viewer) for cell in row if "silent" in cell and "href" in cell)
    assert 'href="/events?workload=support-chat&amp;rule=silent"' in hottest


def test_workloads_that_kept_to_their_policy_are_counted_together(viewer: Client, policy: None) -> None:
    alone = {"primary": "economy-extract", "fallback": None, "outcome": "failed"}
    record([told(user_notified=False), told(workload="batch-extraction", **alone)])
    assert cells(viewer)[2:] == [["1 other workload", "0", "0"], ["All 2", "1", "1"]]


def test_a_kept_policy_and_a_quiet_window_say_so(viewer: Client, policy: None) -> None:
    assert "No request left its primary in the last 24 hours, so none broke policy." in shown(viewer, PAGE)
    record([told()])
    text = shown(viewer, PAGE)
    assert "No event broke policy in the last 24 hours." in text
    assert "Nothing broke policy in the last 24 hours Each of 1 event was judged." in text
    assert "Every pair of models that was seen is in the policy of its workload." in text


def test_another_range_and_environment_are_other_figures(viewer: Client, policy: None) -> None:
    record([told(user_notified=False, occurred_at=NOON - timedelta(days=3)), told(tier="x", environment="staging")])
    assert "No request left its primary" in shown(viewer, PAGE)
    assert "1 event broke policy in the last 7 days" in shown(viewer, PAGE, range="7d")
    assert "No event broke policy" in shown(viewer, PAGE, environment="staging")


def test_the_chart_shows_violations_over_time(viewer: Client, policy: None) -> None:
    record([told(), *(told(user_notified=False) for _ in range(3))])
    chart = viewer.get(PAGE, {"format": "json"}).json()
    assert sum(chart["series"][0]["values"]) == 3
    assert "3 in all, at most 3 from" in chart["sentence"]


def test_the_latest_are_told_in_a_sentence(viewer: Client, policy: None) -> None:
    record([told(user_notified=False), told(status="429", occurred_at=NOON - timedelta(minutes=1))])
    text = shown(viewer, PAGE)
    assert "silent baseline-chat answered a pro user instead of premium-chat, but the user was not told." in text
    assert "no_backoff baseline-chat answered a pro user instead of premium-chat, but the triggers do not name" in text


def test_without_any_policy_it_says_so(viewer: Client) -> None:
    record([event(), event(outcome="failed", fallback=None)])
    text = shown(viewer, PAGE)
    assert "No workload has a policy yet, so each of its events breaks undeclared_route." in text
    assert "support-chat: premium-chat → baseline-chat 2 events in production" not in text
    assert "support-chat: premium-chat → baseline-chat 1 event in production. The workload has no policy." in text
    assert "premium-chat failed, but the workload has no policy." in text


# Routes that no policy declares


def test_an_undeclared_route_is_offered_as_a_draft_to_who_may_write(viewer: Client, person: Person) -> None:
    stage.put_models()
    stage.put_policy()
    record([*(told(fallback="bare", status=status) for status in ("529", "timeout", "400")), event(workload="news")])
    text = shown(viewer, PAGE)
    assert "support-chat: premium-chat → bare 3 events in production. Policy v1 names premium-chat → baseline" in text
    assert "Draft policy" not in text
    assert "ask an engineer" in text
    page = person("engineer").get(PAGE).content.decode()
    link = "/policies/support-chat/edit?primary=premium-chat&amp;fallback=bare&amp;triggers=overloaded&amp;triggers="
    assert f'href="{link}timeout"' in page
    assert "Draft policy v2 with this pair" in page
    assert 'href="/new-policy?workload=news&amp;primary=premium-chat' in page


def test_a_route_that_is_declared_since_is_not_offered(viewer: Client) -> None:
    stage.put_models()
    record([told(fallback="same-same", primary="home")])
    assert "support-chat: home → same-same" in shown(viewer, PAGE)
    stage.put_policy(primary="home", fallback="same-same", payload_classes=["chat"])
    text = shown(viewer, PAGE)
    assert "support-chat: home → same-same" not in text
    assert "1 event broke policy" in text


def test_a_primary_that_failed_alone_is_no_route_beside_one_with_a_fallback() -> None:
    of = ("w", "a")
    both: dict[Values, Broken] = {
        (*of, "b", "timeout", "undeclared_route"): Broken(served=2, violations=2),
        (*of, "", "timeout", "undeclared_route"): Broken(failed=9, violations=9),
    }
    assert [(route.fallback, route.events) for route in undeclared.routes(both, EMPTY)] == [("b", 2)]
    alone: dict[Values, Broken] = {(*of, "", "timeout", "undeclared_route"): Broken(failed=9, violations=9)}
    assert [(route.fallback, route.triggers) for route in undeclared.routes(alone, EMPTY)] == [("", ())]


def test_the_first_routes_are_those_with_most_events_and_the_rest_is_counted(viewer: Client) -> None:
    record([event(workload=f"w{n}", id=f"{n}-{m}") for n in range(11) for m in range(n + 1)])
    text = shown(viewer, PAGE)
    assert text.index("w10: premium-chat") < text.index("w9: premium-chat")
    assert "w0: premium-chat" not in text
    assert "And 3 more, with fewer events each." in text


def test_of_a_rule_that_would_not_be_broken_any_more_its_meaning_is_told(database: None) -> None:
    stage.put_models()
    stage.put_policy()
    stage.enable()
    record([told(id="one", provider_features=["beta"])])
    catalogue.put("baseline-chat", MODELS["baseline-chat"] | {"features": ["beta"]}, "dana")
    one = Event.objects.select_related("workload").get()
    assert what_was_wrong.what_was_wrong(one, rulebook.recent()) == (
        "baseline-chat answered a pro user instead of premium-chat,"
        " but the request used features that the fallback does not list."
    )


@pytest.mark.parametrize(("count", "heat"), [(0, 0), (1, 1), (13, 2), (25, 2), (26, 3), (38, 3)])
def test_heat_is_by_thirds_of_the_worst(count: int, heat: int) -> None:
    assert violations.heat(count, 38) == heat


def test_hostile_texts_stay_texts(viewer: Client) -> None:
    hostile = "<script>alert(1)</script>"
    record([event(primary=hostile, fallback=hostile + "2", tier=hostile, error_code=hostile)])
    page = viewer.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


# The overview


def test_the_overview_says_of_each_workload_how_many_broke_policy(viewer: Client, policy: None) -> None:
    record([told(), told(user_notified=False), told(status="402")], [traffic()])
    page = viewer.get("/?range=7d").content.decode()
    assert 'broken=1&amp;workload=support-chat" aria-label="2 violations of support-chat"' in page


# Frame


def test_the_number_of_queries_does_not_depend_on_what_there_is(viewer: Client, policy: None) -> None:
    few = stage.asked_of_the_database(viewer, PAGE)
    record([event(workload=f"w{n % 20}", fallback=f"m{n % 7}", status=str(400 + n % 150)) for n in range(400)])
    many = stage.asked_of_the_database(viewer, PAGE, workload="w1")
    assert max(len(few), len(many)) <= MOST_QUERIES
    # The latest alone are events, and no more of them than it shows.
    of_events = [query for query in many if "FROM event " in query]
    assert len(of_events) == 1
    assert "LIMIT" in of_events[0]


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    assert Client().get(PAGE).headers["Location"] == f"/login?next={PAGE}"


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/events"])
def test_nothing_can_be_posted_here(viewer: Client, path: str) -> None:
    assert viewer.post(path).status_code == 405
