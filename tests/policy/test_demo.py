"""The demo's week under the demo's policies: mostly as they allow, and of most rules some events that broke them."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from fallbacks import enablement, rulebook, versions
from fallbacks.keys import Key
from fallbacks.local import demo, demo_rulebook
from fallbacks.models import Verification
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook
from fallbacks.states import MINUTE, Limits, Minute, episodes
from fallbacks.verdict import Facts, judge
from ingest import reading

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime.now(UTC)
ANYTHING = Key(id=1, scopes=frozenset(), workloads=frozenset(), environments=frozenset(), expires_at=None)


@pytest.fixture
def book() -> Rulebook:
    assert demo_rulebook.is_empty()
    demo_rulebook.load(NOW)
    assert not demo_rulebook.is_empty()
    with transaction.atomic():
        return rulebook.current()


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return [event for part in demo.week(NOW, seed=1) for event in part.events]


def broken_by(event: dict[str, Any], book: Rulebook) -> tuple[str, ...]:
    """The rules that an event breaks."""
    at = datetime.fromisoformat(event["occurred_at"])
    version = book.in_force(event["workload"], at)
    known: dict[str, Any] = {name: event[name] for name in Facts.__dataclass_fields__ if name in event}
    used = frozenset(event.get("provider_features", ()))
    facts = Facts(**known | {"status": str(event["status"]), "provider_features": used})
    enabled = book.is_enabled(event["workload"], event["primary"], event["fallback"], at)
    return judge(facts, version.policy if version else None, book.models, enabled=enabled).rules


def test_three_routes_are_enabled_and_one_waits(book: Rulebook) -> None:
    states = {stored.workload: enablement.route_state(stored.workload) for stored in versions.latest_of()}
    assert states == {
        "batch-extraction": "enabled",
        "code-assistant": "verified",
        "image-understanding": "enabled",
        "support-chat": "enabled",
    }
    assert [stored.version for stored in versions.history("support-chat")] == [3, 2, 1]
    assert Verification.objects.count() == 6


def test_all_of_it_holds_since_before_the_week(book: Rulebook) -> None:
    begin = NOW - timedelta(days=demo.DAYS, minutes=10)
    for workload, known in book.versions.items():
        assert book.in_force(workload, begin) == known[-1]
        assert known[0].since < begin
    assert book.is_enabled("support-chat", "premium-chat", "baseline-chat", begin)
    assert all(row.received_at < begin for row in Verification.objects.all())


def test_each_event_is_one_that_a_service_could_send(events: list[dict[str, Any]]) -> None:
    for event in events[::25]:
        checked = reading.read_events(json.dumps(event).encode(), lines=False, key=ANYTHING, now=NOW)
        assert checked.rejected == []


def test_most_events_are_allowed_and_most_rules_were_broken_by_some(
    book: Rulebook, events: list[dict[str, Any]]
) -> None:
    broken: Counter[str] = Counter()
    violations = 0
    for event in events:
        rules = broken_by(event, book)
        broken.update(rules)
        violations += bool(rules)
    assert 0.01 < violations / len(events) < 0.15
    assert set(broken) >= {
        *("undeclared_route", "never_fallback", "entitlement", "no_backoff", "trigger_not_allowed"),
        *("provider_features", "silent", "not_enabled"),
    }


def test_what_a_policy_and_a_page_ask_of_events_is_told(events: list[dict[str, Any]]) -> None:
    told = Counter(name for event in events for name, value in event.items() if value is not None)
    usual = ("attempts", "payload_class", "primary_latency_ms", "input_tokens", "request_id")
    assert all(told[name] == len(events) for name in usual)
    assert all(told[name] > len(events) / 10 for name in ("tier", "error_code", "user_notified", "output_tokens"))
    assert told["provider_features"] > 0
    without_policy = {"search-summaries", "meeting-notes"}
    assert {event["workload"] for event in events} == {*demo_rulebook.WORKLOADS, *without_policy}


def test_who_looks_first_sees_trouble_of_every_kind_and_what_was_last_night(book: Rulebook) -> None:
    minutes: dict[str, dict[datetime, Minute]] = defaultdict(lambda: defaultdict(Minute))
    for part in demo.week(NOW, seed=1):
        for event in part.events:
            at = datetime.fromisoformat(event["occurred_at"]).replace(second=0, microsecond=0)
            one = Minute(Counts(**{event["outcome"]: 1}), int("silent" in broken_by(event, book)))
            minutes[event["workload"]][at] += one
        for count in part.counts:
            for number in range(5):
                at = datetime.fromisoformat(count["start"]) + number * MINUTE
                minutes[count["workload"]][at] += Minute(Counts(count["requests"] // 5))
    counted = {slug for slug, known in minutes.items() if any(each.counts.requests for each in known.values())}
    assert set(minutes) - counted == {"meeting-notes"}
    now = NOW.replace(second=0, microsecond=0)
    expected = {"code-assistant": "failing", "image-understanding": "silent", "support-chat": "degraded"}
    for slug, state in expected.items():
        limits = Limits(book.versions[slug][-1].policy.degraded_above)
        found = episodes(minutes[slug], now - timedelta(hours=30), now + 8 * MINUTE, limits)
        assert (found[-1].end, found[-1].worst) == (None, state)
        assert found[-1].start < now - 30 * MINUTE
    last_night = [each for each in found if each.end and each.end - each.start > 40 * MINUTE]
    assert [each.worst for each in last_night] == ["degraded"]
