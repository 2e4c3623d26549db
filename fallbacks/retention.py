"""Retention: how long rows and rollups are kept, and the removal of what is older.

| what | kept for | removed |
|---|---|---|
| events | EVENT_RETENTION_DAYS | a day's partition at once |
| counts of traffic | the same | in batches |
| minute and hour rollups | ROLLUP_RETENTION_DAYS | in batches |
| what was exported, not the files | 30 days | in batches |
| texts of samples, not their reviews | SAMPLE_RETENTION_DAYS | in batches |
| what events were judged to be before | as long as the events | in batches |
| sessions, and where they are of | until they end | in batches |
| day rollups, workloads | ever | |

Everything is kept by whole days in UTC, so that what is left of a day is all of it. Removing may be cut off
anywhere and done again: it goes on where it was.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from fallbacks import locks, partitions
from fallbacks.models import RemovedRows
from fallbacks.timebuckets import LENGTH, Kept, Step, floor

# Nothing older is taken, however long it would be kept: partitions are made for so far back.
OLDEST_TAKEN = timedelta(days=30)
# The clocks of services differ, and no event comes from tomorrow.
NEWEST_TAKEN = timedelta(minutes=10)
# How long the removal of a partition waits for those who read it. Nobody waits behind it.
PATIENCE_MS = 5_000
# Rows of one transaction: some tens of milliseconds, for which a recorder may wait for a cell.
BATCH = 5_000
# A count covers at most an hour: one that started before the first day that is kept may have requests in it.
LONGEST_COUNT = timedelta(hours=1)
# Any number, the same everywhere: two processes that remove the same would be in each other's way.
_LOCK = 0x0FA11B1E

REMEMBER = """
INSERT INTO removed_rows AS r (id, before) VALUES (1, %(before)s)
ON CONFLICT (id) DO UPDATE SET before = greatest(r.before, excluded.before)
"""
OLD_TRAFFIC = "SELECT count(*) FROM traffic WHERE start < %(before)s"
# Rows of traffic are never changed, so a place on disk names one.
REMOVE_TRAFFIC = """
DELETE FROM traffic WHERE ctid = ANY(ARRAY(SELECT ctid FROM traffic WHERE start < %(before)s LIMIT %(batch)s))
"""
# As long as people remember what they have exported; the log has it for longer.
EXPORTS_KEPT = timedelta(days=30)
REMOVE_EXPORTS = """
DELETE FROM export WHERE ctid = ANY(ARRAY(SELECT ctid FROM export WHERE started_at < %(before)s LIMIT %(batch)s))
"""
# Rows are never changed here either. No index has their age first: only what was judged again is in it.
REMOVE_EARLIER_VERDICTS = """
DELETE FROM earlier_verdict WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM earlier_verdict WHERE occurred_at < %(before)s LIMIT %(batch)s
))
"""
# A function of the owner's: whoever reads the key of a session is somebody else.
REMOVE_SESSIONS = "SELECT FROM remove_ended_sessions(%(batch)s) AS removed WHERE removed > 0"
OLD_TEXTS = "SELECT count(*) FROM sample WHERE texts_removed_at IS NULL AND sampled_at < %(before)s"
# Who holds one for review does no more: there is nothing to look at. What somebody is writing goes the next time, since
# to wait for it while others wait for this could be a circle.
REMOVE_TEXTS = """
WITH old AS (
  SELECT id FROM sample WHERE texts_removed_at IS NULL AND sampled_at < %(before)s
  ORDER BY sampled_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
UPDATE sample s SET input = NULL, output = NULL, primary_output = NULL, texts_removed_at = now(),
                    held_by_id = NULL, held_until = NULL
FROM old WHERE s.id = old.id
"""
# The tables that are removed from, and what orders their rows as recorders do.
NARROW, WIDE = "workload_id, bucket, environment", 'workload_id, bucket, environment, "primary", fallback, error_class'
ROLLUPS: dict[Step, dict[str, str]] = {
    "minute": {"rollup_minute": NARROW, "breakdown_minute": WIDE},
    "hour": {"rollup_hour": NARROW, "breakdown_hour": WIDE},
}
OLD_CELLS = "SELECT count(*) FROM {rollup} WHERE bucket < %(before)s"
# Locked in the order of the key, as recorders do. Of the oldest span alone, which the index by time finds: sorting all
# that is old for each batch would take longer with every day that was missed.
REMOVE_CELLS = """
WITH old AS (
  SELECT ctid FROM {rollup}
  WHERE bucket < least(%(before)s, (SELECT min(bucket) FROM {rollup}) + %(span)s)
  ORDER BY {key} LIMIT %(batch)s FOR UPDATE
)
DELETE FROM {rollup} r USING old WHERE r.ctid = old.ctid
"""


@dataclass
class Removed:
    """What was removed, or would be."""

    days: list[date] = field(default_factory=list)
    traffic: int = 0
    cells: dict[Step, int] = field(default_factory=dict)
    # Samples whose texts went.
    samples: int = 0
    # Why something is left that should be removed.
    left: str = ""


def oldest_day_kept(now: datetime) -> date:
    """Return the oldest day, in UTC, whose events and counts are kept. Older ones are removed."""
    return now.astimezone(UTC).date() - timedelta(days=settings.EVENT_RETENTION_DAYS)


def oldest_taken(now: datetime) -> datetime:
    """Return the earliest time for which an event or a count is taken.

    A whole day later than the oldest that is kept: what is taken now and recorded after midnight must still
    find its day, or the same event sent twice would be two.
    """
    return max(now - OLDEST_TAKEN, _start(oldest_day_kept(now) + timedelta(days=1)))


def rows_kept_since(now: datetime) -> datetime:
    """Return from when on all events and counts are kept: rollups can be recounted from there on.

    Not the setting alone: where that was raised, what it asks for is gone already.
    """
    removed = RemovedRows.objects.values_list("before", flat=True).first()
    since = _start(oldest_day_kept(now))
    return max(since, removed) if removed else since


def rollups_kept_since(now: datetime) -> Kept:
    """Return from when on the buckets of each step are kept. Days are not in it: they are kept for ever."""
    today = floor(now, LENGTH["day"])
    return {step: today - timedelta(days=kept) for step, kept in settings.ROLLUP_RETENTION_DAYS.items()}


def texts_kept_since(now: datetime) -> datetime:
    """Return from when on the texts of samples are kept."""
    return _start(now.astimezone(UTC).date() - timedelta(days=settings.SAMPLE_RETENTION_DAYS))


def expired(now: datetime) -> Removed:
    """Return what `apply` would remove."""
    found = Removed(list(partitions.to_drop(oldest_day_kept(now))))
    with connection.cursor() as cursor:
        cursor.execute(OLD_TRAFFIC, {"before": _start(oldest_day_kept(now)) - LONGEST_COUNT})
        (found.traffic,) = cursor.fetchone()
        for step, before in rollups_kept_since(now).items():
            for rollup in ROLLUPS[step]:
                cursor.execute(OLD_CELLS.format(rollup=rollup), {"before": before})
                found.cells[step] = found.cells.get(step, 0) + int(cursor.fetchone()[0])
        cursor.execute(OLD_TEXTS, {"before": texts_kept_since(now)})
        (found.samples,) = cursor.fetchone()
    return found


def apply(now: datetime) -> Removed:
    """Remove what is older than it is to be kept, while everything else goes on, and return what that was.

    What is being read is left for the next time; `left` of the answer says so. Call it outside of a transaction.
    """
    removed = Removed()
    with locks.alone(_LOCK) as alone:
        if not alone:
            return Removed(left="another process is removing already")
        # First: nothing may hold it up.
        removed.samples = _in_batches(REMOVE_TEXTS, before=texts_kept_since(now))
        for step, before in rollups_kept_since(now).items():
            span = LENGTH["hour"] if step == "minute" else LENGTH["day"]
            statements = (REMOVE_CELLS.format(rollup=rollup, key=key) for rollup, key in ROLLUPS[step].items())
            removed.cells[step] = sum(_in_batches(each, before=before, span=span) for each in statements)
        since = _start(oldest_day_kept(now))
        with connection.cursor() as cursor:
            # First: a recount meanwhile must not take what is half removed for all that there was.
            cursor.execute(REMEMBER, {"before": since})
        removed.traffic = _in_batches(REMOVE_TRAFFIC, before=since - LONGEST_COUNT)
        _in_batches(REMOVE_EARLIER_VERDICTS, before=since)
        _in_batches(REMOVE_EXPORTS, before=now - EXPORTS_KEPT)
        _in_batches(REMOVE_SESSIONS)
        for day, state in partitions.to_drop(oldest_day_kept(now)).items():
            try:
                partitions.drop(day, state, PATIENCE_MS)
            except partitions.InUse as busy:
                # The next day would wait for the same reader, and only one can be half way.
                removed.left = str(busy)
                break
            removed.days.append(day)
    return removed


def _in_batches(statement: str, **given: Any) -> int:
    """Run a statement that removes one batch until it finds nothing more, each time in a transaction of its own."""
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, {**given, "batch": BATCH})
            if not cursor.rowcount:
                return total
            total += cursor.rowcount


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
