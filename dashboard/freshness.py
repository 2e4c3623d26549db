"""How far the figures are behind: what waits in the stream to be recorded, as Redis tells it. No SQL."""

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import redis
from redis.commands.core import Script

from dashboard import words
from fallbacks import tally
from fallbacks.streams import TALLY, connection, shards, stream

# An event is seen within 3 seconds: what has waited for longer than this is worth a line.
LATE_AFTER = 5  # seconds
# Where nothing was finished for so long, nothing moves; as /readyz says.
IDLE_AFTER = 20  # seconds
# Many pages may ask at once: one thread of a process looks, the others take what it saw last.
REMEMBERED_FOR = 1.0  # seconds
# Where Redis hangs, each look costs its thread two seconds.
ASK_AGAIN_AFTER = 5.0  # seconds

# All of one moment and by Redis's clock, and of each entry its id alone: a body may be of megabytes.
LOOK = """
local streams = {}
for number = 2, #KEYS do
  local oldest = redis.call('XRANGE', KEYS[number], '-', '+', 'COUNT', 1)[1]
  streams[number - 1] = {redis.call('XLEN', KEYS[number]), oldest and oldest[1] or false}
end
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), redis.call('HGETALL', KEYS[1]), streams}
"""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What waits. Where `known` is False nobody could tell, and the rest says nothing."""

    known: bool = True
    # Seconds for which the oldest item has waited.
    seconds: int = 0
    # Events and counts of traffic that wait.
    waiting: int = 0
    # Seconds since a drain has finished anything of what waits.
    idle_seconds: int = 0

    @property
    def late(self) -> bool:
        return self.waiting > 0 and self.seconds > LATE_AFTER

    @property
    def moves(self) -> bool:
        return self.idle_seconds <= IDLE_AFTER

    @property
    def age(self) -> str:
        return said(self.seconds)

    @property
    def idle(self) -> str:
        return said(self.idle_seconds)


def said(seconds: int) -> str:
    """Write an age: 40 s, 12 min, 1 h 5 min."""
    return f"{seconds} s" if seconds < 120 else words.duration(timedelta(seconds=seconds))


_looking = threading.Lock()
_last = (float("-inf"), Freshness())


def now() -> Freshness:
    """Return how far the figures are behind, as it was a second ago at most."""
    global _last
    looked_at, found = _last
    remembered_for = REMEMBERED_FOR if found.known else ASK_AGAIN_AFTER
    if time.monotonic() - looked_at < remembered_for or not _looking.acquire(blocking=False):
        return found
    try:
        found = look()
    except redis.RedisError:
        found = Freshness(known=False)
    finally:
        _looking.release()
    _last = (time.monotonic(), found)
    return found


def forget() -> None:
    """Forget what was seen, as a process that has just started."""
    global _last
    _last = (float("-inf"), Freshness())


def look() -> Freshness:
    """Ask the stream's Redis. Raises redis.RedisError."""
    at, counts, streams = _look()(keys=[TALLY, *map(stream, shards())], client=connection())
    counted = {name.decode(): int(value) for name, value in zip(counts[::2], counts[1::2], strict=True)}
    seen = tally.Door(counted, [shard(*each) for each in zip(shards(), streams, strict=True)])
    waits = [each for each in seen.shards if each.entries]
    if not waits:
        return Freshness()
    waited = [at - each.first[0] for each in waits]
    idle = [at - max(counted.get(f"progress:{stream(each.number)}", 0), each.first[0]) for each in waits]
    return Freshness(True, max(0, *waited) // 1000, max(1, seen.in_stream), max(0, *idle) // 1000)


def shard(number: int, told: Any) -> tally.Shard:
    entries, oldest = told
    return tally.Shard(number, entries, tally.entry_id(oldest.decode()) if oldest else tally.NO_ID, tally.NO_ID)


@cache
def _look() -> Script:
    return connection().register_script(LOOK)
