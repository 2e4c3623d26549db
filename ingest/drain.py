"""The drain: from stream entries to rows and rollups. Only what is committed is taken off the stream."""

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from django.db import DataError, IntegrityError

from fallbacks.models import KeptAside
from fallbacks.recording import EventRow, TrafficRow, record
from ingest import buffer

log = logging.getLogger(__name__)

ENTRIES_A_READ = 64
# A transaction of some thousand events costs the least an event; one of more holds its rows too long.
EVENTS_A_TRANSACTION = 5_000
# A drain waits so long for the next entry before it lets go: cheaper than another task a moment later.
LINGER_MS = 100
# What the database refuses for its value, and would refuse for ever. Anything else is tried again.
REFUSED = (DataError, IntegrityError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Item:
    """One row of an entry, and where it came from."""

    origin: str
    row: EventRow | TrafficRow


def drain(shard: int, seconds: float) -> bool:
    """Record what waits in a shard, for at most some `seconds`. True where more may wait and nobody is at it.

    Raises django.db.DatabaseError or redis.RedisError where one of the two cannot be reached: then all
    that was not committed is still in the stream.
    """
    holder, deadline = uuid.uuid4().hex, time.monotonic() + seconds
    while buffer.lease(shard, holder):
        try:
            while time.monotonic() < deadline and (entries := buffer.take(shard, ENTRIES_A_READ, LINGER_MS)):
                for batch in batches(entries):
                    record_entries(shard, batch)
                    buffer.finish(shard, batch)
                    buffer.lease(shard, holder)
        finally:
            buffer.release(shard, holder)
        # An entry that came between the last look and the release rang no bell: look once more.
        if not buffer.waiting(shard):
            return False
        if time.monotonic() >= deadline:
            return True
    return False


def batches(entries: Sequence[buffer.Taken]) -> Iterator[list[buffer.Taken]]:
    """Group entries by size, a megabyte or so a batch: some thousand events."""
    batch: list[buffer.Taken] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += len(entry.body or b"")
        if size > EVENTS_A_TRANSACTION * 200:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def record_entries(shard: int, entries: Sequence[buffer.Taken]) -> None:
    """Record a batch; what cannot be recorded is kept aside, alone, and the rest goes on."""
    items: list[Item] = []
    for entry in entries:
        origin = f"{buffer.stream(shard)}/{entry.id}"
        try:
            decoded = buffer.decode(entry.body or b"")
        except msgspec.MsgspecError as error:
            keep_aside(origin, entry.body or b"", error)
            continue
        items += [Item(f"{origin}/e{n}", row) for n, row in enumerate(decoded.events)]
        items += [Item(f"{origin}/t{n}", row) for n, row in enumerate(decoded.traffic)]
    record_or_split(items)


def record_or_split(items: Sequence[Item]) -> None:
    """Record items in one transaction; where the database refuses a value, halve until it stands alone."""
    if not items:
        return
    try:
        record(
            [item.row for item in items if isinstance(item.row, EventRow)],
            [item.row for item in items if isinstance(item.row, TrafficRow)],
        )
    except REFUSED as error:
        if len(items) == 1:
            keep_aside(items[0].origin, msgspec.json.encode(items[0].row), error)
            return
        middle = len(items) // 2
        record_or_split(items[:middle])
        record_or_split(items[middle:])


def keep_aside(origin: str, body: bytes, error: Exception) -> None:
    """Keep what cannot be recorded, once, with the reason."""
    log.error("kept aside %s: %s", origin, error)
    KeptAside.objects.get_or_create(origin=origin, defaults={"body": body, "error": str(error)})
