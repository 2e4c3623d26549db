"""The queue page: what waits, what one holds, and what became of what one had claimed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dashboard.reviews import words
from dashboard.reviews.words import Reason
from fallbacks import review_queue
from fallbacks.models import Sample, User
from fallbacks.review_queue import MOST_CLAIMED, Waiting


@dataclass(frozen=True, slots=True)
class Row:
    """Samples of one workload and reason, and how many of them a press would claim."""

    waiting: Waiting
    why: Reason
    due: str
    claims: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Of all that is shown. `overdue` are of those that count for their routes; of the others nothing is urgent."""

    count: int
    counting: int
    free: int
    held: int
    overdue: int
    oldest: datetime | None
    claims: int


@dataclass(frozen=True, slots=True)
class Mine:
    """What somebody holds: how many, the one to go on with, and until when."""

    count: int
    first: Sample
    until: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch: how many were scored, passed and skipped."""

    scored: int
    passed: int
    failed: int
    skipped: int


def of(by: User, workload: str, reason: str, now: datetime) -> dict[str, Any]:
    """Return what the page shows of the queue, narrowed to a workload and a reason. Three queries."""
    held = review_queue.in_order(by)
    everything = review_queue.waiting(by)
    shown = [
        each
        for each in everything
        if (not workload or each.workload == workload) and (not reason or each.reason == reason)
    ]
    room = max(0, MOST_CLAIMED - len(held))
    return {
        "mine": Mine(len(held), held[0], max(each.held_until for each in held if each.held_until)) if held else None,
        "rows": [
            Row(each, words.why(each.reason), words.due(each.next_due, now), min(each.free, room)) for each in shown
        ],
        "sums": sums(shown, room),
        "workloads": sorted({each.workload for each in everything} | ({workload} if workload else set())),
        "reasons": [(key, said.word) for key, said in words.WHY.items()],
        "anything": bool(everything),
        "most": MOST_CLAIMED,
    }


def sums(rows: Sequence[Waiting], room: int) -> Sums:
    free = sum(each.free for each in rows)
    return Sums(
        count=sum(each.count for each in rows),
        counting=sum(each.count for each in rows if each.counts),
        free=free,
        held=sum(each.held for each in rows),
        overdue=sum(each.overdue for each in rows if each.counts),
        oldest=min((each.oldest for each in rows), default=None),
        claims=min(free, room),
    )


def done(batch: str, by: User) -> Done | None:
    """Return what became of a batch of this reviewer's; None where there is none of that name, or nothing done."""
    try:
        places = Counter(each.state for each in review_queue.progress(UUID(batch), by))
    except ValueError:
        return None
    found = Done(places["passed"] + places["failed"], places["passed"], places["failed"], places["skipped"])
    return found if found.scored or found.skipped else None
