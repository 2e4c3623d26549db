"""Arithmetic of time buckets. Pure: no database, no clock but arguments. All times are aware; buckets are UTC."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Literal

Step = Literal["minute", "hour", "day"]
STEPS: tuple[Step, ...] = ("minute", "hour", "day")
LENGTH: dict[Step, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
# A chart of more points than this shows nothing more, and an answer of more buckets helps nobody.
MOST_BUCKETS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, from `start` (inside) to `end` (outside), both on whole minutes in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, start: datetime, end: datetime) -> "Window":
        """Return the smallest window of whole minutes that holds `start`..`end`.

        Raises ValueError where a time has no offset or the span is empty: the message is for the asker.
        """
        if start.tzinfo is None or end.tzinfo is None:
            raise ValueError("a time needs its offset, such as 2026-11-17T14:00:00Z")
        if end <= start:
            raise ValueError("`to` must be later than `from`")
        return cls(floor(start, LENGTH["minute"]), ceil(end, LENGTH["minute"]))

    @classmethod
    def last(cls, length: timedelta, now: datetime) -> "Window":
        """Return the window of `length` that ends with the minute that `now` is in."""
        end = ceil(now + timedelta(microseconds=1), LENGTH["minute"])
        return cls(end - length, end)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def before(self) -> "Window":
        """Return the window of the same length that ends where this one starts."""
        return Window(self.start - self.length, self.start)


def floor(moment: datetime, length: timedelta) -> datetime:
    """Return the start of the bucket of `length` that `moment` is in, counted from 1970 in UTC."""
    return moment.astimezone(UTC) - (moment - _EPOCH) % length


def ceil(moment: datetime, length: timedelta) -> datetime:
    """Return `moment` where a bucket starts there, else the start of the next one."""
    start = floor(moment, length)
    return start if start == moment else start + length


def fitting_step(window: Window) -> Step:
    """Return the finest step that cuts the window into at most `MOST_BUCKETS`, else `day`."""
    for step in STEPS:
        if count(window, LENGTH[step]) <= MOST_BUCKETS:
            return step
    return "day"


def starts(window: Window, length: timedelta) -> list[datetime]:
    """Return the starts of all buckets that the window touches. The first may lie before the window."""
    first = floor(window.start, length)
    return [first + number * length for number in range(count(window, length))]


def count(window: Window, length: timedelta) -> int:
    """Return how many buckets the window touches."""
    return -((floor(window.start, length) - window.end) // length)


# From when on the buckets of a step are kept, as the starts of days; a step that is not in it is kept for ever.
Kept = Mapping[Step, datetime]


def cover(window: Window, coarsest: Step, kept: Kept = MappingProxyType({})) -> Iterator[tuple[Step, Window]]:
    """Cut the window into parts that rollups hold whole: coarse in the middle, finer at its edges.

    Thirty days to the minute are read from 30 days, at most 46 hours and 118 minutes, and the sum is exact.
    Where the finer buckets are gone, whole coarser ones are read in their stead: then the parts reach beyond
    the window, by less than one such bucket at each end, and no figure of the window is lost.
    """
    since = kept.get(coarsest, window.start)
    if window.start < since:
        coarser = STEPS[STEPS.index(coarsest) + 1]
        gone = Window(floor(window.start, LENGTH[coarser]), ceil(min(window.end, since), LENGTH[coarser]))
        yield from cover(gone, coarser, kept)
        if since < window.end:
            yield from cover(Window(since, window.end), coarsest, kept)
        return
    if coarsest == "minute":
        yield "minute", window
        return
    inner = Window(ceil(window.start, LENGTH[coarsest]), floor(window.end, LENGTH[coarsest]))
    finer = STEPS[STEPS.index(coarsest) - 1]
    if inner.end <= inner.start:
        yield from cover(window, finer, kept)
        return
    if window.start < inner.start:
        yield from cover(Window(window.start, inner.start), finer, kept)
    yield coarsest, inner
    if inner.end < window.end:
        yield from cover(Window(inner.end, window.end), finer, kept)
