"""What reviews say: every figure is the one that is counted by hand, in its window and of its workload."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fallbacks import review_results
from fallbacks.intervals import wilson
from fallbacks.models import Review, Sample
from fallbacks.review_results import Pairs, Passed
from fallbacks.timebuckets import Window
from tests.samples import review, reviewer, sample

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Window(NOON - 3 * DAY, NOON + 4 * DAY)
CRITERIA = ("correct", "tone", "safe")


@pytest.mark.parametrize(
    ("passed", "count", "low", "high"),
    [(19, 20, 0.764, 0.991), (38, 40, 0.835, 0.986), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (0, 0, 0.0, 1.0)],
)
def test_an_interval_is_wilsons(passed: int, count: int, low: float, high: float) -> None:
    found = wilson(passed, count)
    assert found == pytest.approx((low, high), abs=0.0006)
    # Solved: the shares whose own scatter reaches just as far as what was found.
    for share in found if 0 < passed < count else ():
        assert abs(passed / count - share) == pytest.approx(1.959964 * (share * (1 - share) / count) ** 0.5, abs=1e-6)


def test_kappa_is_what_chance_does_not_do() -> None:
    # Cohen's own way: 35 of 50 agree, and chance alone makes 25 of them.
    assert Pairs(20, 5, 10, 15).kappa == pytest.approx(0.4)
    assert Pairs(3, 0, 0, 3).kappa == 1
    assert Pairs(0, 3, 3, 0).kappa == -1
    assert Pairs(9, 0, 0, 0).kappa is None
    assert Pairs().kappa is None
    assert Pairs(20, 5, 10, 15).agreed == Passed(35, 50)


# --- A heap of samples, and the same figures counted in Python -------------------------------------


@pytest.fixture
def heap(database: None) -> list[Sample]:
    dice = random.Random(7)
    people = [reviewer(name) for name in ("ana", "ben", "cem")]
    made = []
    for number in range(160):
        sampled = NOON - 5 * DAY + timedelta(minutes=dice.randrange(11 * 1440))
        done = number % 8 > 0
        one = sample(
            dice.choice(["support-chat", "code-assistant"]),
            fallback=dice.choice(["baseline-chat", "mini-chat"]),
            error_class=dice.choice(["overloaded", "timeout", ""]),
            environment=dice.choice(["production", "staging"]),
            sampled_at=sampled,
            due_at=sampled + timedelta(hours=20),
            criteria=list(CRITERIA),
            primary_output=dice.choice([None, "As usual."]),
            reviews_required=dice.choice([1, 2]),
            **({"passed": True, "scored_at": sampled + timedelta(minutes=dice.randrange(3000))} if done else {}),
        )
        if done:
            settle(one, people, dice)
        made.append(one)
    return made


def settle(one: Sample, people: list[Any], dice: random.Random) -> None:
    said: list[bool] = []
    for person in people:
        said.append(dice.random() < 0.7)
        marks = {name: dice.choice(["pass", "pass", "fail", "na"]) for name in CRITERIA}
        beside: dict[str, Any] = {}
        if one.primary_output:
            beside = {
                "primary_passed": dice.random() < 0.8,
                "primary_marks": {name: dice.choice(["pass", "fail", "na"]) for name in CRITERIA},
            }
        review(one, person, said[-1], marks=marks, comment=f"of {one.id}", **beside)
        if len(said) >= one.reviews_required and 2 * sum(said) != len(said):
            break
    one.passed = 2 * sum(said) > len(said)
    one.save()


def counted(samples: list[Sample]) -> dict[str, Any]:
    """The figures of some settled samples, the slow way."""
    took = sorted((one.scored_at or NOON) - one.sampled_at for one in samples)
    pairs: Counter[tuple[bool, bool]] = Counter()
    for one in samples:
        votes = [each.primary_passed for each in reviews(one) if each.primary_passed is not None]
        if votes and 2 * sum(votes) != len(votes):
            pairs[bool(one.passed), 2 * sum(votes) > len(votes)] += 1
    return {
        "scored": Passed(sum(bool(one.passed) for one in samples), len(samples)),
        "late": sum((one.scored_at or NOON) > one.due_at for one in samples),
        # The first that at least so large a part is not above.
        "median": took[-(-len(took) * 5 // 10) - 1],
        "p90": took[-(-len(took) * 9 // 10) - 1],
        "compared": Pairs(pairs[True, True], pairs[True, False], pairs[False, True], pairs[False, False]),
    }


def reviews(one: Sample) -> list[Review]:
    return list(Review.objects.filter(sample=one).order_by("id"))


def told(figures: Any) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in figures.__slots__}


@pytest.mark.parametrize("workload", ["", "support-chat"])
def test_each_figure_is_that_which_is_counted_by_hand(heap: list[Sample], workload: str) -> None:
    settled = [
        one
        for one in heap
        if one.scored_at and WEEK.start <= one.scored_at < WEEK.end and workload in ("", one.workload.slug)
    ]
    assert 30 < len(settled) < len(heap) - 20
    found = review_results.results(WEEK, DAY, workload)
    assert told(found.whole) == counted(settled)
    by: dict[str, dict[Any, list[Sample]]] = {name: defaultdict(list) for name in ("routes", "classes", "times")}
    for one in settled:
        assert one.scored_at is not None
        by["routes"][one.workload.slug, one.primary, one.fallback].append(one)
        by["classes"][one.error_class].append(one)
        by["times"][one.scored_at.replace(hour=0, minute=0, second=0, microsecond=0)].append(one)
    for name, groups in by.items():
        got = {key: told(figures) for key, figures in getattr(found, name).items()}
        assert got == {key: counted(samples) for key, samples in groups.items()}
        assert len(groups) > 1


def test_criteria_count_marks_and_what_is_not_applicable_is_in_no_share(heap: list[Sample]) -> None:
    marks: Counter[tuple[str, str, str]] = Counter()
    for one in heap:
        if one.scored_at and WEEK.start <= one.scored_at < WEEK.end:
            for each in reviews(one):
                marks.update(("fallback", name, mark) for name, mark in each.marks.items())
                marks.update(("primary", name, mark) for name, mark in (each.primary_marks or {}).items())
    got = review_results.results(WEEK, DAY).criteria
    assert [found.name for found in got] == sorted(CRITERIA)
    for found in got:
        yes, no = (marks["fallback", found.name, mark] for mark in ("pass", "fail"))
        assert (found.marks, found.na) == (Passed(yes, yes + no), marks["fallback", found.name, "na"])
        yes, no = (marks["primary", found.name, mark] for mark in ("pass", "fail"))
        assert found.primary == Passed(yes, yes + no)


def test_reviewers_agree_where_the_first_two_do_and_what_waits_for_a_third_is_no_agreement(heap: list[Sample]) -> None:
    for one in [one for one in heap if not one.scored_at and one.reviews_required == 2][:4]:
        review(one, reviewer("ana"), True)
        review(one, reviewer("ben"), False)
    pairs: Counter[tuple[bool, ...]] = Counter()
    for one in heap:
        said = [each.passed for each in reviews(one)]
        if (one.scored_at is None or WEEK.start <= one.scored_at < WEEK.end) and len(said) > 1:
            pairs[tuple(said[:2])] += 1
    found = review_results.results(WEEK, DAY).agreement
    assert found == Pairs(pairs[True, True], pairs[True, False], pairs[False, True], pairs[False, False])
    assert found.agreed.count == sum(pairs.values()) > 10
    assert found.agreed.passed == pairs[True, True] + pairs[False, False]


def test_what_waits_is_told_whatever_the_window(database: None) -> None:
    now = datetime.now(UTC)
    assert review_results.waiting() == review_results.Waiting(0, 0, None, 0)
    old = sample(sampled_at=now - 4 * DAY)
    sample(sampled_at=now - DAY)
    split = sample("code-assistant", sampled_at=now - DAY, reviews_required=2)
    review(split, reviewer("ana"), True)
    assert review_results.waiting("code-assistant").split == 0
    review(split, reviewer("ben"), False)
    sample(sampled_at=now, passed=True)
    # Nobody can score what has no text any more.
    sample(sampled_at=now - 9 * DAY, texts_removed_at=now)
    assert review_results.waiting() == review_results.Waiting(3, 1, old.sampled_at, 1)
    assert review_results.waiting("code-assistant") == review_results.Waiting(1, 0, split.sampled_at, 1)


def test_what_was_written_is_told_newest_first_and_no_more_than_asked_for(heap: list[Sample]) -> None:
    written = review_results.remarks(WEEK, most=1000)
    settled = {f"of {one.id}": one for one in heap if one.scored_at and WEEK.start <= one.scored_at < WEEK.end}
    assert Counter(each.comment for each in written) == Counter(
        comment for comment, one in settled.items() for _ in reviews(one)
    )
    assert [each.at for each in written] == sorted((each.at for each in written), reverse=True)
    assert review_results.remarks(WEEK, most=5) == written[:5]
    assert {each.route[0] for each in review_results.remarks(WEEK, "support-chat")} == {"support-chat"}
    newest = Review.objects.get(sample=settled[written[0].comment], reviewer__username=written[0].by)
    assert written[0].failed == tuple(sorted(name for name, mark in newest.marks.items() if mark == "fail"))
    assert written[0].passed == newest.passed
    Review.objects.filter(id=newest.id).update(comment="")
    assert len(review_results.remarks(WEEK, most=1000)) == len(written) - 1


def test_of_nothing_nothing_is_said(database: None) -> None:
    found = review_results.results(WEEK, DAY)
    assert told(found.whole) == {"scored": Passed(), "late": 0, "median": None, "p90": None, "compared": Pairs()}
    assert (found.routes, found.classes, found.times, found.criteria) == ({}, {}, {}, [])
    assert found.whole.scored.rate is None
    assert found.agreement == Pairs()
