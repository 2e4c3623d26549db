"""A believable week of four workloads: day and night, an outage of a provider, a rate-limit storm, a quiet workload.

Every minute is drawn from the seed and the minute itself, so that a week that was loaded half way is
loaded to its end by sending it again: what is there already has the same ids and counts once.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from fallbacks import timebuckets

DAYS = 7
MINUTE = timedelta(minutes=1)
# Traffic is reported in windows of this length, as a service with a timer would.
REPORT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for a request to leave its primary path. `outcomes` are drawn by weight."""

    status: int | str
    reason: str
    weight: float
    outcomes: dict[str, float]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A span in which many requests of a workload fail: up to `share` of them at its height."""

    start: datetime
    end: datetime
    share: float
    faults: tuple[Fault, ...]

    def share_at(self, moment: datetime) -> float:
        """Return the share of requests that fail: it rises and falls within ten minutes."""
        ramp = min((moment - self.start) / MINUTE, (self.end - moment) / MINUTE) / 10
        return self.share * max(0.0, min(1.0, ramp))


@dataclass(frozen=True, slots=True)
class Profile:
    """One workload: its route, its requests a minute by the clock, and how often they fail on a good day."""

    workload: str
    primary: str
    fallback: str
    requests: Callable[[datetime], float]
    share: float
    faults: tuple[Fault, ...]


MOSTLY_SERVED = {"served": 0.97, "failed": 0.03}
REFUSED = {"blocked": 0.97, "failed": 0.03}
LOST = {"failed": 1.0}
OVERLOADED = Fault(529, "overloaded_error: the server is overloaded, retry later", 4, MOSTLY_SERVED)
TIMEOUT = Fault("timeout", "no first token after 30 s", 3, MOSTLY_SERVED)
BROKEN = Fault(500, "internal server error", 2, MOSTLY_SERVED)
UNAVAILABLE = Fault(503, "upstream connect error or disconnect before headers", 2, MOSTLY_SERVED)
CUT = Fault("connection_error", "connection reset by peer", 0.5, MOSTLY_SERVED)
BAD_REQUEST = Fault(400, "context_length_exceeded: 132,411 tokens, 128,000 are the most", 0.8, LOST)
LIMITED = Fault(429, "rate_limit_exceeded: requests per minute", 0.7, LOST)
EVERYDAY = (OVERLOADED, TIMEOUT, BROKEN, UNAVAILABLE, CUT, BAD_REQUEST, LIMITED)
OUTAGE = (
    Fault(503, "upstream connect error or disconnect before headers", 6, MOSTLY_SERVED),
    Fault(529, "overloaded_error: the server is overloaded, retry later", 3, MOSTLY_SERVED),
    Fault("timeout", "no first token after 30 s", 2, MOSTLY_SERVED),
)
STORM = (
    Fault(429, "rate_limit_exceeded: tokens per minute, limit 2,000,000", 9, REFUSED),
    Fault(429, "rate_limit_exceeded: requests per minute", 1, LOST),
)


def refusing(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return the faults of a workload whose policy refuses a fallback that its user was not told of."""
    return tuple(
        Fault(fault.status, fault.reason, fault.weight, REFUSED if "served" in fault.outcomes else fault.outcomes)
        for fault in faults
    )


def by_day(night: float, day: float, peak_hour: float = 14.0) -> Callable[[datetime], float]:
    """Return a rate that swings between `night` and `day`, and is lower at the weekend."""

    def at(moment: datetime) -> float:
        hour = moment.hour + moment.minute / 60
        swing = (1 + math.cos((hour - peak_hour) / 24 * math.tau)) / 2
        weekday = 0.55 if moment.weekday() >= 5 else 1.0
        return float((night + (day - night) * swing**1.5) * weekday)

    return at


PROFILES = (
    Profile("support-chat", "premium-chat", "baseline-chat", by_day(22, 190), 0.0014, EVERYDAY),
    Profile("batch-extraction", "economy-extract", "baseline-extract", by_day(12, 110, 2.0), 0.0022, EVERYDAY),
    Profile("code-assistant", "strong-code", "standard-code", by_day(6, 85), 0.0011, refusing(EVERYDAY)),
    # The quiet one: minutes without a request, hours without an event.
    Profile("image-understanding", "vision-large", "vision-base", by_day(0.2, 3.5), 0.003, EVERYDAY),
)


def troubles(anchor: datetime) -> dict[str, list[Trouble]]:
    """Return what goes wrong in the week before `anchor`: an outage last night, a storm two days ago."""
    night = latest(anchor - timedelta(hours=2), time(2, 10))
    storm = latest(anchor - timedelta(hours=30), time(14, 20))
    outage = [Trouble(night, night + timedelta(minutes=48), 0.38, OUTAGE)]
    return {
        "support-chat": outage,
        "image-understanding": outage,
        "code-assistant": [Trouble(storm, storm + timedelta(minutes=75), 0.12, STORM)],
    }


def latest(before: datetime, clock: time) -> datetime:
    """Return the last time before `before` at which a clock in UTC showed `clock`."""
    moment = before.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return moment if moment <= before else moment - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """What is sent at once: some hours of all workloads."""

    events: list[dict[str, Any]]
    counts: list[dict[str, Any]]


def week(anchor: datetime, seed: int) -> Iterator[Part]:
    """Yield the week before `anchor` in parts of six hours, the newest first: that is what people look at."""
    trouble = troubles(anchor)
    length = timedelta(hours=6)
    # On a whole window: the same minute is reported in the same count whenever the week is sent.
    end = timebuckets.floor(anchor, REPORT)
    for number in range(DAYS * 4):
        part = Part([], [])
        for profile in PROFILES:
            start = end - (number + 1) * length
            for offset in range(0, int(length / MINUTE), int(REPORT / MINUTE)):
                _report(part, profile, trouble.get(profile.workload, []), start + offset * MINUTE, seed)
        yield part


def _report(part: Part, profile: Profile, troubles: list[Trouble], start: datetime, seed: int) -> None:
    """Add the requests of one window, and the events among them."""
    requests = 0
    for minute in (start + number * MINUTE for number in range(int(REPORT / MINUTE))):
        dice = random.Random(f"{seed} {profile.workload} {minute.isoformat()}")  # noqa: S311  a demo, not a secret
        made = _about(profile.requests(minute), dice)
        requests += made
        part.events.extend(_events(profile, troubles, minute, made, dice))
    part.counts.append(
        {
            "workload": profile.workload,
            "model": profile.primary,
            "start": start.isoformat(),
            "seconds": int(REPORT.total_seconds()),
            "requests": requests,
            "id": f"demo-{seed}-{start:%Y%m%d%H%M}",
        }
    )


def _events(
    profile: Profile, troubles: list[Trouble], minute: datetime, requests: int, dice: random.Random
) -> Iterator[dict[str, Any]]:
    sources = [(profile.share, profile.faults)]
    sources += [(found.share_at(minute), found.faults) for found in troubles]
    left = requests
    for share, faults in sources:
        for _ in range(min(left, _about(requests * share, dice))):
            left -= 1
            yield _event(profile, minute, faults, dice)


def _event(profile: Profile, minute: datetime, faults: tuple[Fault, ...], dice: random.Random) -> dict[str, Any]:
    (fault,) = dice.choices(faults, [fault.weight for fault in faults])
    (outcome,) = dice.choices(list(fault.outcomes), list(fault.outcomes.values()))
    return {
        "id": f"demo-{dice.getrandbits(64):016x}",
        "occurred_at": (minute + timedelta(milliseconds=dice.randrange(60_000))).isoformat(),
        "workload": profile.workload,
        "primary": profile.primary,
        "fallback": None if outcome == "failed" else profile.fallback,
        "status": fault.status,
        "reason": fault.reason,
        "outcome": outcome,
    }


def _about(mean: float, dice: random.Random) -> int:
    """Draw a whole number around `mean`, as arrivals scatter."""
    if mean > 20:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    drawn, product, floor = 0, dice.random(), math.exp(-mean)
    while product > floor:
        drawn += 1
        product *= dice.random()
    return drawn
