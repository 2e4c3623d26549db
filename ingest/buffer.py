"""The buffer: a Redis Stream a shard, on disk before the answer, emptied by the drain.

An entry holds what one request sent for one shard, however many events that is. Workloads are spread
over the shards by hash, so that drains of different shards never meet at one rollup row.

A stream is never trimmed, and its group starts at 0 with one consumer: either would lose entries
without a word. What a dead worker was given is given to the next one first.
"""

import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import redis
from django.conf import settings
from redis.commands.core import Script

from fallbacks import logs
from fallbacks.keys import Key
from fallbacks.rows import EventRow, TrafficRow
from fallbacks.streams import GROUP as GROUP
from fallbacks.streams import TALLY as TALLY
from fallbacks.streams import Entry as Entry
from fallbacks.streams import connection as connection
from fallbacks.streams import decode as decode
from fallbacks.streams import shards as shards
from fallbacks.streams import stream as stream
from ingest import crashpoints, line

log = logging.getLogger(__name__)
_refused = logs.Summary(log, "refused")

CONSUMER = "drain"
# An entry may be of some bytes or of 5 MiB: at first a few are asked for, then so many that even the largest fit into
# memory.
FIRST_READ, ENTRIES_A_READ = 4, 32
# What one transaction takes: some thousand events cost the least an event; more would hold their rows too long.
ENOUGH_BYTES = 1_000_000
ENOUGH_ENTRIES = 2_000
# A bell that was rung counts as rung for so long; then it is rung again, should the message be lost. While it does,
# nobody else rings: more tasks for a shard than one would take their turns from other shards.
BELL_MS = 1_500
# A key may save up so many seconds of its rate.
BURST_SECONDS = 10
# Longer than a batch takes. A drain that dies leaves its shard to others after this, which with a bell is less than the
# five seconds that an event may wait while beat stands still; one that only stands still itself may meet another at
# the same entries, which costs work and harms nothing.
LEASE_MS = 3_000


class Full(Exception):
    """The stream cannot be written: full, or not reached. Nothing was taken."""


class Throttled(Exception):
    """The key is over its rate. Nothing was taken; `seconds` until as much would be."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"over its rate for another {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry of the stream: its id there, its bytes as they were appended, and how many items `append` counted.

    Where a stranger wrote it there is no count, and perhaps no body.
    """

    id: str
    body: bytes | None
    items: int | None = None


def shard_of(workload: str) -> int:
    """Return the shard of a workload: the same in every process and on every machine."""
    return zlib.crc32(workload.encode()) % settings.STREAM_SHARDS


def append(
    key: Key,
    events: Iterable[EventRow] = (),
    traffic: Iterable[TrafficRow] = (),
    rejected: Mapping[str, int] | None = None,
) -> list[int]:
    """Put rows on disk, all or none, and return the shards whose bell is to be rung.

    `rejected` counts the items that were not good, by reason: they are paid for and tallied as well.
    Raises Throttled where the key is over its rate, Full where the stream cannot be written.
    """
    entries: dict[int, Entry] = {}
    accepted = 0
    for event in events:
        entries.setdefault(shard_of(event.workload), Entry([], [])).events.append(event)
        accepted += 1
    for count in traffic:
        entries.setdefault(shard_of(count.workload), Entry([], [])).traffic.append(count)
        accepted += 1
    rejected = rejected or {}
    rate = settings.KEY_RATE if key.rate is None else key.rate
    names = [f"rate:{key.id}", TALLY, *(name for shard in entries for name in (stream(shard), f"bell:{shard}"))]
    cost = max(1, accepted + sum(rejected.values()))
    words: list[Any] = [cost, rate, BURST_SECONDS, BELL_MS, accepted, len(rejected)]
    words += [word for pair in rejected.items() for word in pair]
    for entry in entries.values():
        words += [len(entry.events) + len(entry.traffic), msgspec.msgpack.encode(entry)]
    try:
        taken, *rest = line.evaluate(_append(), names, words)
    except redis.RedisError as error:
        logs.away("stream", error)
        raise Full from error
    logs.back("stream")
    if not taken:
        _refused.add(over_rate=cost)
        raise Throttled(-(-rest[0] // 1000))
    if rejected:
        _refused.add(**rejected)
    return [shard for shard, rung in zip(entries, rest, strict=True) if rung]


@cache
def _append() -> Script:
    return connection().register_script((Path(__file__).parent / "append.lua").read_text())


def take(shard: int, wait_ms: int) -> list[Taken]:
    """Return entries to record: first those that were given out before and not finished, then new ones.

    Waits up to `wait_ms` for a new one. Nothing is taken off the stream until `finish`.
    """
    return _gather(shard, "0", 0) or _gather(shard, ">", wait_ms)


def _gather(shard: int, last_seen: str, wait_ms: int) -> list[Taken]:
    """Read on until there is enough for a transaction, or nothing more."""
    entries: list[Taken] = []
    size, count = 0, FIRST_READ
    while size < ENOUGH_BYTES and len(entries) < ENOUGH_ENTRIES:
        more = _read(shard, last_seen, count, 0 if entries else wait_ms)
        entries += more
        size += sum(map(_size, more))
        if len(more) < count:
            break
        count = ENTRIES_A_READ
        if last_seen != ">":
            last_seen = more[-1].id
    return entries


def parts(entries: Sequence[Taken]) -> Iterator[list[Taken]]:
    """Cut entries, in their order, into what one transaction takes: enough, and only where one is larger, more."""
    part: list[Taken] = []
    size = 0
    for entry in entries:
        if part and size + _size(entry) > ENOUGH_BYTES:
            yield part
            part, size = [], 0
        part.append(entry)
        size += _size(entry)
    if part:
        yield part


def _size(entry: Taken) -> int:
    return len(entry.body or b"")


def _read(shard: int, last_seen: str, count: int, wait_ms: int) -> list[Taken]:
    try:
        answer: Any = connection().xreadgroup(
            GROUP, CONSUMER, {stream(shard): last_seen}, count=count, block=wait_ms or None
        )
    except redis.ResponseError as error:
        if not str(error).startswith("NOGROUP"):
            raise
        # From 0: a group that starts at the end would never be given what is there already.
        connection().xgroup_create(stream(shard), GROUP, id="0", mkstream=True)
        return _read(shard, last_seen, count, wait_ms)
    return [_taken(name, fields) for _, entries in answer for name, fields in entries]


def _taken(name: bytes, fields: Mapping[bytes, bytes] | None) -> Taken:
    fields = fields or {}
    items = fields.get(b"items", b"")
    return Taken(name.decode(), fields.get(b"body"), int(items) if items.isdigit() and len(items) < 10 else None)


def finish(shard: int, entries: Sequence[Taken]) -> None:
    """Acknowledge, delete and tally entries that are recorded: all of it or nothing."""
    words: list[Any] = [GROUP]
    for entry in entries:
        words += [entry.id, "" if entry.items is None else entry.items]
    if crashpoints.armed("after-acknowledge"):
        connection().xack(stream(shard), GROUP, *(entry.id for entry in entries))
        crashpoints.reach("after-acknowledge")
    _finish()(keys=[stream(shard), TALLY], args=words, client=connection())


@cache
def _finish() -> Script:
    return connection().register_script((Path(__file__).parent / "finish.lua").read_text())


def left_behind(shard: int) -> list[Taken]:
    """Return entries that were acknowledged and are still there: no group would ever be given them again.

    Nothing here does one without the other, save the crash point; a hand at the console may.
    """
    try:
        groups: Any = connection().xinfo_groups(stream(shard))
    except redis.ResponseError:  # no such stream yet
        return []
    seen = next((group["last-delivered-id"] for group in groups if group["name"] == GROUP.encode()), b"0-0")
    pipeline = connection().pipeline(transaction=True)
    pipeline.xrange(stream(shard), max=seen, count=ENTRIES_A_READ)
    pipeline.xpending_range(stream(shard), GROUP, "-", "+", 10_000)
    try:
        entries, pending = pipeline.execute()
    except redis.ResponseError:  # the group is gone: all entries will be given again
        return []
    given = {each["message_id"] for each in pending}
    return [_taken(name, fields) for name, fields in entries if name not in given]


def waiting(shard: int) -> int:
    """Return how many entries of a shard are not recorded yet."""
    return int(connection().xlen(stream(shard)))


# Where its memory is full, Redis refuses a script's first write, unless that can take no memory: draining makes room,
# and must not need any. While a drain is under way nobody need ring.
_LEASE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if held then redis.call('SET', KEYS[2], '', 'PX', ARGV[3]) end
return 1
"""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


def lease(shard: int, holder: str) -> bool:
    """Take or renew the right to drain a shard; False where another holds it."""
    names = [f"lease:{shard}", f"bell:{shard}"]
    return bool(_lease()(keys=names, args=[holder, LEASE_MS, BELL_MS], client=connection()))


@cache
def _lease() -> Script:
    return connection().register_script(_LEASE)


def release(shard: int, holder: str) -> None:
    """Give the right to drain back, and let the next append ring."""
    connection().delete(f"bell:{shard}")
    connection().eval(_RELEASE, 1, f"lease:{shard}", holder)


def silent(shards: Sequence[int]) -> list[int]:
    """Return those of the shards whose bell is silent; it counts as rung from now on."""
    pipeline = connection().pipeline(transaction=False)
    for shard in shards:
        pipeline.set(f"bell:{shard}", "", nx=True, px=BELL_MS)
    return [shard for shard, rung in zip(shards, pipeline.execute(), strict=True) if rung]


def oldest_wait_ms(now_ms: int) -> int:
    """Return for how many milliseconds the oldest entry of all shards has waited, 0 where none waits."""
    pipeline = connection().pipeline(transaction=False)
    for shard in shards():
        pipeline.xrange(stream(shard), count=1)
    firsts = [entries[0][0] for entries in pipeline.execute() if entries]
    return max((now_ms - int(name.split(b"-")[0]) for name in firsts), default=0)
