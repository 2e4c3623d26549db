"""How long the primary took to fail and the fallback to answer, on one scale. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.breakdowns import Latencies
from dashboard.events.words import seconds
from fallbacks.latencies import Percentiles

# Ends of scales, in milliseconds: up to the next of these.
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Took:
    """How long one side took, of `count` requests that told: `top` is the end of the scale, in milliseconds."""

    model: str
    what: str
    kind: str
    p50: float
    p95: float
    count: int
    top: float

    @property
    def half(self) -> str:
        return seconds(self.p50)

    @property
    def most(self) -> str:
        return seconds(self.p95)

    @property
    def scale(self) -> str:
        return seconds(self.top)


def times(latencies: Latencies, primary: str, fallback: str) -> list[Took]:
    """Return the sides of which anything is known, on a scale that holds both."""
    sides = (
        (primary or "The primary", "until it failed", "accent", latencies.primary),
        (fallback or "The fallback", "its answer", "degraded", latencies.fallback),
    )
    known = [(model, what, kind, found) for model, what, kind, found in sides if found is not None]
    top = scale([found for *_, found in known])
    return [Took(model, what, kind, found.p50, found.p95, found.count, top) for model, what, kind, found in known]


def scale(found: Sequence[Percentiles]) -> float:
    """Return a round number of milliseconds that no figure is above."""
    most = max((each.p95 for each in found), default=1.0)
    decade = 1.0
    while decade * STEPS[-1] < most:
        decade *= 10
    return next(decade * step for step in STEPS if decade * step >= most)
