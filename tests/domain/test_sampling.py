"""Which answers people get to look at: new pairs and violations first, a fair share of the rest, and none twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError

from fallbacks import policies, recounting, rejudging, sampling
from fallbacks.models import Sample
from fallbacks.recording import record
from fallbacks.rows import EventRow, SampleRow
from tests import make
from tests.make import NOON
from tests.policy import stored
from tests.policy.policies import DEMO, REVIEW, TEMPORARY
from tests.side_by_side import at_once

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
# So small a share that nothing is picked for it.
HARDLY_ANY = 1e-12


def policy(sample_rate: float = HARDLY_ANY, daily_cap: int = 40, **review: Any) -> None:
    """A policy that answers of these tests do not break, and that asks for so much."""
    review = REVIEW | {"sample_rate": sample_rate, "daily_cap": daily_cap} | review
    stored.put_support(user_visible=False, triggers=TEMPORARY, min_attempts=1, review=review)


def answers(count: int, **over: Any) -> list[EventRow]:
    return [make.event(**{"sample": SampleRow(output="Done.")} | over) for _ in range(count)]


def reasons() -> Counter[str]:
    return Counter(Sample.objects.values_list("reason", flat=True))


@pytest.fixture
def known() -> Callable[[], None]:
    """Record so many answers of the pair that it is not new any more."""

    def fill() -> None:
        record(answers(sampling.FIRST))
        assert reasons() == {"first": sampling.FIRST}

    return fill


@pytest.mark.parametrize("batches", [[30], [15, 15], [1] * 22])
def test_the_first_20_of_a_new_pair_are_picked_whatever_the_cap(batches: Sequence[int]) -> None:
    policy(daily_cap=0)
    for count in batches:
        record(answers(count))
    assert reasons() == {"first": 20}
    record(answers(25, fallback="another-model"))
    assert Counter(Sample.objects.values_list("fallback", "reason")) == {
        ("baseline-chat", "first"): 20,
        ("another-model", "first"): 20,
        # No policy declares this pair.
        ("another-model", "violation"): 5,
    }


def test_a_violation_is_always_picked_beyond_the_cap_too(known: Callable[[], None]) -> None:
    policy(daily_cap=3)
    known()
    record([*answers(50, status="401"), *answers(50)])
    assert reasons() == {"first": 20, "violation": 50}


def test_a_share_of_the_others_is_picked_by_the_event_alone(known: Callable[[], None]) -> None:
    policy(sample_rate=0.05, daily_cap=100_000)
    known()
    events = [event for number in range(4000) for event in answers(1, id=f"e{number}")]
    for start in range(0, len(events), 700):
        record(events[start : start + 700])
    picked = set(Sample.objects.filter(reason="share").values_list("event", flat=True))
    assert picked == {event.id for event in events if sampling.place("support-chat", NOON, event.id) < 0.05}
    # Five standard deviations of 200.
    assert 130 <= len(picked) <= 270
    assert reasons() == {"first": 20, "share": len(picked)}


def test_events_lie_evenly_between_0_and_1_and_always_in_the_same_place() -> None:
    at = datetime(2026, 11, 17, 14, 4, 12, 123456, tzinfo=UTC)
    places = [sampling.place("support-chat", at, f"event-{number}") for number in range(20_000)]
    tenths = Counter(int(place * 10) for place in places)
    assert set(tenths) == set(range(10))
    assert all(1_800 <= count <= 2_200 for count in tenths.values())
    assert sampling.place("support-chat", at, "a") == pytest.approx(0.49213, abs=1e-5)
    elsewhere = datetime.fromisoformat("2026-11-17T15:04:12.123456+01:00")
    assert sampling.place("support-chat", elsewhere, "a") == sampling.place("support-chat", at, "a")


def test_of_each_class_and_of_paid_tiers_one_a_day_is_picked(known: Callable[[], None]) -> None:
    policy()
    known()
    later = [*answers(9, status="timeout"), *answers(9, tier="pro"), *answers(9, tier="free"), *answers(9)]
    for event in later:
        record([event])
    assert reasons() == {"first": 20, "error class": 1, "paid tier": 1}
    # Another day: all of it is missing again, and one answer of a paid tier is of both.
    record(answers(9, occurred_at=NOON - DAY, tier="enterprise"))
    assert reasons() == {"first": 20, "error class": 2, "paid tier": 1}
    assert set(Sample.objects.filter(paid=True).values_list("tier", flat=True)) == {"pro", "enterprise"}


def test_a_quarter_of_the_cap_is_left_to_classes_and_paid_tiers(known: Callable[[], None]) -> None:
    policy(sample_rate=1, daily_cap=40)
    known()
    record(answers(60))
    assert reasons() == {"first": 20, "share": 10}
    record([*answers(5, status="timeout"), *answers(5, tier="pro")])
    assert reasons() == {"first": 20, "share": 10, "error class": 1, "paid tier": 1}
    record(answers(60, occurred_at=NOON - DAY))
    assert reasons()["share"] == 40


def test_over_the_cap_of_a_day_no_class_is_picked_any_more(known: Callable[[], None]) -> None:
    policy(daily_cap=21)
    known()
    record([*answers(5, status="timeout"), *answers(5, status="503"), *answers(5, tier="pro")])
    assert reasons()["first"] == 20
    assert reasons().total() == 21


def test_no_event_is_picked_twice(known: Callable[[], None]) -> None:
    policy(sample_rate=1, daily_cap=1000)
    known()
    events = answers(50)
    for _ in range(3):
        record(events)
    assert reasons() == {"first": 20, "share": 50}
    assert Sample.objects.values("event").distinct().count() == 70


@pytest.mark.parametrize(
    ("over", "review"),
    [
        ({}, {"sample_rate": 0}),
        ({"sample": None}, {}),
        ({"sample": SampleRow(input="Where is it?")}, {}),
        ({"outcome": "failed"}, {}),
        ({"outcome": "blocked"}, {}),
        ({"workload": "without-a-policy"}, {}),
    ],
    ids=["none asked for", "no texts", "no answer", "failed", "blocked", "no policy"],
)
def test_nothing_is_picked(over: dict[str, Any], review: dict[str, Any]) -> None:
    policy(**{"sample_rate": 1} | review)
    assert record(answers(30, **over)).events == 30
    assert Sample.objects.count() == 0


def test_a_sample_holds_what_reviewers_need_as_the_policy_was() -> None:
    policy(sample_rate=1, criteria=["correct", "kind"], reviews_required=2, due_hours=5)
    texts = SampleRow("Where is [e-mail]'s parcel?", "Out.", "It is out.", {"e-mail": 1})
    record(answers(1, sample=texts, tier="pro", payload_class="chat", status="401"))
    policy(sample_rate=1, criteria=["other"])
    found = Sample.objects.get()
    assert (found.input, found.output, found.primary_output, found.masked) == (
        texts.input,
        texts.output,
        texts.primary_output,
        texts.masked,
    )
    assert (found.primary, found.fallback, found.error_class) == ("premium-chat", "baseline-chat", "authentication")
    assert (found.tier, found.paid, found.payload_class, found.policy_version) == ("pro", True, "chat", 1)
    assert (found.criteria, found.reviews_required, found.rules > 0) == (["correct", "kind"], 2, True)
    assert found.due_at - found.sampled_at == timedelta(hours=5)


def test_the_fallback_is_shown_on_either_side_as_often() -> None:
    policy(sample_rate=1, daily_cap=1000)
    record(answers(300))
    assert 100 <= Sample.objects.filter(swapped=True).count() <= 200


def test_what_the_database_refuses_leaves_no_sample_behind() -> None:
    policy(sample_rate=1)
    with pytest.raises((DataError, IntegrityError)):
        record([*answers(1), *answers(1, sample=SampleRow(output="a\0b"))])
    assert Sample.objects.count() == 0
    assert record(answers(1)).events == 1
    assert Sample.objects.count() == 1


def test_judging_again_and_recounting_leave_samples_as_they_are() -> None:
    policy(sample_rate=1)
    record(answers(10, tier="pro"))
    before = list(Sample.objects.order_by("id").values())
    policy(sample_rate=1, daily_cap=5)
    stored.put_support(triggers=["timeout"], review=REVIEW)
    rejudging.rejudge("support-chat", NOON - DAY, NOON + DAY)
    assert recounting.compare(repair=True) == []
    assert list(Sample.objects.order_by("id").values()) == before


def recorder(batches: Sequence[Sequence[EventRow]]) -> Callable[[], None]:
    def run() -> None:
        for batch in batches:
            record(batch)

    return run


def in_batches(events: Sequence[EventRow], size: int = 5) -> Iterator[Sequence[EventRow]]:
    return (events[start : start + size] for start in range(0, len(events), size))


def test_recorders_at_once_keep_the_cap_of_a_day() -> None:
    policy(sample_rate=1, daily_cap=60)
    assert at_once(*(recorder(list(in_batches(answers(100)))) for _ in range(4))) == []
    # 20 of a new pair and the share, up to three quarters of the cap.
    assert reasons() == {"first": 20, "share": 25}


def test_recorders_that_meet_the_same_events_pick_each_once() -> None:
    policy(sample_rate=1, daily_cap=100_000)
    events = answers(200)
    assert at_once(recorder([events] * 3), recorder([events[::-1]] * 3), recorder(list(in_batches(events)))) == []
    assert (Sample.objects.count(), reasons()["first"]) == (200, 20)
    assert recounting.compare() == []


def test_recorders_of_several_workloads_in_any_order_wait_in_no_circle() -> None:
    policy(sample_rate=1, daily_cap=1000)
    stored.put_models()
    for body in DEMO[1:]:
        policies.put(body["workload"], body | {"review": REVIEW | {"sample_rate": 1, "daily_cap": 1000}}, "tests")
    pairs = [(body["workload"], body["primary"], body["fallback"]) for body in DEMO]
    events = [
        event
        for number in range(40)
        for workload, primary, fallback in pairs
        for event in answers(1, workload=workload, primary=primary, fallback=fallback, id=f"e{number}")
    ]
    batches = list(in_batches(events, 12))
    turned = [batch[::-1] for batch in reversed(batches)]
    assert at_once(recorder(batches), recorder(turned), recorder(batches[::-1])) == []
    assert Sample.objects.count() == len(events)
    assert recounting.compare() == []
