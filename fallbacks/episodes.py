"""Episodes over spans that are too long to be judged minute by minute: only where something can be bad. Pure.

Minutes taken together are bad only if one of them is, taken alone and by the share that is allowed: where none is, the
sum is within that share as well. So a span is judged around such minutes, and what lies between is not even read.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from fallbacks.states import MINUTE, Episode, Limits, Minute, Minutes, episodes


def suspicious(minute: Minute, limits: Limits) -> bool:
    """Tell whether the minutes around this one have to be looked at: without it among them, none can be bad."""
    counts = minute.counts
    most = (counts.requests or 0) * limits.degraded_above
    # Not above but at the limit already: a product is rounded, a sum of them may be rounded the other way.
    return bool(minute.silent) or (counts.events > 0 and max(counts.served, counts.not_answered) >= most)


def stretches(minutes: Minutes, limits: Limits) -> Iterator[tuple[datetime, datetime]]:
    """Yield spans that hold all minutes, the oldest first, so far apart that no episode lies in two of them."""
    reach = 2 * limits.for_minutes * MINUTE
    known = sorted(minutes)
    if not known:
        return
    start = known[0]
    for one, following in pairwise(known):
        if following - one > reach:
            yield start, one + reach
            start = following
    yield start, known[-1] + reach


def sparse_episodes(minutes: Minutes, start: datetime, end: datetime, limits: Limits) -> list[Episode]:
    """Return the episodes from `start` to `end`, as `states.episodes` does, from minutes with wide gaps.

    `minutes` need to hold those that are suspicious and `for_minutes` more on both sides of each.
    """
    found: list[Episode] = []
    for first, last in stretches(minutes, limits):
        if first < end and last > start:
            found += episodes(minutes, max(first, start), min(last, end), limits)
    return found
