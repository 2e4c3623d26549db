"""The desk: one sample as its reviewer sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from dashboard.reviews import marking, words
from dashboard.reviews.differences import Piece, marked
from dashboard.reviews.marking import Role, Typed
from fallbacks import review_queue, versions
from fallbacks.models import Review, Sample, User
from fallbacks.review_queue import MOST_CLAIMED, Place
from fallbacks.verdict import named

# Letters, and ends of lines: about as much as fits a screen.
LONG_FROM = 1500
LONG_FROM_LINES = 24


@dataclass(frozen=True, slots=True)
class Output:
    """An answer on its side. `role` is not to be shown before it is scored."""

    side: str
    role: Role
    model: str
    pieces: Sequence[Piece]
    length: int
    is_long: bool

    @property
    def letter(self) -> str:
        return self.side.upper()


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What else somebody holds: the one before and after, the one to go on with, and how many in all."""

    before: int | None
    after: int | None
    following: int | None
    count: int

    @property
    def is_full(self) -> bool:
        """Tell whether nobody may hold more."""
        return self.count >= MOST_CLAIMED


def shown(sample: Sample, typed: Typed) -> dict[str, Any]:
    """Return what the page shows of a sample that is held or was scored: texts, facts and marks. Asks nothing."""
    now = timezone.now()
    outputs = both(sample)
    return {
        "sample": sample,
        "why": words.why(sample.reason),
        "rules": named(sample.rules),
        "masked": words.masked(sample.masked),
        "due": words.due(sample.due_at, now),
        "is_overdue": sample.due_at <= now,
        "outputs": outputs,
        "input_is_long": is_long(sample.input or ""),
        "differs": any(piece.differs for output in outputs for piece in output.pieces),
        "rows": marking.rows(sample, typed),
        "asks_anything": any(name in words.ASKS for name in sample.criteria),
        "overall": marking.overall(sample, typed),
        "missing": words.marks(count) if (count := marking.missing(sample, typed)) else "",
        "typed": typed,
    }


def is_long(text: str) -> bool:
    """Tell whether a text is to be scrolled by itself: the marks would be far away."""
    return len(text) > LONG_FROM or text.count("\n") >= LONG_FROM_LINES


def both(sample: Sample) -> list[Output]:
    """Return the answers in the order of the screen, with their differences marked."""
    texts = {"fallback": sample.output or "", "primary": sample.primary_output or ""}
    models = {"fallback": sample.fallback, "primary": sample.primary}
    of = marking.sides(sample)
    whole = [texts[role] for role in of.values()]
    pieces = marked(*whole) if len(whole) == 2 else ([Piece(whole[0], False)],)
    return [
        Output(side, role, models[role], cut, len(texts[role]), is_long(texts[role]))
        for (side, role), cut in zip(of.items(), pieces, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody has come with what they claimed at once: this one is the `number`-th of them."""

    places: Sequence[Place]
    number: int

    @property
    def done(self) -> int:
        return sum(each.state != "held" for each in self.places)


def progress(sample: int, batch: UUID | None, by: User) -> Progress:
    """Return how far the batch of a sample has come. Three queries."""
    places = review_queue.progress(batch, by) if batch else []
    found = [number for number, each in enumerate(places, 1) if each.sample == sample]
    return Progress(places, found[0] if found else 0)


def neighbours(sample: Sample, by: User) -> Neighbours:
    """Return what else the reviewer holds, in the order in which it is given. Two queries."""
    now = timezone.now()
    held = list(review_queue.held(by).defer(*review_queue.TEXTS))
    counting = review_queue.those_that_count([*held, sample])

    def order(each: Sample) -> tuple[bool, datetime, int]:
        return each.id not in counting, each.due_at, each.id

    def turn(each: Sample) -> tuple[bool, bool]:
        """What is overdue comes before the rest, and what was passed on the way comes last."""
        return each.id not in counting or each.due_at > now, order(each) < order(sample)

    held.sort(key=order)
    before = [each.id for each in held if order(each) < order(sample)]
    after = [each.id for each in held if order(each) > order(sample)]
    following = min((each for each in held if each.id != sample.id), key=turn, default=None)
    return Neighbours(
        before=before[-1] if before else None,
        after=after[0] if after else None,
        following=following.id if following else None,
        count=len(held),
    )


def counting(sample: Sample) -> dict[str, Any]:
    """Return whether what is said of a sample counts for its route, and the route as it is. One query."""
    route = versions.routes([sample.workload_id]).get(sample.workload_id)
    is_same_pair = route is not None and (sample.primary, sample.fallback) == (route.primary, route.fallback)
    return {"counts": review_queue.counts(sample, route), "route": route, "is_same_pair": is_same_pair}


def seconds_left(until: datetime | None) -> int:
    """Return for how many seconds a sample is still held."""
    return max(0, round((until - timezone.now()).total_seconds())) if until else 0


def review_by(sample: Sample, by: User) -> Review | None:
    """Return what this reviewer said of a sample. Nobody is shown what others said."""
    return Review.objects.filter(sample=sample, reviewer=by).first()


def told(sample: Sample, review: Review) -> str:
    """Say which of the two was the fallback, and what the reviewer thought of it."""
    thought = "you found it good enough" if review.passed else "you found it not good enough"
    if sample.primary_output is None:
        return f"Sent: {thought}. It was {sample.fallback}'s answer in the place of {sample.primary}'s."
    letter = next(side for side, role in marking.sides(sample).items() if role == "fallback").upper()
    return f"Sent. {letter} was the fallback's answer, by {sample.fallback}: {thought}."
