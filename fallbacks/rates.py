"""What counts mean: shares of requests, and when there is none to tell. Pure arithmetic.

A rate needs its denominator. Where no traffic was reported there is no rate, and where more events came
in than requests were reported the traffic is under-reported: no made-up percentage in either case.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one span. `requests` is None where no traffic was reported."""

    requests: int | None = None
    served: int = 0
    failed: int = 0
    blocked: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            requests=add_known(self.requests, other.requests),
            served=self.served + other.served,
            failed=self.failed + other.failed,
            blocked=self.blocked + other.blocked,
        )

    @property
    def events(self) -> int:
        """Requests that left their primary path, whatever became of them."""
        return self.served + self.failed + self.blocked

    @property
    def not_answered(self) -> int:
        """Failed and blocked: for the caller both mean no answer."""
        return self.failed + self.blocked

    @property
    def under_reported(self) -> bool:
        """More events than requests: somebody counts too little traffic."""
        return self.requests is not None and self.events > self.requests

    @property
    def degraded_rate(self) -> float | None:
        """Share of requests answered by a fallback, 0 to 1."""
        return self._share(self.served)

    @property
    def failure_rate(self) -> float | None:
        """Share of requests not answered, 0 to 1."""
        return self._share(self.not_answered)

    @property
    def off_primary_rate(self) -> float | None:
        """Share of requests that left the primary path, 0 to 1."""
        return self._share(self.events)

    def _share(self, part: int) -> float | None:
        if not self.requests or self.under_reported:
            return None  # a share of nothing is nothing that can be told
        return part / self.requests


def together(counts: Sequence[Counts]) -> Counts:
    """Add up counts, field by field: a page has thousands, and a sum of each two would cost more than all else."""
    known = [each.requests for each in counts if each.requests is not None]
    return Counts(
        requests=sum(known) if known else None,
        served=sum(each.served for each in counts),
        failed=sum(each.failed for each in counts),
        blocked=sum(each.blocked for each in counts),
    )


def add_known(a: int | None, b: int | None) -> int | None:
    """Add two counts of which either may be unknown; unknown where both are."""
    if a is None:
        return b
    return a if b is None else a + b


def change_in_points(now: float | None, before: float | None) -> float | None:
    """Return by how many percentage points a rate moved, or None where one of the two is not known."""
    return None if now is None or before is None else (now - before) * 100
