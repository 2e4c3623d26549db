"""The queue of samples: claimed, renewed, skipped, handed back, free again by time, and never held by two."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fallbacks import review_queue, routes
from fallbacks.models import AuditEntry, CatalogueModel, Sample, User
from fallbacks.review_queue import MOST_CLAIMED, NotHeld, Place
from fallbacks.scoring import Score, score
from tests import reviews
from tests.reviews import CRITERIA, reviewer, sampled
from tests.side_by_side import at_once

pytestmark = pytest.mark.usefixtures("database")
GOOD = Score(dict.fromkeys(CRITERIA, "pass"), True)


def held(by: User) -> list[int]:
    return list(review_queue.held(by).values_list("id", flat=True))


def let_run_out(**of: object) -> None:
    """Move the time until which samples are held back, as if the half hour were over."""
    Sample.objects.filter(held_until__isnull=False, **of).update(held_until=timezone.now() - timedelta(seconds=1))


# Claiming


def test_the_most_urgent_are_given_first_and_no_more_than_asked_for() -> None:
    ana = reviewer("ana")
    samples = sampled(5)
    Sample.objects.filter(id=samples[3].id).update(due_at=timezone.now())
    assert review_queue.claim(ana, most=3) is not None
    assert held(ana) == [samples[3].id, samples[0].id, samples[1].id]


def test_no_more_can_be_claimed_at_once_than_one_works_through_in_a_sitting() -> None:
    ana = reviewer("ana")
    sampled(MOST_CLAIMED + 5)
    review_queue.claim(ana, most=1000)
    assert len(held(ana)) == MOST_CLAIMED


def test_what_somebody_holds_nobody_else_is_given() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    sampled(3)
    review_queue.claim(ana, most=2)
    review_queue.claim(ben)
    assert len(held(ana)) == 2
    assert len(held(ben)) == 1
    assert not {*held(ana)} & {*held(ben)}
    assert review_queue.claim(ben) is None


def test_a_workload_a_reason_or_one_sample_can_be_asked_for() -> None:
    ana = reviewer("ana")
    samples = sampled(22, user_visible=False)
    assert {each.reason for each in samples} == {"first", "share"}
    assert review_queue.claim(ana, workload="batch-extraction") is None
    review_queue.claim(ana, workload="support-chat", reason="share")
    assert held(ana) == [samples[20].id, samples[21].id]
    review_queue.claim(ana, sample=samples[7].id)
    assert samples[7].id in held(ana)
    assert len(held(ana)) == 3


def test_nobody_is_given_what_they_scored_or_skipped() -> None:
    reviews.policy(reviews_required=2)
    ana, ben = reviewer("ana"), reviewer("ben")
    first, second = sampled(2)
    review_queue.claim(ana)
    score(first.id, ana, GOOD, GOOD, "")
    review_queue.skip(second.id, ana, "I know who asked")
    assert review_queue.claim(ana) is None
    review_queue.claim(ben)
    assert held(ben) == [first.id, second.id]


def test_what_is_scored_or_has_no_texts_any_more_is_not_given() -> None:
    ana = reviewer("ana")
    first, second, third = sampled(3)
    review_queue.claim(ana, sample=first.id)
    score(first.id, ana, GOOD, GOOD, "")
    Sample.objects.filter(id=second.id).update(texts_removed_at=timezone.now())
    review_queue.claim(reviewer("ben"))
    assert Sample.objects.filter(held_until__isnull=False).get() == third


def change_route() -> None:
    """Change a model of the route, as if its region moved: what was said before counts no more."""
    CatalogueModel.objects.filter(name="baseline-chat").update(reshaped_at=timezone.now())


def test_what_counts_for_its_route_as_it_is_is_given_before_what_does_not_however_late_that_is() -> None:
    ana = reviewer("ana")
    before = sampled(3)
    Sample.objects.update(due_at=timezone.now() - timedelta(days=1))
    change_route()
    after = sampled(2)
    # Of another pair, though it is of now.
    Sample.objects.filter(id=before[2].id).update(primary="gone-chat", occurred_at=timezone.now())
    batch = review_queue.claim(ana, most=4)
    assert batch is not None
    given = [after[0].id, after[1].id, before[0].id, before[1].id]
    assert [each.sample for each in review_queue.progress(batch, ana)] == given
    assert [each.id for each in review_queue.in_order(ana)] == given


def test_what_counts_or_what_does_not_can_be_asked_for() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    before = sampled(2)
    change_route()
    after = sampled(3)
    review_queue.claim(ana, counts=True)
    review_queue.claim(ben, counts=False)
    assert held(ana) == [each.id for each in after]
    assert held(ben) == [each.id for each in before]
    told = [(each.counts, each.count) for each in review_queue.waiting(ana)]
    assert told == [(True, 3), (False, 2)]


def test_what_counts_in_the_queue_is_what_the_route_counts() -> None:
    ana = reviewer("ana")
    sampled(2)
    change_route()
    sampled(3)
    review_queue.claim(ana)
    samples = review_queue.in_order(ana)
    counting = review_queue.those_that_count(samples)
    for each in samples:
        score(each.id, ana, GOOD, GOOD, "")
    standing = routes.standing("support-chat")
    assert standing is not None
    assert standing.scored.count == len(counting) == 3


def test_what_one_holds_is_in_the_order_in_which_it_is_due_whatever_it_was_claimed_with() -> None:
    ana = reviewer("ana")
    samples = sampled(6)
    now = timezone.now()
    for hours, sample in zip((3, 1, 5, 2, 6, 4), samples, strict=True):
        Sample.objects.filter(id=sample.id).update(due_at=now + timedelta(hours=hours))
    for sample in samples:
        review_queue.claim(ana, sample=sample.id)
    assert held(ana) == [samples[index].id for index in (1, 3, 0, 5, 2, 4)]


# The half hour


def test_what_is_held_is_free_again_when_the_half_hour_is_over() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    (sample,) = sampled()
    review_queue.claim(ana)
    until = Sample.objects.get().held_until
    assert until is not None
    assert timedelta(minutes=29) < until - timezone.now() <= timedelta(minutes=30)
    let_run_out()
    assert held(ana) == []
    with pytest.raises(NotHeld):
        score(sample.id, ana, GOOD, GOOD, "")
    review_queue.claim(ben)
    assert held(ben) == [sample.id]


def test_whoever_works_holds_on_to_all_of_it() -> None:
    ana = reviewer("ana")
    sampled(3)
    review_queue.claim(ana)
    before = held(ana)
    Sample.objects.update(held_until=timezone.now() + timedelta(minutes=1))
    until = review_queue.renew(ana)
    assert until is not None
    assert until - timezone.now() > timedelta(minutes=29)
    assert set(Sample.objects.values_list("held_until", flat=True)) == {until}
    assert held(ana) == before


def test_what_ran_out_is_not_renewed_but_taken_up_again_unless_somebody_claimed_it() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    first, second = sampled(2)
    review_queue.claim(ana)
    batch = Sample.objects.get(id=second.id).batch
    let_run_out()
    assert review_queue.renew(ana) is None
    assert held(ana) == []
    review_queue.claim(ben, sample=first.id)
    assert review_queue.take_up(ana) == 1
    assert (held(ana), held(ben)) == ([second.id], [first.id])
    assert Sample.objects.get(id=second.id).batch == batch


def test_no_more_is_taken_up_again_than_there_is_room_for_and_the_one_asked_for_first() -> None:
    ana = reviewer("ana")
    sampled(2 * MOST_CLAIMED)
    review_queue.claim(ana)
    lapsed = held(ana)
    let_run_out()
    for sample in review_queue.open_samples().exclude(id__in=lapsed):
        review_queue.claim(ana, sample=sample.id)
    assert review_queue.take_up(ana) == MOST_CLAIMED
    assert not {*held(ana)} & {*lapsed}
    review_queue.hand_back(ana, "room", held(ana)[:2])
    assert review_queue.take_up(ana, lapsed[17]) == MOST_CLAIMED
    assert {*held(ana)} & {*lapsed} == {lapsed[0], lapsed[17]}


def test_windows_that_take_up_and_claim_at_once_hold_no_more_together_than_one_person_may() -> None:
    ana = reviewer("ana")
    sampled(3 * MOST_CLAIMED)
    review_queue.claim(ana)
    let_run_out()
    windows = [lambda: review_queue.take_up(ana), lambda: review_queue.claim(ana)] * 3
    assert at_once(*windows) == []
    assert len(held(ana)) <= MOST_CLAIMED


def test_what_was_handed_back_is_not_taken_up_again() -> None:
    ana = reviewer("ana")
    sampled(2)
    review_queue.claim(ana)
    review_queue.hand_back(ana, "no time")
    assert review_queue.take_up(ana) == 0


# Skipping and handing back


def test_a_skipped_sample_goes_to_others_with_its_reason_in_the_audit_log() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    (sample,) = sampled()
    review_queue.claim(ana)
    review_queue.skip(sample.id, ana, " not my \0 language ")
    assert held(ana) == []
    entry = AuditEntry.objects.latest("number")
    assert (entry.action, entry.actor, entry.subject) == ("sample skipped", "ana", f"sample {sample.id}")
    assert "not my � language" in entry.details
    with pytest.raises(NotHeld):
        review_queue.skip(sample.id, ana, "again")
    review_queue.claim(ben)
    assert held(ben) == [sample.id]


def test_all_or_one_is_handed_back_and_can_be_claimed_again_by_anybody() -> None:
    ana = reviewer("ana")
    samples = sampled(3)
    review_queue.claim(ana)
    assert review_queue.hand_back(ana, "lunch", [samples[1].id]) == 1
    assert held(ana) == [samples[0].id, samples[2].id]
    assert review_queue.hand_back(ana, "lunch") == 2
    assert held(ana) == []
    assert review_queue.hand_back(ana, "lunch") == 0
    assert AuditEntry.objects.filter(action="samples handed back", actor="ana").count() == 2
    review_queue.claim(ana)
    assert len(held(ana)) == 3


def test_nobody_hands_back_what_others_hold() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    (sample,) = sampled()
    review_queue.claim(ana)
    assert review_queue.hand_back(ben, "not mine", [sample.id]) == 0
    assert held(ana) == [sample.id]


def test_the_way_through_a_batch_tells_what_became_of_each() -> None:
    ana = reviewer("ana")
    samples = sampled(3)
    batch = review_queue.claim(ana)
    assert batch is not None
    score(samples[0].id, ana, Score(dict.fromkeys(CRITERIA, "fail"), False), GOOD, "wrong")
    review_queue.skip(samples[1].id, ana, "no")
    assert review_queue.progress(batch, ana) == [
        Place(1, samples[0].id, "failed"),
        Place(2, samples[1].id, "skipped"),
        Place(3, samples[2].id, "held"),
    ]
    assert review_queue.progress(batch, reviewer("ben")) == []


# What waits


def test_what_waits_is_counted_by_workload_and_reason_as_each_reviewer_meets_it() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    samples = sampled(22, user_visible=False)
    Sample.objects.filter(id=samples[0].id).update(due_at=timezone.now() - timedelta(hours=1))
    review_queue.claim(ana, reason="first", most=3)
    review_queue.skip(samples[2].id, ana, "no")
    first, share = review_queue.waiting(ana)
    assert (first.workload, first.reason, first.count, first.held, first.overdue) == ("support-chat", "first", 20, 0, 1)
    assert (first.free, share.free) == (17, 2)
    first, share = review_queue.waiting(ben)
    assert (first.free, first.held, share.count) == (18, 2, 2)
    let_run_out()
    assert review_queue.waiting(ben)[0].free == 20
    assert review_queue.pending() == {"support-chat": 22}


# Many at once


def test_windows_of_one_person_that_claim_at_once_hold_no_more_together_than_one_person_may() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    sampled(5 * MOST_CLAIMED)
    review_queue.claim(ana, most=3)
    windows = [lambda: review_queue.claim(ana, most=15)] * 4
    assert at_once(*windows, lambda: review_queue.claim(ben)) == []
    assert (len(held(ana)), len(held(ben))) == (MOST_CLAIMED, MOST_CLAIMED)
    assert review_queue.claim(ana) is None
    assert review_queue.claim(ana, sample=review_queue.open_samples().filter(held_by=None)[0].id) is None


def test_reviewers_never_wait_for_each_other() -> None:
    ana, ben = reviewer("ana"), reviewer("ben")
    samples = sampled(2 * MOST_CLAIMED)

    def impatient() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        review_queue.claim(ben)
        review_queue.renew(ben)
        score(samples[MOST_CLAIMED].id, ben, GOOD, GOOD, "")

    with transaction.atomic():
        review_queue.claim(ana)
        assert at_once(impatient) == []
    assert (len(held(ana)), len(held(ben))) == (MOST_CLAIMED, MOST_CLAIMED - 1)


@pytest.mark.parametrize("people", [2, 4])
def test_reviewers_who_hammer_the_queue_never_hold_one_item_twice_and_lose_none(people: int) -> None:
    """Each claims, scores, skips, hands back, renews and lets time run out, at random, until 500 samples are scored."""
    every = {each.id for each in sampled(500)}
    users = [reviewer(f"reviewer-{number}") for number in range(people)]
    log: list[tuple[str, int, int]] = []  # what, by whom, which sample; appending is one step of the interpreter's
    failures: list[BaseException] = []
    seed = random.randrange(1 << 30)

    def in_a_thread(work: Callable[[User, random.Random], None], user: User) -> None:
        try:
            work(user, random.Random(f"{seed} {user.id}"))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    def work(user: User, dice: random.Random) -> None:
        deadline = time.monotonic() + 120
        while Sample.objects.filter(scored_at=None).exists():
            assert time.monotonic() < deadline
            batch = review_queue.claim(user, most=dice.randint(1, 7))
            mine = list(Sample.objects.filter(batch=batch).values_list("id", flat=True)) if batch else []
            log.extend(("claimed", user.id, number) for number in mine)
            for number in mine:
                turn = dice.random()
                if turn < 0.1:
                    log.append(("left", user.id, number))
                    review_queue.hand_back(user, "hammering", [number])
                elif turn < 0.15:
                    log.append(("left", user.id, number))
                    let_run_out(id=number, held_by=user)
                elif turn < 0.2:
                    review_queue.renew(user)
                else:
                    log.append(("left", user.id, number))
                    score(number, user, GOOD, GOOD, "")
                    log.append(("scored", user.id, number))
            for number in review_queue.held(user).values_list("id", flat=True):
                log.append(("left", user.id, number))
            review_queue.hand_back(user, "the rest")

    threads = [threading.Thread(target=in_a_thread, args=(work, user)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [], f"seed {seed}"
    scored = Counter(number for what, _, number in log if what == "scored")
    assert scored == dict.fromkeys(every, 1), f"seed {seed}"
    assert held_twice(log) == [], f"seed {seed}"
    assert Sample.objects.filter(scored_at__isnull=False, held_until=None).count() == 500
    assert AuditEntry.objects.filter(action="sample scored").values("subject").distinct().count() == 500


def held_twice(log: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Return the claims of what somebody else had claimed and not let go of yet.

    Letting go is logged before it is done, claiming after: where the database gives a sample twice, the second claim
    comes in between.
    """
    holder: dict[int, int] = defaultdict(int)
    wrong = []
    for what, user, number in log:
        if what == "claimed":
            if holder[number] not in (0, user):
                wrong.append((what, user, number))
            holder[number] = user
        elif what == "left" and holder[number] == user:
            holder[number] = 0
    return wrong
