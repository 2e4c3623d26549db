"""Scoring: what a reviewer says of an answer, and when that settles it.

A sample is settled when as many as its policy requires have scored it and more say one thing than the other: with two
required who disagree, a third decides. Nobody is shown what others said before.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from fallbacks import audit, enablement, review_queue, routes
from fallbacks.models import Review, Sample, User
from fallbacks.reading import Refused, says_something, storable
from fallbacks.refusals import Problem
from fallbacks.rulebook import changing

MARKS = ("pass", "fail", "na")
MOST_COMMENT = 2000


@dataclass(frozen=True, slots=True)
class Score:
    """What was said of one answer: `marks` by criterion are `pass`, `fail` or `na`."""

    marks: Mapping[str, str]
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Scored:
    """What a score did: whether it settled the sample and how, and whether its route was suspended because of it."""

    review: Review
    settled: bool
    passed: bool | None
    suspended: bool


def score(sample: int, by: User, fallback: Score, primary: Score | None, comment: str) -> Scored:
    """Store what the reviewer says of a sample that they hold, and let go of it.

    `primary` is of the primary's answer, where there is one. Raises NotHeld, or Refused with what is missing.
    """
    with transaction.atomic():
        found = review_queue.lock_held(sample, by)
        comment = storable(comment.strip())
        if problems := list(_problems(found, fallback, primary, comment)):
            raise Refused(problems)
        made = Review.objects.create(
            sample=found,
            reviewer=by,
            marks=dict(fallback.marks),
            passed=bool(fallback.passed),
            primary_marks=dict(primary.marks) if primary else None,
            primary_passed=primary.passed if primary else None,
            comment=comment,
            batch=found.batch,
            place=found.place,
        )
        passed = verdict(found)
        values: dict[str, Any] = {"held_by": None, "held_until": None}
        if passed is not None:
            values |= {"scored_at": Now(), "passed": passed}
        Sample.objects.filter(id=sample).update(**values)
        suspended = _tell(found, made, passed)
    return Scored(made, passed is not None, passed, suspended)


def verdict(sample: Sample) -> bool | None:
    """Return whether the answer is good enough by what reviewers said; None where that is not settled."""
    said = list(sample.reviews.values_list("passed", flat=True))
    for_it = sum(said)
    if len(said) < sample.reviews_required or 2 * for_it == len(said):
        return None
    return 2 * for_it > len(said)


def _tell(sample: Sample, made: Review, passed: bool | None) -> bool:
    """Write what was scored to the audit log, and suspend the route where too few of its samples pass now."""
    slug = sample.workload.slug
    at = routes.standing(slug) if passed is not None else None
    falls = at is not None and routes.has_fallen(at)
    # The lock of those who change routes comes before that of the log, here as everywhere.
    with changing() if falls else contextlib.nullcontext():
        audit.append(
            "sample scored",
            made.reviewer.username,
            slug,
            f"sample {sample.id}",
            primary=sample.primary,
            fallback=sample.fallback,
            settled=passed,
            # What the first said is not for the second to read in the log.
            said=[] if passed is None else _said(sample),
        )
        return falls and enablement.suspend_where_fallen(slug)


def _said(sample: Sample) -> list[dict[str, Any]]:
    """Return what each reviewer said, in their order."""
    reviews = sample.reviews.select_related("reviewer").order_by("id")
    return [{"by": each.reviewer.username, "passed": each.passed, "marks": each.marks} for each in reviews]


def _problems(sample: Sample, fallback: Score, primary: Score | None, comment: str) -> list[Problem]:
    found = _lacking(sample, "fallback", fallback)
    if sample.primary_output is None and primary is not None:
        found.append(Problem("primary", "There is no answer by the primary to score."))
    if sample.primary_output is not None:
        found += _lacking(sample, "primary", primary or Score({}, None))
    if len(comment) > MOST_COMMENT:
        found.append(Problem("comment", f"Write {MOST_COMMENT:,} characters at most."))
    # Of either: a refusal that depends on which is the fallback's would tell which that is.
    if not says_something(comment) and any(said and said.passed is False for said in (fallback, primary)):
        found.append(Problem("comment", "Say what is wrong: whoever mends it was not here."))
    return found


def _lacking(sample: Sample, side: str, score: Score) -> list[Problem]:
    criteria: list[str] = sample.criteria
    found = [
        Problem(f"{side}.{name}", f"Mark {name}: pass, fail or not applicable.")
        for name in criteria
        if score.marks.get(name) not in MARKS
    ]
    found += [Problem(f"{side}.{name}", f"{name} is no criterion.") for name in score.marks if name not in criteria]
    if score.passed is None:
        found.append(Problem(f"{side}.overall", "Say whether it is good enough: pass or fail."))
    return found
