"""Plain functions that make what tests need, complete but for what a test wants to be special."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from fallbacks.rows import EventRow, TrafficRow

_numbers = itertools.count()
# The start of a minute some hours ago: recent enough for every limit.
NOON = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)


def event(**over: Any) -> EventRow:
    """An event as the recorder takes it."""
    fields: dict[str, Any] = {
        "workload": "support-chat",
        "occurred_at": NOON,
        "id": f"event-{next(_numbers)}",
        "received_at": NOON,
        "environment": "production",
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "status": "529",
        "reason": "overloaded",
        "outcome": "served",
    }
    return EventRow(**{**fields, **over})


def traffic(**over: Any) -> TrafficRow:
    """A count of requests as the recorder takes it."""
    fields: dict[str, Any] = {
        "workload": "support-chat",
        "id": f"count-{next(_numbers)}",
        "start": NOON,
        "seconds": 60,
        "received_at": NOON,
        "environment": "production",
        "model": None,
        "requests": 100,
    }
    return TrafficRow(**{**fields, **over})


def sent(**over: Any) -> dict[str, Any]:
    """An event as a service sends it."""
    fields = {
        "workload": "support-chat",
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "status": 529,
        "reason": "overloaded",
    }
    return {**fields, **over}
