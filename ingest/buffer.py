"""The buffer: a Redis Stream a shard, on disk before the answer, emptied by the drain.

An entry holds what one request sent for one shard, however many events that is. Workloads are spread
over the shards by hash, so that drains of different shards never meet at one rollup row.

A stream is never trimmed, and its group starts at 0 with one consumer: either would lose entries
without a word. What a dead worker was given is given to the next one first.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from fallbacks.recording import EventRow, TrafficRow

GROUP = "drain"
CONSUMER = "drain"
# A bell that was rung keeps for this long; then the next append rings again, should the message be lost.
BELL_MS = 5_000
# Longer than a batch takes. A drain that dies leaves its shard to others after this; one that only stands still
# for so long may meet another at the same entries, which costs work and harms nothing.
LEASE_MS = 8_000
TIMEOUT = 2.0  # seconds; draining blocks for less


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """What one request sent for one shard."""

    events: list[EventRow] = []
    traffic: list[TrafficRow] = []


class Full(Exception):
    """The stream cannot be written: full, or not reached. Nothing was taken."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry of the stream: its id there, and its bytes as they were appended (none where a stranger wrote it)."""

    id: str
    body: bytes | None


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


def shard_of(workload: str) -> int:
    """Return the shard of a workload: the same in every process and on every machine."""
    return zlib.crc32(workload.encode()) % settings.STREAM_SHARDS


def shards() -> range:
    """Return the numbers of all shards."""
    return range(settings.STREAM_SHARDS)


def stream(shard: int) -> str:
    """Return the name of a shard's stream."""
    return f"events:{shard}"


def append(events: Iterable[EventRow] = (), traffic: Iterable[TrafficRow] = ()) -> list[int]:
    """Put rows on disk, all or none, and return the shards whose bell is to be rung. Raises Full."""
    entries: dict[int, Entry] = {}
    for event in events:
        entries.setdefault(shard_of(event.workload), Entry([], [])).events.append(event)
    for count in traffic:
        entries.setdefault(shard_of(count.workload), Entry([], [])).traffic.append(count)
    pipeline = connection().pipeline(transaction=True)
    for shard, entry in entries.items():
        pipeline.xadd(stream(shard), {"body": msgspec.msgpack.encode(entry)})
        pipeline.set(f"bell:{shard}", "", nx=True, px=BELL_MS)
    try:
        answers = pipeline.execute()
    except redis.RedisError as error:
        raise Full from error
    return [shard for shard, rung in zip(entries, answers[1::2], strict=True) if rung]


def decode(body: bytes) -> Entry:
    """Return what `append` encoded. Raises msgspec.MsgspecError for other bytes."""
    return msgspec.msgpack.decode(body, type=Entry)


def take(shard: int, count: int, wait_ms: int) -> list[Taken]:
    """Return entries to record: first those that were given out before and not finished, then new ones.

    Waits up to `wait_ms` for a new one. Nothing is taken off the stream until `finish`.
    """
    for last_seen in ("0", ">"):
        answer = _read(shard, last_seen, count, wait_ms)
        if answer:
            return answer
    return []


def _read(shard: int, last_seen: str, count: int, wait_ms: int) -> list[Taken]:
    block = wait_ms if last_seen == ">" and wait_ms else None
    try:
        answer: Any = connection().xreadgroup(GROUP, CONSUMER, {stream(shard): last_seen}, count=count, block=block)
    except redis.ResponseError as error:
        if not str(error).startswith("NOGROUP"):
            raise
        # From 0: a group that starts at the end would never be given what is there already.
        connection().xgroup_create(stream(shard), GROUP, id="0", mkstream=True)
        return _read(shard, last_seen, count, wait_ms)
    return [Taken(name.decode(), (fields or {}).get(b"body")) for _, entries in answer for name, fields in entries]


def finish(shard: int, entries: Sequence[Taken]) -> None:
    """Acknowledge and delete entries that are recorded."""
    ids = [entry.id for entry in entries]
    pipeline = connection().pipeline(transaction=True)
    pipeline.xack(stream(shard), GROUP, *ids)
    pipeline.xdel(stream(shard), *ids)
    pipeline.execute()


def waiting(shard: int) -> int:
    """Return how many entries of a shard are not recorded yet."""
    return int(connection().xlen(stream(shard)))


_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


def lease(shard: int, holder: str) -> bool:
    """Take or renew the right to drain a shard; False where another holds it."""
    name = f"lease:{shard}"
    if connection().set(name, holder, nx=True, px=LEASE_MS):
        return True
    if connection().get(name) != holder.encode():
        return False
    pipeline = connection().pipeline(transaction=True)
    pipeline.pexpire(name, LEASE_MS)
    # While a drain is under way nobody need ring.
    pipeline.set(f"bell:{shard}", "", px=BELL_MS)
    pipeline.execute()
    return True


def release(shard: int, holder: str) -> None:
    """Give the right to drain back, and let the next append ring."""
    connection().delete(f"bell:{shard}")
    connection().eval(_RELEASE, 1, f"lease:{shard}", holder)


def oldest_wait_ms(now_ms: int) -> int:
    """Return for how many milliseconds the oldest entry of all shards has waited, 0 where none waits."""
    pipeline = connection().pipeline(transaction=False)
    for shard in shards():
        pipeline.xrange(stream(shard), count=1)
    firsts = [entries[0][0] for entries in pipeline.execute() if entries]
    return max((now_ms - int(name.split(b"-")[0]) for name in firsts), default=0)
