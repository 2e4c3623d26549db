"""When to take nothing more: above the high mark of the stream's memory or waiting time, until under the low one.

What is refused in time can still be drained: a Redis that is full to the brim cannot even acknowledge.
"""

import time
from dataclasses import dataclass

import redis

from ingest import buffer

# Shares of the stream's `maxmemory`.
HIGH, LOW = 0.70, 0.60
LONGEST_WAIT_MS = 10 * 60 * 1000
# A look costs about as much as a request: one a second and process is enough for memory that fills in minutes.
LOOK_EVERY = 1.0  # seconds


@dataclass(slots=True)
class Gate:
    """Whether events are taken, with the reason why not. Threads share it; the worst they do is look twice."""

    closed: str = ""
    looked_at: float = 0.0

    def look(self) -> str:
        """Return why nothing is taken, or an empty text. Asks Redis at most once in `LOOK_EVERY`."""
        now = time.monotonic()
        if now - self.looked_at >= LOOK_EVERY:
            self.looked_at = now
            try:
                self.closed = judge(memory_share(), oldest_wait_ms(), was_closed=bool(self.closed))
            except redis.RedisError:
                self.closed = ""  # the append will say what is wrong
        return self.closed


gate = Gate()


def judge(memory: float, wait_ms: int, *, was_closed: bool) -> str:
    """Return why nothing is to be taken. Once closed, the gate opens only below the low mark."""
    if memory > (LOW if was_closed else HIGH):
        return f"the stream's memory is {memory:.0%} full"
    if wait_ms > LONGEST_WAIT_MS * (LOW / HIGH if was_closed else 1):
        return f"the oldest entry has waited {wait_ms // 1000} s to be recorded"
    return ""


def memory_share() -> float:
    """Return how much of the stream's memory is used, 0 to 1; 0 where it has no limit."""
    memory = buffer.connection().info("memory")
    limit = int(memory["maxmemory"])
    return int(memory["used_memory"]) / limit if limit else 0.0


def oldest_wait_ms() -> int:
    """Return for how many milliseconds the oldest entry has waited."""
    return buffer.oldest_wait_ms(int(time.time() * 1000))
