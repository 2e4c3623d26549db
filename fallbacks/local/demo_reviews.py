"""The demo's reviewers at work: they claim and score by the same services as everybody.

What they do at loading is believable only at other times, so the times of samples and reviews are moved back
afterwards: a sample came when its event occurred, and was scored in the next sitting. The audit log cannot be moved,
which is what it is for: it tells that all of this was done when the demo was loaded.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction

from fallbacks import review_queue, scoring
from fallbacks.local import demo_texts
from fallbacks.local.demo_texts import Text
from fallbacks.models import Sample, User
from fallbacks.scoring import Score, Scored

ENGINEER, REVIEWERS = "engineer", ("reviewer", "reviewer2")
# What the demo sends is called so.
PREFIX = "demo-"
# Of so many at most one may fail, or the routes would be suspended by themselves: others wait for whoever looks.
BETWEEN_FAILURES = 12
# One of so many is seen another way by the second reviewer: it waits for a third.
SECOND_THOUGHTS = 16
# The primary is not always right either.
PRIMARY_FAILS = 0.05
REMARKS = (
    "Shorter than the usual answer, and right.",
    "Good enough for an outage.",
    "The second sentence could go.",
)
# When reviewers sit down, in UTC, and how long they take for one.
SITTINGS = (timedelta(hours=8, minutes=30), timedelta(hours=13, minutes=30))
EACH = timedelta(seconds=75)
# How old samples are that somebody has looked at: of one workload nobody did for days.
LOOKED_AT = {
    "support-chat": timedelta(hours=20),
    "image-understanding": timedelta(hours=30),
    "code-assistant": timedelta(hours=44),
    "batch-extraction": timedelta(hours=84),
}

CAME_WHEN_THEY_OCCURRED = """
UPDATE sample SET sampled_at = came, due_at = came + (due_at - sampled_at)
FROM (SELECT id, least(occurred_at + interval '2 seconds', sampled_at) AS came FROM sample) AS earlier
WHERE sample.id = earlier.id AND event LIKE %s AND came < sampled_at - interval '1 minute' AND scored_at IS NULL
"""
MOVE_REVIEWS = """
UPDATE review SET at = moved.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS moved (id, at)
WHERE review.id = moved.id
"""
SETTLED_WITH_THE_LAST = """
UPDATE sample SET scored_at = (SELECT max(at) FROM review WHERE sample_id = sample.id)
WHERE scored_at IS NOT NULL AND id = ANY(%s)
"""


def person(username: str) -> User:
    """Return a login of the demo; where it is not there yet, somebody who cannot sign in until it is made."""
    user, made = User.objects.get_or_create(username=username)
    if made:
        user.set_unusable_password()
        user.save()
        user.groups.set(Group.objects.filter(name=username.rstrip("2")))
    return user


@transaction.atomic
def work_through_the_week(now: datetime) -> int:
    """Score what the demo's week brought, but for the newest; return how many were settled. All of it or nothing."""
    came_when_they_occurred()
    return sum(
        Desk(workload).work_through([person(name) for name in REVIEWERS], now - age, now)
        for workload, age in LOOKED_AT.items()
    )


def came_when_they_occurred() -> None:
    with connection.cursor() as cursor:
        cursor.execute(CAME_WHEN_THEY_OCCURRED, [f"{PREFIX}%"])


class Desk:
    """The samples of one workload, in the hands of its reviewers."""

    def __init__(self, workload: str) -> None:
        self.workload = workload
        self.passed_in_a_row = BETWEEN_FAILURES
        self.sat: dict[datetime, int] = {}

    def work_through(self, people: Sequence[User], until: datetime, now: datetime) -> int:
        """Score what was sampled before `until`, as often as its policy asks; return how many were settled."""
        settled: set[int] = set()
        moved: list[tuple[int, datetime]] = []
        for place, by in enumerate(people):
            # Those who come second look at what two are asked for.
            for sample in self.claimed(by, until, asked_for=place + 1):
                done = self.score(sample, by, second=place > 0)
                if done is None:
                    continue
                moved.append((done.review.id, min(self.sitting(sample.sampled_at, place), now)))
                settled |= {sample.id} if done.settled else set()
        move(moved, settled)
        return len(settled)

    def claimed(self, by: User, until: datetime, asked_for: int) -> Iterable[Sample]:
        """Yield what somebody claims, the most urgent first, and hand back what is left of it."""
        seen: set[int] = set()
        while (batch := review_queue.claim(by, self.workload)) is not None:
            found = list(review_queue.held(by).filter(batch=batch))
            new = [each for each in found if each.sampled_at < until and each.id not in seen]
            yield from (each for each in new if each.reviews_required >= asked_for)
            seen.update(each.id for each in found)
            review_queue.hand_back(by, "The sitting is over.", [each.id for each in found])
            if not new:
                return

    def score(self, sample: Sample, by: User, *, second: bool) -> Scored | None:
        """Score one sample; None where it is left to others."""
        dice = random.Random(f"{sample.event} {by.username}")  # noqa: S311  a demo, not a secret
        text = demo_texts.of(self.workload, sample.event)
        fails = bool(text.fails)
        if fails and not second and self.passed_in_a_row < BETWEEN_FAILURES:
            return None
        self.passed_in_a_row = 0 if fails else self.passed_in_a_row + 1
        if second and not fails and dice.randrange(SECOND_THOUGHTS) == 0:
            text = Text("", "", fails=sample.criteria[0], comment="Right as far as it goes, and not what was asked.")
        primary = None
        remark = text.comment or (dice.choice(REMARKS) if dice.random() < 0.04 else "")
        if sample.primary_output is not None:
            wrong = not text.fails and dice.random() < PRIMARY_FAILS
            primary = said(sample, Text("", "", fails=sample.criteria[0] if wrong else ""), dice)
            remark = "The other one has it wrong." if wrong else remark
        return scoring.score(sample.id, by, said(sample, text, dice), primary, remark)

    def sitting(self, came: datetime, place: int) -> datetime:
        """Return when a sample was scored: in the sitting after it came, or in one that many later."""
        day = came.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        starts = [day + timedelta(days=number) + start for number in range(3) for start in SITTINGS]
        start = [each for each in starts if each > came][place]
        self.sat[start] = self.sat.get(start, 0) + 1
        return start + self.sat[start] * EACH


def said(sample: Sample, text: Text, dice: random.Random) -> Score:
    """Return what a reviewer says of an answer."""
    marks = {name: "fail" if name == text.fails else "pass" for name in sample.criteria}
    if not text.fails and len(marks) > 1 and dice.random() < 0.1:
        marks[sample.criteria[-1]] = "na"
    return Score(marks, not text.fails)


def move(reviews: Sequence[tuple[int, datetime]], settled: Iterable[int]) -> None:
    """Move reviews to these times, and with them what they settled."""
    columns: Any = [list(column) for column in zip(*reviews, strict=True)] or [[], []]
    with connection.cursor() as cursor:
        cursor.execute(MOVE_REVIEWS, columns)
        cursor.execute(SETTLED_WITH_THE_LAST, [list(settled)])
