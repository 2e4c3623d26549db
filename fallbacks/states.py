"""The state of a workload, minute by minute, and the episodes that follow from it. Pure.

A state is judged over some full minutes together, so that one bad minute of a few requests makes no alarm, and the
first that holds counts: not answered is worse than not told, which is worse than degraded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from fallbacks.rates import Counts

State = Literal["failing", "silent", "degraded", "no_traffic", "normal"]
# In the order of urgency.
STATES: tuple[State, ...] = get_args(State)
# Those that make an episode.
BAD: frozenset[State] = frozenset({"failing", "silent", "degraded"})
# Fewer requests than this tell nothing, whatever became of them.
LEAST_REQUESTS = 20
MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a workload counts as degraded: above this share of requests, over so many minutes. As its policy says."""

    degraded_above: float = 0.01
    for_minutes: int = 5


NONE = Counts()


@dataclass(frozen=True, slots=True)
class Minute:
    """What is known of one minute. `silent` counts answers of which the user had to be told, and was not."""

    counts: Counts = NONE
    silent: int = 0

    def __add__(self, other: "Minute") -> "Minute":
        return Minute(self.counts + other.counts, self.silent + other.silent)

    def __sub__(self, other: "Minute") -> "Minute":
        mine, theirs = self.counts, other.counts
        requests = None if mine.requests is None else mine.requests - (theirs.requests or 0)
        counts = Counts(
            requests, mine.served - theirs.served, mine.failed - theirs.failed, mine.blocked - theirs.blocked
        )
        return Minute(counts, self.silent - other.silent)


# By the start of the minute, in UTC; a minute without anything is not in it.
Minutes = Mapping[datetime, Minute]


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a workload was failing, silent or degraded.

    `start` is the first such minute, `end` the end of the last; None where it goes on. `worst` is the most urgent of
    its states.
    """

    start: datetime
    end: datetime | None
    worst: State


def together(minutes: Minutes, end: datetime, count: int) -> Minute:
    """Return the `count` minutes before `end` as one."""
    found = (minutes.get(end - number * MINUTE) for number in range(1, count + 1))
    return sum((minute for minute in found if minute is not None), Minute())


def judged(looked_at: Minute, limits: Limits, *, silent: bool) -> State | None:
    """Return the state that the minutes looked at make, None where it is none of the bad ones."""
    counts = looked_at.counts
    enough = counts.requests is not None and counts.requests >= LEAST_REQUESTS
    # Rounded: 29 of 100 are not more than 0.29, though 100 * 0.29 is a little less than 29 or a little more.
    most = round((counts.requests or 0) * limits.degraded_above, 9)
    if enough and counts.not_answered > most:
        return "failing"
    if silent:
        return "silent"
    if enough and counts.served > most:
        return "degraded"
    return None


def state(minutes: Minutes, now: datetime, limits: Limits, last_day: Counts) -> State:
    """Return the state as of `now`.

    `minutes` hold the last `for_minutes` full ones and the one that is under way, `last_day` the counts of 24 hours.
    """
    end = now.replace(second=0, microsecond=0)
    full = together(minutes, end, limits.for_minutes)
    # Who was not told is not told from the first moment on: the minute that is under way counts as well.
    silent = bool(full.silent or minutes.get(end, Minute()).silent)
    if bad := judged(full, limits, silent=silent):
        return bad
    return "no_traffic" if last_day.events and last_day.requests is None else "normal"


def bad_minutes(minutes: Minutes, start: datetime, end: datetime, limits: Limits) -> Iterator[tuple[datetime, State]]:
    """Yield the minutes from `start` to `end` (outside) that were bad, each judged with those before it."""
    held = together(minutes, start, limits.for_minutes - 1)
    moment = start
    while moment < end:
        held += minutes.get(moment, Minute())
        if bad := judged(held, limits, silent=bool(held.silent)):
            yield moment, bad
        held -= minutes.get(moment - (limits.for_minutes - 1) * MINUTE, Minute())
        moment += MINUTE


def episodes(minutes: Minutes, start: datetime, end: datetime, limits: Limits) -> list[Episode]:
    """Return the episodes from `start` to `end`, oldest first: each ends after `for_minutes` minutes without."""
    found: list[Episode] = []
    patience = limits.for_minutes * MINUTE
    for moment, bad in bad_minutes(minutes, start, end, limits):
        last = found[-1] if found else None
        if last is not None and last.end is not None and moment - last.end < patience:
            worst = min(last.worst, bad, key=STATES.index)
            found[-1] = Episode(last.start, moment + MINUTE, worst)
        else:
            found.append(Episode(moment, moment + MINUTE, bad))
    if found and found[-1].end is not None and end - found[-1].end < patience:
        found[-1] = Episode(found[-1].start, None, found[-1].worst)
    return found
