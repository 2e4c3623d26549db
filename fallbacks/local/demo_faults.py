"""What goes wrong in the demo: every day, in an outage last night, in a storm of rate limits, and just now.

Most faults are answered as the policies of the demo allow. A few are not: those are what the product is there to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for a request to leave its primary path.

    `outcomes` are drawn by weight. `attempts` are how often the primary was tried at most, `took` between which
    milliseconds it took to fail.
    """

    status: int | str
    reason: str
    weight: float
    outcomes: Mapping[str, float]
    error_code: str | None = None
    attempts: int = 2
    took: tuple[int, int] = (60, 900)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A span in which many requests of a workload fail: up to `share` of them at its height.

    `untold` is the share of answers of which users who had to be told were not.
    """

    start: datetime
    end: datetime
    share: float
    faults: tuple[Fault, ...]
    untold: float = 0.0

    def share_at(self, moment: datetime) -> float:
        """Return the share of requests that fail: it rises and falls within ten minutes."""
        ramp = min((moment - self.start) / MINUTE, (self.end - moment) / MINUTE) / 10
        return self.share * max(0.0, min(1.0, ramp))


MOSTLY_SERVED = {"served": 0.97, "failed": 0.03}
REFUSED = {"blocked": 0.95, "failed": 0.04, "served": 0.01}
LOST = {"failed": 1.0}
OVERLOADED = Fault(529, "overloaded_error: the server is overloaded, retry later", 4, MOSTLY_SERVED, "overloaded_error")
TIMEOUT = Fault("timeout", "no first token after 30 s", 3, MOSTLY_SERVED, attempts=1, took=(30_000, 30_400))
BROKEN = Fault(500, "internal server error", 2, MOSTLY_SERVED, took=(200, 4_000))
UNAVAILABLE = Fault(503, "upstream connect error or disconnect before headers", 2, MOSTLY_SERVED, took=(5, 60))
CUT = Fault("connection_error", "connection reset by peer", 0.5, MOSTLY_SERVED, took=(5, 8_000))
TOO_LONG = Fault(
    400, "context_length_exceeded: 132,411 tokens, 128,000 are the most", 0.8, LOST, "context_length_exceeded", 1
)
# From here on a fallback is against the policies: most are held back, some are not.
LIMITED = Fault(
    429, "rate_limit_exceeded: requests per minute", 0.7, {"failed": 0.8, "served": 0.2}, "rate_limit_exceeded"
)
FILTERED = Fault(
    400, "content_filter: the prompt was filtered", 0.35, {"blocked": 0.85, "served": 0.15}, "content_filter", 1
)
SPENT = Fault(
    429,
    "insufficient_quota: you exceeded your current quota",
    0.25,
    {"blocked": 0.7, "served": 0.3},
    "insufficient_quota",
    1,
)
GONE = Fault(404, "model_not_found: no such model", 0.15, {"failed": 0.5, "served": 0.5}, "model_not_found", 1)
EVERYDAY = (OVERLOADED, TIMEOUT, BROKEN, UNAVAILABLE, CUT, TOO_LONG, LIMITED, FILTERED, SPENT, GONE)
# In an outage the fallbacks hold.
SERVED = {"served": 1.0}
OUTAGE = (
    replace(UNAVAILABLE, weight=6, outcomes=SERVED),
    replace(OVERLOADED, weight=3, outcomes=SERVED),
    replace(TIMEOUT, weight=2, outcomes=SERVED),
)
STORM = (
    Fault(
        429, "rate_limit_exceeded: tokens per minute, limit 2,000,000", 9, REFUSED, "rate_limit_exceeded", attempts=3
    ),
    replace(LIMITED, weight=1, outcomes=LOST),
)


# Just now: one provider has no room, the pictures of another take too long, and the third is away.
CROWDED = (
    replace(OVERLOADED, weight=8, outcomes=SERVED),
    replace(TIMEOUT, weight=1, outcomes=SERVED),
)
SLOW = (replace(TIMEOUT, weight=8, outcomes=SERVED),)
AWAY = (replace(UNAVAILABLE, weight=9, outcomes=REFUSED), replace(CUT, weight=1, outcomes=LOST))
# Longer than the demo's week goes on.
GOES_ON = timedelta(hours=1)


def refusing(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return the faults of a workload whose route is not enabled: what could be served is refused, nearly always."""
    return tuple(replace(fault, outcomes=REFUSED) if "served" in fault.outcomes else fault for fault in faults)


def troubles(anchor: datetime) -> dict[str, list[Trouble]]:
    """Return what goes wrong: an outage last night, a storm two days ago, and three things that go on at `anchor`."""
    night = latest(anchor - timedelta(hours=2), time(2, 10))
    storm = latest(anchor - timedelta(hours=30), time(14, 20))
    outage = Trouble(night, night + timedelta(minutes=48), 0.38, OUTAGE)
    return {
        "support-chat": [outage, going_on(anchor, 62, 0.34, CROWDED)],
        "image-understanding": [replace(outage, untold=0.2), going_on(anchor, 44, 0.5, SLOW, untold=0.6)],
        "code-assistant": [
            Trouble(storm, storm + timedelta(minutes=75), 0.12, STORM),
            going_on(anchor, 77, 0.27, AWAY),
        ],
    }


def going_on(anchor: datetime, minutes: int, share: float, faults: tuple[Fault, ...], untold: float = 0.0) -> Trouble:
    """Return a trouble that began so many minutes before `anchor` and does not end with the week."""
    return Trouble(anchor - minutes * MINUTE, anchor + GOES_ON, share, faults, untold)


def latest(before: datetime, clock: time) -> datetime:
    """Return the last time before `before` at which a clock in UTC showed `clock`."""
    moment = before.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return moment if moment <= before else moment - timedelta(days=1)
