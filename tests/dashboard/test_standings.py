"""How workloads stand now: the state of each, since when, why and who acts, from rollups in few queries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard import ongoing
from dashboard.queries import Scope
from dashboard.standings import Standing, follow, standings
from fallbacks import key_ring, rulebook
from fallbacks.models import PolicyVersion, Workload
from fallbacks.rates import Counts
from fallbacks.recording import record
from fallbacks.rulebook import Rulebook
from fallbacks.states import Limits, Minute
from tests import make
from tests.policy.policies import policy

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)
BOOK = Rulebook(1, {}, {}, {}, {})


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(second=30, microsecond=0)


def put(workload: str, **over: Any) -> None:
    row, _ = Workload.objects.get_or_create(slug=workload)
    body = policy(workload, "premium-chat", "baseline-chat", **over)
    with rulebook.changing() as moment:
        since = moment - timedelta(days=1)
        PolicyVersion.objects.create(workload=row, version=1, since=since, body=body, made_by="tests")


def minutes_of(now: datetime, first: int, last: int, requests: int = 100, **event: Any) -> None:
    """Ten of the requests of each minute, from `first` to `last` minutes ago, left their primary path."""
    at = [now.replace(second=0) - number * MINUTE for number in range(last, first + 1)]
    workload = event.get("workload", "support-chat")
    record(
        [make.event(occurred_at=moment, **event) for moment in at for _ in range(10)],
        [make.traffic(start=moment, requests=requests, workload=workload) for moment in at],
    )


def one(now: datetime) -> Standing:
    (found,) = standings(now, Scope())
    return found


def test_degraded_since_its_first_bad_minute_by_its_commonest_cause(now: datetime) -> None:
    minutes_of(now, 12, 1)
    record([make.event(status="timeout", occurred_at=now - 2 * MINUTE)])
    found = one(now)
    assert (found.state, found.cause, found.who_acts) == ("degraded", "overloaded", "provider watch")
    assert found.since == now.replace(second=0) - 12 * MINUTE
    assert (found.requests, found.events) == (500, 51)


def test_an_episode_that_began_long_ago_is_followed_to_its_beginning(now: datetime) -> None:
    minutes_of(now, 7 * 60, 1)
    assert one(now).since == now.replace(second=0) - 7 * 60 * MINUTE


@pytest.mark.parametrize("offset", [0, 1])
def test_an_episode_with_gaps_is_followed_beyond_where_it_is_looked_for_first(now: datetime, offset: int) -> None:
    put("support-chat", degraded_above=0.05, user_visible=False)
    minutes = [now.replace(second=0) - number * MINUTE for number in range(1, 7 * 60 + offset)]
    # Every third minute is bad with the one before it, and no other: the gaps are too short to end the episode.
    bad = [moment for number, moment in enumerate(minutes) if number % 3 == offset]
    record(
        [make.event(occurred_at=moment) for moment in bad for _ in range(4)],
        [make.traffic(start=moment, requests=20) for moment in minutes],
    )
    assert one(now).since == bad[-1]


def test_failing_by_what_is_not_answered_and_the_owner_acts_where_the_boundary_says_so(now: datetime) -> None:
    put("support-chat", owner="chat team")
    minutes_of(now, 6, 1, outcome="failed", fallback=None, status="404")
    found = one(now)
    assert (found.state, found.cause, found.who_acts) == ("failing", "model_unavailable", "chat team")


def test_silent_is_said_while_the_minute_is_under_way_and_its_owner_acts(now: datetime) -> None:
    put("support-chat", owner="chat team", notice="always", message="A simpler model answers.")
    minutes_of(now, 1, 1, requests=10_000, user_notified=True, user_visible=True)
    record([make.event(occurred_at=now - timedelta(seconds=5), user_visible=True)])
    found = one(now)
    assert (found.state, found.cause, found.who_acts) == ("silent", "overloaded", "chat team")
    # What it was judged by is counted, ten of the full minute and the one of this.
    assert (found.requests, found.events) == (10_000, 11)


def test_the_policy_says_how_much_and_for_how_long(now: datetime) -> None:
    put("support-chat", degraded_above=0.2, for_minutes=10, user_visible=False)
    minutes_of(now, 6, 1)
    assert one(now).state == "normal"
    put("patient", degraded_above=0.05, for_minutes=10, user_visible=False)
    minutes_of(now, 9, 8, workload="patient")
    states = {each.workload: each.state for each in standings(now, Scope())}
    assert states == {"support-chat": "normal", "patient": "degraded"}


def test_no_traffic_normal_and_what_was_long_ago(now: datetime) -> None:
    record([make.event(workload="uncounted", occurred_at=now - 3 * 60 * MINUTE)])
    record([], [make.traffic(workload="quiet", start=now - 10 * MINUTE)])
    record([make.event(workload="old", occurred_at=now - timedelta(days=3))])
    found = {each.workload: each for each in standings(now, Scope())}
    assert {name: each.state for name, each in found.items()} == {"uncounted": "no_traffic", "quiet": "normal"}
    uncounted = found["uncounted"]
    assert (uncounted.events, uncounted.requests, uncounted.since, uncounted.who_acts) == (1, None, None, None)


def test_environments_stand_apart_and_can_be_asked_for(now: datetime) -> None:
    minutes_of(now, 6, 1)
    record([], [make.traffic(environment="staging", start=now - 5 * MINUTE)])
    assert [(each.environment, each.state) for each in standings(now, Scope())] == [
        ("production", "degraded"),
        ("staging", "normal"),
    ]
    assert [each.state for each in standings(now, Scope(environment="staging"))] == ["normal"]
    assert standings(now, Scope({"nobody"})) == []


def test_it_costs_few_queries_however_many_workloads(now: datetime) -> None:
    for number in range(5):
        minutes_of(now, 8, 1, workload=f"w{number}")
    standings(now, Scope())
    with CaptureQueriesContext(connection) as asked:
        assert len(standings(now, Scope())) == 5
    assert len(asked) <= 7


def test_the_api_says_the_same_to_a_key_and_no_more_than_it_may_see(now: datetime) -> None:
    minutes_of(now, 6, 1)
    minutes_of(now, 6, 1, workload="other")
    reader = key_ring.make("r", ["rates:read"], workloads=["support-chat"])
    answer = Client().get("/api/v1/states", headers={"authorization": f"Bearer {reader}"})
    assert answer.json()["next"] is None
    (found,) = answer.json()["results"]
    assert (found["workload"], found["state"], found["events"]) == ("support-chat", "degraded", 50)
    assert datetime.fromisoformat(found["since"]) == now.replace(second=0) - 6 * MINUTE
    asked = Client().get("/api/v1/states?workload=other", headers={"authorization": f"Bearer {reader}"})
    assert asked.status_code == 403


def follow_one(now: datetime) -> tuple[datetime | None, Minute]:
    (found,) = follow(now, Scope(), BOOK)
    return found.standing.since, found.so_far


def test_an_episode_that_goes_on_is_followed_without_looking_for_its_beginning_again(now: datetime) -> None:
    minutes_of(now, 12, 1, outcome="blocked")
    begun = now.replace(second=0) - 12 * MINUTE
    assert follow_one(now) == (begun, Minute(Counts(1200, 0, 0, 120)))
    minutes_of(now + 2 * MINUTE, 2, 1, outcome="blocked")
    with CaptureQueriesContext(connection) as remembered:
        assert follow_one(now + 2 * MINUTE) == (begun, Minute(Counts(1400, 0, 0, 140)))
    ongoing.forget()
    with CaptureQueriesContext(connection) as anew:
        assert follow_one(now + 2 * MINUTE) == (begun, Minute(Counts(1400, 0, 0, 140)))
    assert (len(remembered), len(anew)) == (2, 3)


def test_what_comes_late_moves_the_beginning_some_minutes_later(now: datetime) -> None:
    minutes_of(now, 5, 1)
    minutes_of(now + 5 * MINUTE, 5, 1)
    assert follow_one(now)[0] == now.replace(second=0) - 5 * MINUTE
    minutes_of(now, 9, 6)
    assert follow_one(now + MINUTE)[0] == now.replace(second=0) - 5 * MINUTE
    assert follow_one(now + 5 * MINUTE)[0] == now.replace(second=0) - 9 * MINUTE


def test_what_is_remembered_holds_while_nothing_of_it_is_missing_and_the_rules_are_the_same(now: datetime) -> None:
    limits, long_ago = Limits(0.01, 3), now - 60 * MINUTE
    episode = ongoing.begun(long_ago, {now - MINUTE: Minute(silent=2)}, now, limits, revision=1)
    assert episode.holds(now + 3 * MINUTE, limits, known_since=long_ago, revision=1)
    # It might have ended meanwhile, and another one begun.
    assert not episode.holds(now + 4 * MINUTE, limits, long_ago, 1)
    assert not episode.holds(now + 3 * MINUTE, limits, now - MINUTE, 1)
    assert not episode.holds(now + MINUTE, limits, long_ago, 2)
    seen_later = episode.later({now - MINUTE: Minute(silent=2)}, now + 3 * MINUTE, limits)
    assert seen_later.so_far({}, now + 3 * MINUTE) == Minute(silent=2)
    assert not seen_later.holds(now + 5 * MINUTE, limits, long_ago, 1)


def test_what_nobody_has_seen_going_on_for_long_is_forgotten(now: datetime) -> None:
    limits = Limits(0.01, 3)

    def seen_at(moment: datetime) -> ongoing.Ongoing:
        return ongoing.begun(now - 60 * MINUTE, {}, moment, limits, revision=1)

    ongoing.remember("gone", seen_at(now))
    ongoing.remember("watched", seen_at(now + MINUTE))
    ongoing.remember("new", seen_at(now + ongoing.REMEMBERED + MINUTE))
    assert [ongoing.recall(place) is not None for place in ("gone", "watched", "new")] == [False, True, True]
