"""Latency histograms: how many requests took how long, in bins that can be added up. Pure.

Up to 10 ms a bin is a millisecond wide, from there on a tenth of where it starts: what is read from a histogram is
within 5 % or so of the truth, whatever the latencies are.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# The longest latency that an event may have: a day.
LONGEST_MS = 86_400_000


def _bounds() -> tuple[int, ...]:
    bounds = [1]
    while bounds[-1] <= LONGEST_MS:
        bounds.append(bounds[-1] + max(1, bounds[-1] // 10))
    return tuple(bounds)


# Where each bin starts, in milliseconds, the first one but: bin 0 holds what took less than one.
BOUNDS = _bounds()
# A histogram is stored as a list of numbers: a count times this plus the bin that it is of.
BINS = 256

# Counts by bin.
Histogram = Mapping[int, int]


def bin_of(milliseconds: int) -> int:
    """Return the bin of a latency."""
    return bisect_right(BOUNDS, milliseconds)


def packed(histogram: Histogram) -> list[int] | None:
    """Return the histogram as it is stored: None where it counts nothing."""
    return [count * BINS + place for place, count in sorted(histogram.items()) if count] or None


def add_packed(sums: dict[int, int], stored: list[int] | None) -> None:
    """Add a histogram as it is stored to counts by bin."""
    for part in stored or ():
        place = part % BINS
        sums[place] = sums.get(place, 0) + part // BINS


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The latency that half of `count` requests did not exceed, and that 95 of 100 did not, in milliseconds."""

    p50: float
    p95: float
    count: int


def percentiles(bins: Iterable[tuple[int, int]]) -> Percentiles | None:
    """Return what a histogram says, given as bins with their counts; None where it counts nothing."""
    ordered = sorted(bins)
    count = sum(number for _, number in ordered)
    if count <= 0:
        return None
    return Percentiles(_percentile(ordered, 0.5 * count), _percentile(ordered, 0.95 * count), count)


def _percentile(bins: list[tuple[int, int]], rank: float) -> float:
    """Return the latency of this rank: the middle of its bin, which is never further from the truth than half of it.

    Timeouts are all alike, so that nothing is gained by spreading the requests of a bin over it.
    """
    passed = 0
    for place, number in bins:
        if passed + number >= rank:
            low, high = BOUNDS[place - 1] if place else 0, BOUNDS[min(place, len(BOUNDS) - 1)]
            return (low + high - 1) / 2
        passed += number
    raise ValueError("a rank beyond the last")
