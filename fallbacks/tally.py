"""Counts that close: received = stored + duplicate + rejected + kept aside + discarded + in flight.

Redis counts what is taken at the door and what leaves the stream, each in the script that does it; PostgreSQL counts
what became of it, in the transaction that does that. Both sides count each item once, whatever dies: an entry
leaves the stream once, and is in the counters once, since its id is written beside them.

Fields of the hash in Redis: `since` (microseconds: when the counting began, and the name of this count, the *epoch*),
`accepted` and `entries` (items and entries put on disk), `finished` and `finished_entries` (taken off after they were
recorded), `rejected:<reason>`, `throttled` (items), `latency:<ms>` and `latency_sum` (milliseconds from disk to
recorded, by items), `progress:<stream>` (milliseconds: when a drain last finished a batch).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import redis
from django.db import connection as database
from django.db import transaction
from redis.commands.core import Script

from fallbacks.streams import TALLY, connection, shards, stream

# A stream entry's id: milliseconds, and a number among those of the same millisecond.
EntryId = tuple[int, int]

# Behind every id.
NO_ID = (2**64 - 1, 2**64 - 1)
# Only after this are ids forgotten: a look that began before must still find them.
SETTLED_AFTER = 60  # seconds
# A difference that is one only because two things were read at two times is gone at the next look.
LOOKS = 4
LOOK_AGAIN_AFTER = 0.05  # seconds

BEGIN = """
if redis.call('HEXISTS', KEYS[1], 'since') == 0 then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'since', string.format('%.0f', time[1] * 1000000 + time[2]))
end
return redis.call('HGET', KEYS[1], 'since')
"""

# The counters are made where there are none, and locked where there are: an update that changes nothing does both.
CLAIM = """
WITH counters AS (
  INSERT INTO tally (epoch, shard) VALUES (%(epoch)s, %(shard)s)
  ON CONFLICT (epoch, shard) DO UPDATE SET shard = excluded.shard
  RETURNING settled_ms, settled_seq
)
INSERT INTO drained_entry (epoch, shard, ms, seq, items)
SELECT %(epoch)s, %(shard)s, ms, seq, items
FROM unnest(%(ms)s::numeric[], %(seq)s::numeric[], %(items)s::integer[]) AS taken (ms, seq, items), counters
WHERE (ms, seq) > (settled_ms, settled_seq)
ORDER BY ms, seq
ON CONFLICT DO NOTHING
RETURNING ms, seq
"""

ADD = """
UPDATE tally SET stored = stored + %(stored)s, duplicate = duplicate + %(duplicate)s,
  kept_aside = kept_aside + %(kept_aside)s, discarded = discarded + %(discarded)s,
  uncounted = uncounted + %(uncounted)s
WHERE epoch = %(epoch)s AND shard = %(shard)s
"""

SETTLE = """
WITH gone AS (
  DELETE FROM drained_entry
  WHERE epoch = %(epoch)s AND shard = %(shard)s AND (ms, seq) < (%(ms)s, %(seq)s)
    AND drained_at < now() - make_interval(secs => %(after)s)
  RETURNING ms, seq
), last AS (SELECT ms, seq FROM gone ORDER BY ms DESC, seq DESC LIMIT 1)
UPDATE tally SET settled_ms = last.ms, settled_seq = last.seq FROM last
WHERE epoch = %(epoch)s AND shard = %(shard)s AND (settled_ms, settled_seq) < (last.ms, last.seq)
"""

SUMS = """
SELECT coalesce(sum(stored), 0)::bigint, coalesce(sum(duplicate), 0)::bigint, coalesce(sum(kept_aside), 0)::bigint,
       coalesce(sum(discarded), 0)::bigint, coalesce(sum(uncounted), 0)::bigint,
       (SELECT coalesce(sum(items), 0)::bigint FROM kept_aside k WHERE %(epoch)s IS NULL OR k.epoch = %(epoch)s)
FROM tally WHERE %(epoch)s IS NULL OR epoch = %(epoch)s
"""

# Recorded, and counted at the door only after the look at Redis; or recorded, and still in the stream at that look.
OVERLAP = """
SELECT coalesce(sum(items) FILTER (WHERE (d.ms, d.seq) > (last_ms, last_seq)), 0)::bigint,
       coalesce(sum(items) FILTER (WHERE (d.ms, d.seq) <= (last_ms, last_seq)), 0)::bigint
FROM unnest(%(shards)s::integer[], %(first_ms)s::numeric[], %(first_seq)s::numeric[],
            %(last_ms)s::numeric[], %(last_seq)s::numeric[]) AS s (shard, first_ms, first_seq, last_ms, last_seq)
JOIN drained_entry d ON d.epoch = %(epoch)s AND d.shard = s.shard AND (d.ms, d.seq) >= (first_ms, first_seq)
"""


def entry_id(text: str) -> EntryId:
    """Return an entry's id as numbers: 1700000000000-3."""
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)


# --- What a drain writes ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    """What became of some items, to be added to a shard's counters."""

    stored: int = 0
    duplicate: int = 0
    kept_aside: int = 0
    discarded: int = 0
    uncounted: int = 0


def epoch() -> int:
    """Return the name of the current count, which begins now where the stream's Redis has none. Raises RedisError."""
    return int(_begin()(keys=[TALLY], client=connection()))


@cache
def _begin() -> Script:
    return connection().register_script(BEGIN)


def claim(epoch: int, shard: int, entries: Mapping[str, int]) -> set[str]:
    """Return those of the entries, by id and counted items, that are in no counter yet; now they are the caller's.

    To be called in the transaction that records them, before anything else: a second drain of the same shard waits
    here until the first has committed.
    """
    with database.cursor() as cursor:
        ids = {entry_id(text): text for text in entries}
        cursor.execute(
            CLAIM,
            {
                "epoch": epoch,
                "shard": shard,
                "ms": [ms for ms, _ in ids],
                "seq": [seq for _, seq in ids],
                "items": [entries[text] for text in ids.values()],
            },
        )
        return {ids[int(ms), int(seq)] for ms, seq in cursor.fetchall()}


def lock(epoch: int, shard: int) -> None:
    """Lock a shard's counters until the end of the transaction: whoever writes there locks them before all else."""
    with database.cursor() as cursor:
        cursor.execute("SELECT FROM tally WHERE epoch = %s AND shard = %s FOR UPDATE", [epoch, shard])


def add(epoch: int, shard: int, outcome: Outcome) -> None:
    """Add to a shard's counters, in the caller's transaction."""
    values = {name: getattr(outcome, name) for name in outcome.__slots__}
    if any(values.values()):
        with database.cursor() as cursor:
            cursor.execute(ADD, {**values, "epoch": epoch, "shard": shard})


def settle(epoch: int, shard: int) -> None:
    """Forget the ids of entries that have left the stream: that all up to the last of them are counted is enough."""
    waiting = _shard(shard, _info(shard))
    with transaction.atomic(), database.cursor() as cursor:
        lock(epoch, shard)
        values = {"epoch": epoch, "shard": shard, "ms": waiting.first[0], "seq": waiting.first[1]}
        cursor.execute(SETTLE, {**values, "after": SETTLED_AFTER})
        # Of an earlier count, whose stream is gone.
        cursor.execute("DELETE FROM drained_entry WHERE epoch < %s AND drained_at < now() - interval '1 day'", [epoch])


# --- What the two sides hold -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shard:
    """One stream as it is: how many entries, from which on, and the last id that it ever gave."""

    number: int
    entries: int
    first: EntryId
    last: EntryId


@dataclass(frozen=True, slots=True)
class Door:
    """What Redis holds: counts of the door and of the stream, all of one moment."""

    counts: Mapping[str, int]
    shards: Sequence[Shard]

    @property
    def epoch(self) -> int | None:
        return self.counts.get("since")

    @property
    def accepted(self) -> int:
        return self.counts.get("accepted", 0)

    @property
    def rejected(self) -> dict[str, int]:
        """Items that were refused one by one, and bodies that could not be read, by reason."""
        return {name[9:]: count for name, count in sorted(self.counts.items()) if name.startswith("rejected:")}

    @property
    def waiting(self) -> int:
        """Items that were put on disk and not taken off."""
        return self.accepted - self.counts.get("finished", 0)

    @property
    def missing(self) -> int:
        """Entries that were put on disk, not taken off, and are not there."""
        expected = self.counts.get("entries", 0) - self.counts.get("finished_entries", 0)
        return max(0, expected - sum(shard.entries for shard in self.shards))

    @property
    def in_stream(self) -> int:
        """Items that really wait: what is missing held one item an entry at least, and all where nothing is left."""
        if self.missing and not any(shard.entries for shard in self.shards):
            return 0
        return self.waiting - self.missing


def door() -> Door:
    """Return what Redis holds. Raises redis.RedisError."""
    pipeline = connection().pipeline(transaction=True)
    pipeline.hgetall(TALLY)
    for shard in shards():
        pipeline.xinfo_stream(stream(shard))
    hash_, *streams = pipeline.execute(raise_on_error=False)
    if isinstance(hash_, Exception):
        raise hash_
    counts = {name.decode(): int(value) for name, value in hash_.items()}
    return Door(counts, [_shard(shard, info) for shard, info in zip(shards(), streams, strict=True)])


def _info(shard: int) -> Any:
    try:
        return connection().xinfo_stream(stream(shard))
    except redis.ResponseError as error:
        return error


def _shard(number: int, info: Any) -> Shard:
    if isinstance(info, redis.ResponseError):  # no such stream yet
        return Shard(number, 0, NO_ID, NO_ID)
    last = entry_id(info["last-generated-id"].decode())
    first = entry_id(info["first-entry"][0].decode()) if info["first-entry"] else (last[0], last[1] + 1)
    return Shard(number, int(info["length"]), first, last)


@dataclass(frozen=True, slots=True)
class Books:
    """What PostgreSQL holds of a count; the last two speak of entries that a look at Redis saw otherwise."""

    stored: int = 0
    duplicate: int = 0
    kept_aside_ever: int = 0
    discarded: int = 0
    uncounted: int = 0
    kept_aside: int = 0
    # Recorded after they were accepted after the look.
    later: int = 0
    # Recorded, and in the stream at the look.
    twice: int = 0


def books(seen: Door | None = None) -> Books:
    """Return what PostgreSQL holds of the count that was `seen`, or of all counts. Raises django.db.DatabaseError."""
    if seen is not None and seen.epoch is None:
        return Books()
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(SUMS, {"epoch": None if seen is None else seen.epoch})
        sums = cursor.fetchone()
        if seen is None:
            return Books(*sums)
        values: dict[str, Any] = {
            "epoch": seen.epoch,
            "shards": [shard.number for shard in seen.shards],
            "first_ms": [shard.first[0] for shard in seen.shards],
            "first_seq": [shard.first[1] for shard in seen.shards],
            "last_ms": [shard.last[0] for shard in seen.shards],
            "last_seq": [shard.last[1] for shard in seen.shards],
        }
        cursor.execute(OVERLAP, values)
        return Books(*sums, *cursor.fetchone())


# --- What is so ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """Every item that was received, and where it is. All in items, since `since`."""

    since: datetime | None
    accepted: int = 0
    uncounted: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    throttled: int = 0
    stored: int = 0
    duplicate: int = 0
    kept_aside: int = 0
    discarded: int = 0
    in_flight: int = 0
    # Some entries have vanished from a stream that still has others: at least one item each is lost.
    at_least: bool = False

    @property
    def refused(self) -> int:
        return sum(self.rejected.values())

    @property
    def received(self) -> int:
        return self.accepted + self.uncounted + self.refused

    @property
    def accounted(self) -> int:
        return self.stored + self.duplicate + self.refused + self.kept_aside + self.discarded + self.in_flight

    @property
    def lost(self) -> int:
        """Received and nowhere. Below zero: somewhere twice, or counters were lost and rows were not."""
        return self.received - self.accounted


def account() -> Account:
    """Return where everything is. Raises redis.RedisError or django.db.DatabaseError.

    Both sides move while they are read. What was recorded between the two looks is known by its entry's id; where
    two drains are at one shard for a moment even that is not exact, so a difference is looked at again.
    """
    for again in range(LOOKS):
        if again:
            time.sleep(LOOK_AGAIN_AFTER)
        seen = door()
        found = closed(seen, books(seen))
        if not found.lost:
            break
    return found


def closed(seen: Door, held: Books) -> Account:
    """Put the two sides together."""
    return Account(
        since=datetime.fromtimestamp(seen.epoch / 1e6, UTC) if seen.epoch else None,
        accepted=seen.accepted + held.later,
        uncounted=held.uncounted,
        rejected=seen.rejected,
        throttled=seen.counts.get("throttled", 0),
        stored=held.stored,
        duplicate=held.duplicate,
        kept_aside=held.kept_aside,
        discarded=held.discarded,
        in_flight=seen.in_stream - held.twice,
        at_least=bool(seen.missing),
    )
