"""The demo's week under the demo's policies: mostly as they allow, and of most rules some events that broke them."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from fallbacks import audit, enablement, partitions, recording, review_results, routes, rulebook, versions
from fallbacks.keys import Key
from fallbacks.local import demo, demo_reviews, demo_rulebook, demo_texts, demo_trials
from fallbacks.models import AuditEntry, Enablement, Review, Sample, User, Verification
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook
from fallbacks.states import MINUTE, Limits, Minute, episodes
from fallbacks.timebuckets import Window
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


def test_three_routes_are_enabled_and_one_waits_for_an_approval(book: Rulebook) -> None:
    states = {stored.workload: routes.route_state(stored.workload) for stored in versions.latest_of()}
    assert states == {
        "batch-extraction": "enabled",
        "code-assistant": "in review",
        "image-understanding": "enabled",
        "support-chat": "enabled",
    }
    assert [stored.version for stored in versions.history("support-chat")] == [3, 2, 1]
    assert Verification.objects.count() == 6


def test_every_route_came_as_far_as_it_is_by_its_evidence(book: Rulebook) -> None:
    for stored in versions.latest_of():
        at = routes.standing(stored.workload)
        assert at is not None
        assert at.is_verified
        assert at.scored.count >= stored.policy.review.min_reviews
        assert at.scored.passes(stored.policy)
        assert at.scored.passed < at.scored.count
        assert at.request is not None
        assert at.request.asked_by.username == "engineer"
        if at.enablement is not None:
            assert (at.request.state, at.enablement.approved_by) == ("approved", "reviewer")
            assert at.enablement.request == at.request
            assert at.request.asked_at < at.enablement.since == at.request.decided_at
    waits = routes.standing("code-assistant")
    assert waits is not None
    assert waits.open_request is not None
    assert enablement.missing(waits) == []
    enablement.approve("code-assistant", User.objects.get(username="reviewer2"), waits.seen, "Seen.")


def test_one_enablement_ends_within_the_time_of_notice(book: Rulebook) -> None:
    soon = [row.workload.slug for row in Enablement.objects.filter(expires_at__lt=NOW + routes.NOTICE)]
    assert soon == ["image-understanding"]


def test_what_was_reviewed_before_the_week_is_in_staging_and_in_the_order_of_its_story(book: Rulebook) -> None:
    assert set(Sample.objects.values_list("environment", flat=True)) == {"staging"}
    for one in Sample.objects.all():
        came = one.occurred_at + timedelta(seconds=2)
        assert (one.sampled_at, one.due_at) == (came, came + timedelta(hours=72))
        assert all(one.sampled_at < each.at <= NOW for each in one.reviews.all())
        assert one.scored_at in (None, max(each.at for each in one.reviews.all()))
    # Two looked at the same, and saw it differently: it waits for a third.
    waiting = review_results.waiting()
    assert waiting.count == waiting.split == 2


def test_the_audit_log_tells_every_step_and_is_sound(book: Rulebook) -> None:
    found = audit.check()
    assert (found.wrong, found.sound) == ("", AuditEntry.objects.count())
    actions = Counter(AuditEntry.objects.values_list("action", flat=True))
    assert actions["sample scored"] == Review.objects.count() > 100
    assert (actions["enablement requested"], actions["route enabled"], actions["verification received"]) == (4, 3, 6)
    # Its times are those of loading, and pages tell of others: the log says why.
    for entry in AuditEntry.objects.filter(action__in=["enablement requested", "route enabled"]):
        assert "(The demo: each step was logged when it was loaded.)" in json.loads(entry.details)["why"]
    tested = AuditEntry.objects.filter(action="verification received")
    assert set(tested.values_list("actor", flat=True)) == {"the demo, as it was loaded"}


def test_the_demo_is_there_whole_or_not_at_all(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_trials, "approve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo_rulebook.load(NOW)
    assert demo_rulebook.is_empty()
    assert not Sample.objects.exists()


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
    # A few answers of support-chat are silent, and fall close together on some clocks.
    degraded = {"degraded", "silent"}
    expected = {"code-assistant": {"failing"}, "image-understanding": {"silent"}, "support-chat": degraded}
    for slug, states in expected.items():
        limits = Limits(book.versions[slug][-1].policy.degraded_above)
        found = episodes(minutes[slug], now - timedelta(hours=30), now + 8 * MINUTE, limits)
        assert found[-1].end is None
        assert found[-1].worst in states
        assert found[-1].start < now - 30 * MINUTE
    last_night = [each for each in found if each.end and each.end - each.start > 40 * MINUTE]
    assert len(last_night) == 1
    assert last_night[0].worst in degraded


# Reviews of the week


@pytest.fixture
def week(book: Rulebook, events: list[dict[str, Any]]) -> None:
    """What the week brought is recorded, as a product does, and worked through."""
    for start in range(0, len(events), 1000):
        body = json.dumps({"events": events[start : start + 1000]}).encode()
        checked = reading.read_events(body, lines=False, key=ANYTHING, now=NOW)
        assert not checked.rejected
        partitions.ensure_known(recording.days_of(checked.good))
        recording.record(checked.good, [])
    demo_reviews.work_through_the_week(NOW)


def test_a_part_of_the_answers_comes_with_its_texts(events: list[dict[str, Any]]) -> None:
    with_texts = [event for event in events if "sample" in event]
    assert 0.05 < len(with_texts) / len(events) < 0.2
    assert {event["workload"] for event in with_texts} == set(demo_texts.TEXTS)
    assert all(event["outcome"] == "served" for event in with_texts)
    assert any("primary_output" in event["sample"] for event in with_texts)
    assert len({event["sample"]["output"] for event in with_texts}) > 60
    assert not any("$" in text for event in with_texts for text in event["sample"].values())


def test_a_fresh_demo_has_a_queue_some_of_it_overdue_and_nothing_of_it_unmasked(week: None) -> None:
    waiting = review_results.waiting()
    # Both depend on the hour of the day: days are counted in UTC.
    assert 20 <= waiting.count <= 150
    assert 1 <= waiting.overdue <= 30
    assert NOW - timedelta(days=7) < min(Sample.objects.filter(scored_at=None).values_list("sampled_at", flat=True))
    assert len(review_results.waiting_by_workload()) == 4
    assert {"share", "violation", "error class"} <= set(Sample.objects.values_list("reason", flat=True))
    kinds = {kind for masked in Sample.objects.values_list("masked", flat=True) for kind in masked}
    assert len(kinds) >= 3
    for secret in ("@example.com", "4111 1111", "DE89 3704", "901820"):
        assert not Sample.objects.filter(input__contains=secret).exists()
    # Nobody is in the way of who signs in.
    assert not Sample.objects.exclude(held_by=None).exists()


def test_the_week_was_reviewed_by_two_and_no_route_fell(week: None) -> None:
    found = review_results.results(Window.last(timedelta(days=7), NOW), timedelta(days=1))
    assert set(Review.objects.values_list("reviewer__username", flat=True)) == {"reviewer", "reviewer2"}
    assert found.whole.scored.count > 40
    assert found.whole.scored.failed
    assert {route[0] for route in found.routes} == set(demo_rulebook.WORKLOADS)
    assert found.whole.median is not None
    assert timedelta(hours=1) < found.whole.median < timedelta(days=2)
    assert found.agreement.agreed.failed == 2
    states = {stored.workload: routes.route_state(stored.workload) for stored in versions.latest_of()}
    assert Counter(states.values()) == {"enabled": 3, "in review": 1}
    assert audit.check().wrong == ""


def test_working_through_again_changes_little(week: None) -> None:
    before = dict(Sample.objects.values_list("id", "sampled_at"))
    demo_reviews.work_through_the_week(NOW)
    assert dict(Sample.objects.values_list("id", "sampled_at")) == before
