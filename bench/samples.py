"""The events that are sent: like those of a company with some dozens of workloads."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import load

PATH = "/api/v1/events"
FAULTS = [
    (529, "overloaded_error: the server is overloaded, retry later"),
    (503, "upstream connect error or disconnect before headers"),
    ("timeout", "no first token after 30 s"),
    (429, "rate_limit_exceeded: requests per minute"),
]
WORKLOADS = [f"workload-{number:02}" for number in range(40)]


def event(dice: random.Random, workloads: list[str], spread: timedelta) -> dict[str, Any]:
    """Return an event of the last `spread`, as a gateway sends it: with an id, so that it may send it again."""
    status, reason = dice.choice(FAULTS)
    return {
        "id": uuid.UUID(int=dice.getrandbits(128)).hex,
        "occurred_at": (datetime.now(UTC) - spread * dice.random()).isoformat(),
        "workload": dice.choice(workloads),
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "status": status,
        "reason": reason,
    }


def singles(key: str, count: int, path: str = PATH, spread: timedelta = timedelta(minutes=10)) -> list[bytes]:
    """Return `count` requests of one event each."""
    dice = random.Random()  # noqa: S311  events, not secrets
    return [load.request(path, event(dice, WORKLOADS, spread), key) for _ in range(count)]


def batches(
    key: str,
    count: int,
    path: str = PATH,
    workloads: list[str] = WORKLOADS,
    spread: timedelta = timedelta(minutes=10),
) -> list[bytes]:
    """Return `count` requests of a hundred events each."""
    dice = random.Random()  # noqa: S311  events, not secrets
    return [load.request(path, [event(dice, workloads, spread) for _ in range(100)], key) for _ in range(count)]
