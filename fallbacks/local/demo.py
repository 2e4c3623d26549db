"""A believable week of six workloads: day and night, an outage last night, a rate-limit storm, and trouble just now.

Every minute is drawn from the seed and the minute itself, so that a week that was loaded half way is
loaded to its end by sending it again: what is there already has the same ids and counts once.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fallbacks import timebuckets
from fallbacks.local.demo_events import event
from fallbacks.local.demo_faults import Trouble, troubles
from fallbacks.local.demo_profiles import PROFILES, Profile

DAYS = 7
MINUTE = timedelta(minutes=1)
# Traffic is reported in windows of this length, as a service with a timer would.
REPORT = timedelta(minutes=5)
# Nothing goes on after the week is loaded. So that who looks then sees trouble that goes on, it ends a little later:
# ingest takes what is at most 10 minutes ahead.
AHEAD = 2 * REPORT
# Of two requests of one user's task, often both leave their primary.
SAME_TRACE = 0.2


@dataclass(frozen=True, slots=True)
class Part:
    """What is sent at once: some hours of all workloads."""

    events: list[dict[str, Any]]
    counts: list[dict[str, Any]]


def week(anchor: datetime, seed: int) -> Iterator[Part]:
    """Yield the week around `anchor` in parts of six hours, the newest first: that is what people look at."""
    trouble = troubles(anchor)
    length = timedelta(hours=6)
    # On a whole window: the same minute is reported in the same count whenever the week is sent.
    end = timebuckets.floor(anchor, REPORT) + AHEAD
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
    if not profile.reports_traffic:
        return
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
    sources = [(profile.share, profile.faults, profile.untold)]
    sources += [(found.share_at(minute), found.faults, found.untold) for found in troubles]
    left, trace = requests, ""
    for share, faults, untold in sources:
        for _ in range(min(left, _about(requests * share, dice))):
            left -= 1
            (fault,) = dice.choices(faults, [fault.weight for fault in faults])
            if not trace or dice.random() >= SAME_TRACE:
                trace = f"{dice.getrandbits(128):032x}"
            yield event(profile, fault, minute, untold, trace, dice)


def _about(mean: float, dice: random.Random) -> int:
    """Draw a whole number around `mean`, as arrivals scatter."""
    if mean > 20:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    drawn, product, floor = 0, dice.random(), math.exp(-mean)
    while product > floor:
        drawn += 1
        product *= dice.random()
    return drawn
