"""The stream's Redis: its client, the names in it, and what an entry holds.

`ingest.buffer` fills and empties the streams; `fallbacks.tally` counts what is in them.
"""

from functools import cache

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from fallbacks.rows import EventRow, TrafficRow

GROUP = "drain"
# A hash of counts, which lives as long as the streams do. What is in it: `fallbacks.tally`.
TALLY = "tally"
TIMEOUT = 2.0  # seconds; draining blocks for less


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """What one request sent for one shard."""

    events: list[EventRow] = []
    traffic: list[TrafficRow] = []


def decode(body: bytes) -> Entry:
    """Return what was encoded for the stream. Raises msgspec.MsgspecError for other bytes."""
    return msgspec.msgpack.decode(body, type=Entry)


@cache
def connection() -> redis.Redis:
    """Return the process's client. It never retries: a lost XADD that is sent again would be there twice."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # the shape of XREADGROUP's answer differs in 3
    )


def shards() -> range:
    """Return the numbers of all shards."""
    return range(settings.STREAM_SHARDS)


def stream(shard: int) -> str:
    """Return the name of a shard's stream."""
    return f"events:{shard}"
