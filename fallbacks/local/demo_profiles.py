"""The workloads of the demo: their routes, how many requests they have by the clock, and what those are like."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fallbacks.local.demo_faults import EVERYDAY, Fault, refusing


@dataclass(frozen=True, slots=True)
class Profile:
    """One workload: its route, its requests a minute by the clock, and how often they fail on a good day.

    Tiers and payload classes are drawn by weight, each feature with its probability. `told` are the tiers whose users
    are told of a fallback (None: all; empty: there is nobody to tell), `untold` the share of answers of which they are
    not told.
    `tokens` is a usual number of input tokens, `answers_in` a usual latency of the fallback in milliseconds.
    Where `reports_traffic` is False, of how many requests its events are is not known. `with_texts` is the share of
    answers that come with their texts, for review.
    """

    workload: str
    primary: str
    fallback: str
    requests: Callable[[datetime], float]
    share: float
    faults: tuple[Fault, ...]
    payload_classes: Mapping[str, float]
    tiers: Mapping[str, float] = field(default_factory=dict)
    features: Mapping[str, float] = field(default_factory=dict)
    told: frozenset[str] | None = frozenset()
    untold: float = 0.0
    tokens: int = 2_000
    answers_in: int = 1_300
    reports_traffic: bool = True
    with_texts: float = 0.0


def by_day(night: float, day: float, peak_hour: float = 14.0) -> Callable[[datetime], float]:
    """Return a rate that swings between `night` and `day`, and is lower at the weekend."""

    def at(moment: datetime) -> float:
        hour = moment.hour + moment.minute / 60
        swing = (1 + math.cos((hour - peak_hour) / 24 * math.tau)) / 2
        weekday = 0.55 if moment.weekday() >= 5 else 1.0
        return float((night + (day - night) * swing**1.5) * weekday)

    return at


TIERS = {"free": 6.0, "team": 2.0, "pro": 2.0}
PROFILES = (
    Profile(
        "support-chat",
        "premium-chat",
        "baseline-chat",
        by_day(45, 190),
        0.0012,
        EVERYDAY,
        {"chat": 4, "chat-tools": 1},
        TIERS,
        # The fallback has the first of them, and not the second.
        {"prompt-cache": 0.3, "citations": 0.008},
        told=frozenset({"team", "pro"}),
        untold=0.01,
        with_texts=0.25,
    ),
    Profile(
        "batch-extraction",
        "economy-extract",
        "baseline-extract",
        by_day(25, 110, 2.0),
        0.0018,
        EVERYDAY,
        {"json": 1},
        tokens=5_200,
        answers_in=2_600,
        with_texts=0.1,
    ),
    # Its route is not enabled: what its users are told of, they are told always.
    Profile(
        "code-assistant",
        "strong-code",
        "standard-code",
        by_day(15, 85),
        0.0011,
        refusing(EVERYDAY),
        {"chat": 2, "completion": 3},
        TIERS,
        {"prompt-cache": 0.4},
        told=None,
        tokens=7_800,
        answers_in=2_100,
        with_texts=1.0,
    ),
    # The small one: hours without an event.
    Profile(
        "image-understanding",
        "vision-large",
        "vision-base",
        by_day(5, 16),
        0.002,
        EVERYDAY,
        {"image": 1},
        TIERS,
        told=None,
        untold=0.01,
        tokens=1_400,
        answers_in=3_200,
        with_texts=0.2,
    ),
    # The one that nobody has written a policy for.
    Profile(
        "search-summaries",
        "premium-chat",
        "mini-chat",
        by_day(40, 110),
        0.0006,
        EVERYDAY,
        {"chat": 1},
        tokens=900,
        answers_in=700,
    ),
    # The one that nobody counts the requests of, and that has no policy either.
    Profile(
        "meeting-notes",
        "premium-chat",
        "mini-chat",
        by_day(2, 20),
        0.0025,
        EVERYDAY,
        {"chat": 1},
        tokens=6_400,
        answers_in=1_900,
        reports_traffic=False,
    ),
)
