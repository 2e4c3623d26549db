"""Scoring: what settles a sample, what is refused, and what suspends a route by itself."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from fallbacks import review_queue, routes
from fallbacks.models import AuditEntry, Enablement, Review, Sample, User
from fallbacks.reading import Refused
from fallbacks.review_queue import NotHeld
from fallbacks.scoring import MOST_COMMENT, Score, Scored, score
from tests import reviews
from tests.dashboard import stage
from tests.policy import on_the_way as way
from tests.policy import stored
from tests.reviews import CRITERIA, reviewer, sampled
from tests.side_by_side import at_once

pytestmark = pytest.mark.usefixtures("database")
no_memory = stage.no_memory
MARKS = {"correct": "pass", "tone": "na"}
GOOD, BAD = Score(MARKS, True), Score({"correct": "fail", "tone": "pass"}, False)


def say(sample: Sample, by: User, passed: bool, comment: str = "") -> Scored:
    """Claim a sample and score it."""
    review_queue.claim(by, sample=sample.id)
    return score(sample.id, by, GOOD if passed else BAD, GOOD, comment or ("" if passed else "wrong sum"))


def after(sample: Sample) -> Sample:
    return Sample.objects.get(id=sample.id)


def test_the_log_tells_what_was_said_when_it_is_settled_and_not_before() -> None:
    reviews.policy(reviews_required=2)
    (sample,) = sampled()
    say(sample, reviewer("ana"), True)
    first = AuditEntry.objects.filter(action="sample scored").latest("number")
    assert json.loads(first.details)["said"] == []
    assert "pass" not in first.details.replace("passed", "")
    say(sample, reviewer("ben"), True)
    second = json.loads(AuditEntry.objects.filter(action="sample scored").latest("number").details)
    assert [(each["by"], each["passed"]) for each in second["said"]] == [("ana", True), ("ben", True)]


# What settles it


@pytest.mark.parametrize("passed", [True, False])
def test_one_score_settles_a_sample_where_one_is_required(passed: bool) -> None:
    (sample,) = sampled()
    done = say(sample, reviewer("ana"), passed)
    assert (done.settled, done.passed, done.suspended) == (True, passed, False)
    stored_ = after(sample)
    assert (stored_.passed, stored_.held_by_id, stored_.held_until) == (passed, None, None)
    assert stored_.scored_at is not None
    review = Review.objects.get()
    assert (review.marks, review.passed) == ((GOOD if passed else BAD).marks, passed)
    assert (review.primary_marks, review.primary_passed) == (MARKS, True)


def test_of_two_who_are_required_the_second_settles_it() -> None:
    reviews.policy(reviews_required=2)
    (sample,) = sampled()
    ana, ben = reviewer("ana"), reviewer("ben")
    first = say(sample, ana, True)
    assert (first.settled, first.passed, after(sample).scored_at) == (False, None, None)
    assert review_queue.claim(ana) is None
    second = say(sample, ben, True)
    assert (second.settled, second.passed) == (True, True)


@pytest.mark.parametrize("third", [True, False])
def test_two_who_disagree_are_decided_by_a_third(third: bool) -> None:
    reviews.policy(reviews_required=2)
    (sample,) = sampled()
    say(sample, reviewer("ana"), True)
    assert say(sample, reviewer("ben"), False).settled is False
    assert after(sample).scored_at is None
    done = say(sample, reviewer("cora"), third)
    assert (done.settled, done.passed, after(sample).passed) == (True, third, third)


def test_an_answer_without_one_by_the_primary_is_scored_alone() -> None:
    (sample,) = sampled(primary_output=None)
    ana = reviewer("ana")
    review_queue.claim(ana)
    score(sample.id, ana, GOOD, None, "")
    review = Review.objects.get()
    assert (review.primary_marks, review.primary_passed) == (None, None)


# What is refused


@pytest.mark.parametrize(
    ("over", "fields"),
    [
        ({"fallback": Score({"correct": "pass"}, True)}, ["fallback.tone"]),
        ({"fallback": Score({**MARKS, "tone": "good"}, True)}, ["fallback.tone"]),
        ({"fallback": Score({**MARKS, "extra": "pass"}, True)}, ["fallback.extra"]),
        ({"fallback": Score(MARKS, None)}, ["fallback.overall"]),
        ({"primary": None}, ["primary.correct", "primary.tone", "primary.overall"]),
        ({"primary": Score({"tone": "na"}, None)}, ["primary.correct", "primary.overall"]),
        ({"fallback": BAD}, ["comment"]),
        # Of the primary's as well: a difference would tell a blind reviewer which is which.
        ({"primary": BAD}, ["comment"]),
        ({"fallback": BAD, "comment": " \n"}, ["comment"]),
        ({"comment": "x" * (MOST_COMMENT + 1)}, ["comment"]),
    ],
)
def test_what_is_not_whole_is_refused_by_field_and_nothing_of_it_is_stored(
    over: dict[str, Any], fields: list[str]
) -> None:
    (sample,) = sampled()
    ana = reviewer("ana")
    review_queue.claim(ana)
    said: dict[str, Any] = {"fallback": GOOD, "primary": GOOD, "comment": ""} | over
    with pytest.raises(Refused) as refused:
        score(sample.id, ana, **said)
    assert [each.field for each in refused.value.problems] == fields
    assert not Review.objects.exists()
    assert after(sample).held_by_id == ana.id
    assert not AuditEntry.objects.filter(action="sample scored").exists()


def test_a_score_of_an_answer_that_the_primary_did_not_give_is_refused() -> None:
    (sample,) = sampled(primary_output=None)
    ana = reviewer("ana")
    review_queue.claim(ana)
    with pytest.raises(Refused):
        score(sample.id, ana, GOOD, GOOD, "")


def test_what_one_does_not_hold_cannot_be_scored() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    (sample,) = sampled()
    with pytest.raises(NotHeld):
        score(sample.id, ana, GOOD, GOOD, "")
    review_queue.claim(ben)
    with pytest.raises(NotHeld):
        score(sample.id, ana, GOOD, GOOD, "")
    Sample.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotHeld):
        score(sample.id, ben, GOOD, GOOD, "")
    assert not Review.objects.exists()


def test_a_score_that_is_sent_twice_at_once_counts_once() -> None:
    ana = reviewer("ana")
    samples = sampled(10)
    review_queue.claim(ana)
    for sample in samples:
        (refused,) = at_once(*[partial(score, sample.id, ana, GOOD, GOOD, "")] * 2)
        assert isinstance(refused, NotHeld)
    assert Review.objects.count() == 10
    assert AuditEntry.objects.filter(action="sample scored").count() == 10


# The audit log


def test_each_score_is_in_the_audit_log_with_its_marks_and_what_it_settled() -> None:
    reviews.policy(reviews_required=2)
    (sample,) = sampled()
    say(sample, reviewer("ana"), False)
    say(sample, reviewer("ben"), False)
    entries = list(AuditEntry.objects.filter(action="sample scored").order_by("number"))
    assert [(each.actor, each.workload, each.subject) for each in entries] == [
        ("ana", "support-chat", f"sample {sample.id}"),
        ("ben", "support-chat", f"sample {sample.id}"),
    ]
    details = [json.loads(each.details) for each in entries]
    assert [each["settled"] for each in details] == [None, False]
    assert [each["marks"] for each in details[1]["said"]] == [{"correct": "fail", "tone": "pass"}] * 2
    # What a comment says may be about what a user wrote: the log is for ever.
    assert not any("wrong sum" in each.details for each in entries)


# Suspended by itself


@pytest.fixture
def enabled() -> list[Sample]:
    """An enabled route of which the newest 4 samples have to pass by three quarters; 12 samples wait."""
    reviews.policy(min_reviews=4, pass_rate=0.75)
    stored.verify()
    way.enable()
    return sampled(12)


def is_enabled() -> bool:
    return Enablement.objects.filter(until=None).exists()


def test_a_route_is_suspended_as_soon_as_its_newest_samples_pass_too_seldom(enabled: list[Sample]) -> None:
    ana = reviewer("ana")
    said = [say(sample, ana, passed) for sample, passed in zip(enabled, [True, True, True, False], strict=False)]
    assert not any(each.suspended for each in said)
    assert is_enabled()
    done = say(enabled[4], ana, False)
    assert done.suspended
    assert not is_enabled()
    entry = AuditEntry.objects.get(action="route suspended")
    assert entry.actor == "the observatory"
    assert "2 of the newest 4 samples passed, under 75" in entry.details
    # The score comes before what followed from it.
    assert AuditEntry.objects.filter(action="sample scored").latest("number").number == entry.number - 1
    assert routes.route_state("support-chat") == "suspended"
    assert say(enabled[5], ana, False).suspended is False


def test_fewer_samples_than_are_needed_suspend_nothing(enabled: list[Sample]) -> None:
    ana = reviewer("ana")
    for sample in enabled[:3]:
        assert say(sample, ana, False).suspended is False
    assert is_enabled()
    # The fourth counts whichever way it goes.
    assert say(enabled[3], ana, True).suspended
    assert not is_enabled()


def test_old_failures_do_not_count_against_newer_answers(enabled: list[Sample]) -> None:
    ana = reviewer("ana")
    for sample, passed in zip(enabled, [False, True, True, True, True, False, True, True], strict=False):
        assert say(sample, ana, passed).suspended is False
    assert is_enabled()


def test_a_policy_may_leave_the_suspending_to_people(enabled: list[Sample]) -> None:
    reviews.policy(min_reviews=4, pass_rate=0.75, auto_suspend=False)
    ana = reviewer("ana")
    for sample in enabled:
        assert say(sample, ana, False).suspended is False
    assert is_enabled()


def test_what_is_not_settled_suspends_nothing() -> None:
    reviews.policy(min_reviews=1, pass_rate=1, reviews_required=2)
    stored.verify()
    way.enable()
    (sample,) = sampled()
    assert say(sample, reviewer("ana"), False).suspended is False
    assert is_enabled()
    assert say(sample, reviewer("ben"), False).suspended is True
    assert not is_enabled()


def test_criteria_are_those_of_the_policy_when_it_was_sampled() -> None:
    (sample,) = sampled()
    reviews.policy(criteria=["safe"])
    assert after(sample).criteria == CRITERIA
    assert say(sample, reviewer("ana"), True).settled
