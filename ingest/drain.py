"""The drain: from stream entries to rows and rollups. Only what is committed is taken off the stream."""

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction

from fallbacks import aside, logs, partitions, tally
from fallbacks.aside import REFUSED as REFUSED
from fallbacks.recording import days_of, insert
from fallbacks.rows import EventRow, TrafficRow
from ingest import buffer, crashpoints

log = logging.getLogger(__name__)

# A drain waits so long for the next entry before it lets go: cheaper than another task a moment later.
LINGER_MS = 100
# Often enough that few ids are remembered, seldom enough to cost nothing.
SETTLE_EVERY = 60.0  # seconds

_settled_at: dict[int, float] = {}
_summary = logs.Summary(log, "drained")


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry of the stream, read: its rows, or why it cannot be read."""

    taken: buffer.Taken
    origin: str
    entry: buffer.Entry
    error: msgspec.MsgspecError | UnicodeError | None = None


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
            work(shard, holder, deadline)
        finally:
            buffer.release(shard, holder)
        # An entry that came between the last look and the release rang no bell: look once more.
        if not buffer.waiting(shard):
            return False
        if time.monotonic() >= deadline:
            return True
    return False


def work(shard: int, holder: str, deadline: float) -> None:
    """Record and finish entries until none waits, or until the deadline (monotonic seconds)."""
    epoch = tally.epoch()
    for part in buffer.parts(buffer.left_behind(shard)):
        record_and_finish(epoch, shard, holder, part)
    while time.monotonic() < deadline and (entries := buffer.take(shard, LINGER_MS)):
        if epoch != (epoch := tally.epoch()):
            # The stream's Redis has lost its data meanwhile. What is still there is given again, under this count.
            continue
        for part in buffer.parts(entries):
            record_and_finish(epoch, shard, holder, part)
            if time.monotonic() >= deadline:
                # What was given out and not finished comes first the next time.
                break
    if time.monotonic() - _settled_at.get(shard, -SETTLE_EVERY) >= SETTLE_EVERY:
        _settled_at[shard] = time.monotonic()
        tally.settle(epoch, shard)


def record_and_finish(epoch: int, shard: int, holder: str, entries: Sequence[buffer.Taken]) -> None:
    """Record entries, and take them off the stream once they are committed."""
    outcome = record_entries(epoch, shard, entries)
    logs.back("database")
    crashpoints.reach("after-commit")
    buffer.finish(shard, entries)
    logs.back("stream")
    buffer.lease(shard, holder)
    _summary.add(
        entries=len(entries), stored=outcome.stored, duplicate=outcome.duplicate, kept_aside=outcome.kept_aside
    )


def record_entries(epoch: int, shard: int, entries: Sequence[buffer.Taken]) -> tally.Outcome:
    """Record a batch in one transaction; where the database refuses a value, entry by entry instead."""
    opened = [read(shard, entry) for entry in entries]
    try:
        partitions.ensure_known(days_of(row for each in opened for row in each.entry.events))
        return commit(epoch, shard, opened, split=False)
    except REFUSED:
        # It may be no value at all but a partition that somebody dropped by hand.
        partitions.forget()
        outcomes = [alone(epoch, shard, each) for each in opened]
    return tally.Outcome(
        stored=sum(outcome.stored for outcome in outcomes),
        duplicate=sum(outcome.duplicate for outcome in outcomes),
        kept_aside=sum(outcome.kept_aside for outcome in outcomes),
    )


def read(shard: int, taken: buffer.Taken) -> Opened:
    """Read an entry's bytes."""
    origin = f"{buffer.stream(shard)}/{taken.id}"
    try:
        return Opened(taken, origin, buffer.decode(taken.body or b""))
    except (msgspec.MsgspecError, UnicodeError) as error:
        # Text that is not UTF-8 is no error of msgspec's own.
        return Opened(taken, origin, buffer.Entry(), error)


def alone(epoch: int, shard: int, opened: Opened) -> tally.Outcome:
    """Record one entry in a transaction of its own, in which it is split down to what is refused."""
    for row in opened.entry.events:
        try:
            # Before the transaction: a partition that is taken back with it would be believed to be there.
            partitions.ensure_known(days_of([row]))
        except REFUSED:
            continue  # kept aside, when its turn comes
    return commit(epoch, shard, [opened], split=True)


def commit(epoch: int, shard: int, opened: Sequence[Opened], *, split: bool) -> tally.Outcome:
    """Record entries and count what became of them, in one transaction."""
    with transaction.atomic():
        fresh = tally.claim(epoch, shard, {each.taken.id: each.taken.items or 0 for each in opened})
        outcome = store(epoch, shard, [each for each in opened if each.taken.id in fresh], split=split)
        counted = sum(each.taken.items or 0 for each in opened if each.taken.id in fresh)
        outcome.uncounted = outcome.stored + outcome.duplicate + outcome.kept_aside - counted
        if len(fresh) < len(opened):
            # Counted before a crash, all of it. Recorded again nevertheless: the id could be another's.
            again = store(epoch, shard, [each for each in opened if each.taken.id not in fresh], split=split)
            outcome.stored += again.stored
            outcome.kept_aside += again.kept_aside
            outcome.uncounted += again.stored + again.kept_aside
        tally.add(epoch, shard, outcome)
        crashpoints.reach("before-commit")
    return outcome


def store(epoch: int, shard: int, opened: Sequence[Opened], *, split: bool) -> tally.Outcome:
    """Store the rows of entries, keep aside what cannot be read, and return how many items were what."""
    outcome = tally.Outcome()
    for each in opened:
        if each.error is not None:
            items = each.taken.items or 1
            if keep_aside(epoch, shard, each.origin, each.taken.body or b"", each.error, items):
                outcome.kept_aside += items
    if split:
        record_or_split(epoch, shard, [item for each in opened for item in items_of(each)], outcome)
        return outcome
    events = [row for each in opened for row in each.entry.events]
    traffic = [row for each in opened for row in each.entry.traffic]
    if events or traffic:
        stored = insert(events, traffic)
        outcome.stored = stored.events + stored.traffic
        outcome.duplicate = len(events) + len(traffic) - outcome.stored
    return outcome


def items_of(opened: Opened) -> list[Item]:
    """Return the rows of an entry, each with its own origin."""
    return [
        *(Item(f"{opened.origin}/e{n}", row) for n, row in enumerate(opened.entry.events)),
        *(Item(f"{opened.origin}/t{n}", row) for n, row in enumerate(opened.entry.traffic)),
    ]


def record_or_split(epoch: int, shard: int, items: Sequence[Item], outcome: tally.Outcome) -> None:
    """Record items; where the database refuses a value, halve until it stands alone, and keep that aside."""
    if not items:
        return
    events = [item.row for item in items if isinstance(item.row, EventRow)]
    traffic = [item.row for item in items if isinstance(item.row, TrafficRow)]
    try:
        stored = insert(events, traffic)
    except REFUSED as error:
        if len(items) == 1:
            if keep_aside(epoch, shard, items[0].origin, msgspec.json.encode(items[0].row), error):
                outcome.kept_aside += 1
            return
        middle = len(items) // 2
        record_or_split(epoch, shard, items[:middle], outcome)
        record_or_split(epoch, shard, items[middle:], outcome)
        return
    outcome.stored += stored.events + stored.traffic
    outcome.duplicate += len(items) - stored.events - stored.traffic


def keep_aside(epoch: int, shard: int, origin: str, body: bytes, error: Exception, items: int = 1) -> bool:
    """Keep what cannot be recorded, once, with the reason; False where it is kept already."""
    log.error("kept aside", extra={"origin": origin, "error": logs.kind(error), "bytes": len(body)})
    return aside.keep(epoch, shard, origin, body, error, items)
