"""What pages say of counts of several workloads: which are in no rate, and which did worst. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import words
from fallbacks.rates import Counts
from fallbacks.states import LEAST_REQUESTS


@dataclass(frozen=True, slots=True)
class Worst:
    """A workload, and the bucket in which it did worst."""

    slug: str
    start: datetime
    counts: Counts


def reporting(counts: Mapping[str, Counts]) -> list[str]:
    """Return the workloads that have rates: traffic is reported, and not less of it than events."""
    return [slug for slug, c in counts.items() if c.requests is not None and not c.under_reported]


def worst(series: Mapping[str, Mapping[datetime, Counts]], limits: Mapping[str, float]) -> Worst | None:
    """Return the bucket in which most of a workload's requests left their primary, of those above its limit."""
    found = [
        Worst(slug, start, counts)
        for slug, buckets in series.items()
        for start, counts in buckets.items()
        if (counts.requests or 0) >= LEAST_REQUESTS and (counts.off_primary_rate or 0) > limits[slug]
    ]
    return max(found, key=lambda each: (each.counts.off_primary_rate or 0, each.start), default=None)


def requests(count: int) -> str:
    """Write a number of requests."""
    return "1 request" if count == 1 else f"{words.number(count)} requests"


def left_out(slugs: Sequence[str]) -> str:
    """Say which workloads are in no rate, and why; nothing where there is none of them."""
    if not slugs:
        return ""
    return f"{words.names(slugs)} {'is' if len(slugs) == 1 else 'are'} in no rate: not all of the traffic is reported."
