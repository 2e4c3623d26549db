"""The queue of samples: claimed for half an hour, renewed while somebody works, and never held by two.

A sample is free where nobody holds it, or whoever did let the time run out. The row itself says who holds it, so that
of two who claim at once each gets others: rows that somebody is claiming are skipped, and what was claimed meanwhile
is looked at again before it is taken. Two windows of one person claim one after the other, by that person's row.

What counts for its route as the route is now comes first. The rest, answers of before, is only worth a look.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from fallbacks import audit, versions
from fallbacks.models import PassedOver, Review, Sample, User
from fallbacks.reading import storable
from fallbacks.versions import ROUTES, Route

LEASE = timedelta(minutes=30)
# So many may be one's own, however often one claims: what one works through in a sitting.
MOST_CLAIMED = 20
# Up to 16 KiB each: what only asks in which order samples come leaves them in the database.
TEXTS = ("input", "output", "primary_output")

# Whether what is said of a sample counts for its workload's route as it is: as in `fallbacks.routes`.
COUNTS = """
coalesce((s."primary", s.fallback) = (route."primary", route.fallback) AND s.occurred_at >= route.since, false)
"""
CLAIM = """
WITH route AS ({routes}), free AS (
  SELECT s.id, s.due_at, {counts} AS counts
  FROM sample s JOIN workload w ON w.id = s.workload_id LEFT JOIN route ON route.workload_id = s.workload_id
  WHERE s.scored_at IS NULL AND s.texts_removed_at IS NULL
    AND (s.held_until IS NULL OR s.held_until <= clock_timestamp())
    AND (%(workload)s = '' OR w.slug = %(workload)s)
    AND (%(reason)s = '' OR s.reason = %(reason)s)
    AND (%(sample)s::bigint IS NULL OR s.id = %(sample)s)
    AND (%(counts)s::boolean IS NULL OR {counts} = %(counts)s)
    AND NOT EXISTS (SELECT 1 FROM review r WHERE r.sample_id = s.id AND r.reviewer_id = %(by)s)
    AND NOT EXISTS (SELECT 1 FROM passed_over p WHERE p.sample_id = s.id AND p.reviewer_id = %(by)s)
  ORDER BY counts DESC, s.due_at, s.id LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED
), placed AS (SELECT id, row_number() OVER (ORDER BY counts DESC, due_at, id) AS place FROM free)
UPDATE sample SET held_by_id = %(by)s, held_until = statement_timestamp() + %(lease)s,
                  batch = %(batch)s, place = placed.place
FROM placed WHERE sample.id = placed.id
"""
# In the order in which they are handed back: two windows of one person wait for each other, and never in a circle.
RENEW = """
WITH mine AS (
  SELECT id FROM sample WHERE held_by_id = %(by)s AND held_until > clock_timestamp() ORDER BY id FOR UPDATE
)
UPDATE sample SET held_until = statement_timestamp() + %(lease)s FROM mine WHERE sample.id = mine.id
RETURNING held_until
"""
# The row tells whose it was last until somebody else has claimed it.
TAKE_UP = """
WITH lapsed AS (
  SELECT id FROM sample
  WHERE held_by_id = %(by)s AND held_until <= statement_timestamp() AND scored_at IS NULL AND texts_removed_at IS NULL
  ORDER BY id IS DISTINCT FROM %(sample)s::bigint, due_at, id LIMIT %(room)s
), mine AS (
  SELECT id FROM sample
  WHERE held_by_id = %(by)s AND scored_at IS NULL AND texts_removed_at IS NULL
    AND (held_until > statement_timestamp() OR id IN (SELECT id FROM lapsed))
  ORDER BY id FOR UPDATE
)
UPDATE sample SET held_until = statement_timestamp() + %(lease)s FROM mine WHERE sample.id = mine.id
"""
WAITING = """
SELECT w.slug, s.reason, {counts}, count(*),
       count(*) FILTER (WHERE NOT coalesce(s.held_until > now(), false) AND r.id IS NULL AND p.id IS NULL),
       count(*) FILTER (WHERE s.held_until > now() AND s.held_by_id <> %(by)s),
       count(*) FILTER (WHERE s.due_at <= now()), min(s.sampled_at), min(s.due_at)
FROM sample s JOIN workload w ON w.id = s.workload_id
     LEFT JOIN ({routes}) route ON route.workload_id = s.workload_id
     LEFT JOIN review r ON r.sample_id = s.id AND r.reviewer_id = %(by)s
     LEFT JOIN passed_over p ON p.sample_id = s.id AND p.reviewer_id = %(by)s
WHERE s.scored_at IS NULL AND s.texts_removed_at IS NULL
GROUP BY 1, 2, 3 ORDER BY 3 DESC, 1, 2
"""


class NotHeld(Exception):
    """The sample is not the reviewer's now: the time ran out, or it was handed back."""

    code = "not_held"

    def __init__(self) -> None:
        super().__init__(
            "This sample is not yours any more: the half hour is over, or you handed it back. Claim again."
        )


class HoldsMost(NotHeld):
    """The time ran out for the sample, and the reviewer holds as many others as anybody may."""

    code = "holds_most"

    def __init__(self) -> None:
        Exception.__init__(
            self,
            f"The half hour is over, and you hold {MOST_CLAIMED} others, the most. Score or hand back one of them, then"
            " take this up again.",
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Samples of one workload and reason of sampling that wait to be scored, and all count for its route or none does.

    `free` are those that whoever asks could claim, `held` are with others, `overdue` were due before now.
    """

    workload: str
    reason: str
    counts: bool
    count: int
    free: int
    held: int
    overdue: int
    oldest: datetime
    next_due: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """One sample of what somebody claimed. `state` is `held`, `passed`, `failed` or `skipped`."""

    place: int
    sample: int
    state: str


def waiting(by: User) -> list[Waiting]:
    """Return what waits, by workload and reason, as this reviewer meets it: what counts for its route first. One query,
    over what is not scored."""
    given: Any = {"by": by.id}
    with connection.cursor() as cursor:
        cursor.execute(WAITING.format(routes=ROUTES, counts=COUNTS), given)
        return [Waiting(*row) for row in cursor.fetchall()]


def open_samples() -> QuerySet[Sample]:
    """Return what is not scored and can be, the most urgent first."""
    return Sample.objects.filter(scored_at=None, texts_removed_at=None).order_by("due_at", "id")


def pending() -> dict[str, int]:
    """Return how many samples wait, by workload; those without any are left out. One query."""
    rows = open_samples().order_by().values_list("workload__slug").annotate(Count("id"))
    return dict(rows)


def claim(
    by: User,
    workload: str = "",
    reason: str = "",
    most: int = MOST_CLAIMED,
    sample: int | None = None,
    counts: bool | None = None,
) -> uuid.UUID | None:
    """Give the reviewer up to `most` free samples, the most urgent first; return their batch, None where none is given.

    That is where none is free, or where as many as anybody may hold are held already: what is held and what is given
    are `MOST_CLAIMED` together. `sample` is the one wanted; `counts` asks only for what counts for its route as it is,
    or only for what does not. Without it the former comes first. Nobody gets what they have scored or skipped.
    """
    batch = uuid.uuid4()
    given: Any = {
        "by": by.id,
        "workload": workload,
        "reason": reason,
        "sample": sample,
        "counts": counts,
        "lease": LEASE,
        "batch": batch,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        room = _room(by)
        if room == 0:
            return None
        cursor.execute(CLAIM.format(routes=ROUTES, counts=COUNTS), given | {"most": max(1, min(most, room))})
        return batch if cursor.rowcount else None


def _room(by: User) -> int:
    """Return how many more the reviewer may hold, and let no other window give them any until the transaction ends."""
    # Another window of the same person waits here, nobody else does: a row that refers to this one, such as a sample
    # that is held or a review, takes no lock that this would be in the way of.
    User.objects.select_for_update(no_key=True).filter(id=by.id).values_list("id").first()
    # Counted by a statement of its own: its snapshot must be taken when the lock is there.
    return max(0, MOST_CLAIMED - held(by).count())


def held(by: User) -> QuerySet[Sample]:
    """Return the samples that are the reviewer's now, the most urgent first."""
    return (
        Sample.objects.filter(held_by=by, held_until__gt=Now(), scored_at=None)
        .select_related("workload")
        .order_by("due_at", "id")
    )


def in_order(by: User) -> list[Sample]:
    """Return what the reviewer holds as it is given: the most urgent first, and last what does not count. Two
    queries."""
    found = list(held(by).defer(*TEXTS))
    counting = those_that_count(found)
    return sorted(found, key=lambda each: each.id not in counting)


def those_that_count(samples: Collection[Sample]) -> set[int]:
    """Return the numbers of those of which what is said counts for their routes as they are. One query."""
    routes = versions.routes({each.workload_id for each in samples})
    return {each.id for each in samples if counts(each, routes.get(each.workload_id))}


def counts(sample: Sample, route: Route | None) -> bool:
    """Tell whether what is said of a sample counts for the route of its workload."""
    pair = (sample.primary, sample.fallback)
    return route is not None and pair == (route.primary, route.fallback) and sample.occurred_at >= route.since


def renew(by: User) -> datetime | None:
    """Hold what is held for another half hour; return until when, None where nothing is held any more."""
    given: Any = {"lease": LEASE, "by": by.id}
    with connection.cursor() as cursor:
        cursor.execute(RENEW, given)
        found = cursor.fetchall()
    return max(until for (until,) in found) if found else None


def take_up(by: User, sample: int | None = None) -> int:
    """Hold again what the time ran out for and nobody has claimed since; return how many the reviewer holds now.

    As many as there is room for beside what is held, the most urgent first, and before them `sample`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        given: Any = {"lease": LEASE, "by": by.id, "sample": sample, "room": _room(by)}
        cursor.execute(TAKE_UP, given)
        return int(cursor.rowcount)


def why_not_held(sample: int, by: User) -> NotHeld:
    """Return why a sample is not the reviewer's now."""
    was_theirs = Sample.objects.filter(id=sample, held_by=by, scored_at=None, texts_removed_at=None).exists()
    return HoldsMost() if was_theirs and held(by).count() >= MOST_CLAIMED else NotHeld()


def lock_held(sample: int, by: User) -> Sample:
    """Lock a sample that is the reviewer's, until the end of the caller's transaction. Raises NotHeld."""
    found = (
        Sample.objects.select_for_update(of=("self",))
        .select_related("workload")
        .filter(id=sample, held_by=by, held_until__gt=Now(), scored_at=None)
        .first()
    )
    if found is None:
        raise NotHeld
    return found


def free(rows: QuerySet[Sample]) -> int:
    """Let nobody hold these any more."""
    return rows.update(held_by=None, held_until=None)


def skip(sample: int, by: User, reason: str) -> None:
    """Leave a sample to others: this reviewer is not given it again. Raises NotHeld."""
    with transaction.atomic():
        found = lock_held(sample, by)
        reason = _text(reason)
        PassedOver.objects.create(sample=found, reviewer=by, reason=reason, batch=found.batch, place=found.place)
        free(Sample.objects.filter(id=sample))
        audit.append("sample skipped", by.username, found.workload.slug, f"sample {sample}", reason=reason)


def hand_back(by: User, reason: str, samples: Iterable[int] | None = None) -> int:
    """Give back what is held, or these of it, for anybody to claim; return how many."""
    with transaction.atomic():
        rows = Sample.objects.select_for_update(of=("self",)).filter(held_by=by, held_until__gt=Now())
        if samples is not None:
            rows = rows.filter(id__in=list(samples))
        found = list(rows.order_by("id").values_list("id", "workload__slug"))
        free(Sample.objects.filter(id__in=[number for number, _ in found]))
        for workload in sorted({slug for _, slug in found}):
            numbers = [number for number, slug in found if slug == workload]
            audit.append("samples handed back", by.username, workload, samples=numbers, reason=_text(reason))
    return len(found)


def _text(reason: str) -> str:
    return storable(reason.strip())[:500]


def progress(batch: uuid.UUID, by: User) -> list[Place]:
    """Return what became of each sample of a batch, in its order. Three queries."""
    mine: dict[str, Any] = {"batch": batch, "reviewer": by}
    scored = Review.objects.filter(**mine).values_list("place", "sample_id", "passed")
    skipped = PassedOver.objects.filter(**mine).values_list("place", "sample_id")
    now_held = Sample.objects.filter(batch=batch, held_by=by, held_until__gt=Now()).values_list("place", "id")
    found = [Place(place, sample, "passed" if passed else "failed") for place, sample, passed in scored]
    found += [Place(place, sample, "skipped") for place, sample in skipped]
    found += [Place(place, sample, "held") for place, sample in now_held]
    return sorted(found, key=lambda each: each.place)
