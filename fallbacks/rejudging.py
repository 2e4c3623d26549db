"""Judging again: after a mistaken policy, or one that was written too late. What was judged before is kept.

Batch by batch, each in a transaction of its own, so that recorders go on and a run that was cut off may be run again.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from fallbacks import rollups, rulebook
from fallbacks.judging import Judged, judge_by
from fallbacks.measures import Assessed, Measures
from fallbacks.models import Workload
from fallbacks.pricing import Costs
from fallbacks.rollups import Kind
from fallbacks.rows import EventRow
from fallbacks.timebuckets import LENGTH, STEPS, floor
from fallbacks.verdict import named

BATCH = 5_000
# The last columns of an event that are its sender's.
FACTS = (
    "error_code",
    "attempts",
    "user_visible",
    "user_notified",
    "tier",
    "payload_class",
    "provider_features",
    "primary_latency_ms",
    "fallback_latency_ms",
    "input_tokens",
    "cached_input_tokens",
)

# Locked in the order of the key, as recorders insert: two that judge again wait for each other and never in a circle.
FIND = """
SELECT occurred_at, id, environment, "primary", fallback, status, outcome, error_code, attempts, user_visible,
       user_notified, tier, payload_class, provider_features, primary_latency_ms, fallback_latency_ms,
       input_tokens, cached_input_tokens, cost_usd, primary_cost_usd, cache_loss_usd,
       error_class, rules, policy_version, who_acts, notice_due
FROM event WHERE workload_id = %(workload)s AND occurred_at < %(end)s AND (occurred_at, id) > (%(after)s, %(id)s)
ORDER BY occurred_at, id LIMIT %(batch)s FOR UPDATE
"""
CHANGED = """
json_to_recordset(%(changed)s::json) AS changed (
  occurred_at timestamptz, id text, error_class text, rules integer, policy_version integer, who_acts text,
  notice_due boolean)
"""
KEEP = f"""
INSERT INTO earlier_verdict (workload_id, occurred_at, event, error_class, rules, policy_version, who_acts)
SELECT e.workload_id, e.occurred_at, e.id, e.error_class, e.rules, e.policy_version, e.who_acts
FROM {CHANGED} JOIN event e ON (e.workload_id, e.occurred_at, e.id) = (%(workload)s, changed.occurred_at, changed.id)
"""
REPLACE = f"""
UPDATE event e SET error_class = changed.error_class, rules = changed.rules,
                   policy_version = changed.policy_version, who_acts = changed.who_acts,
                   notice_due = changed.notice_due
FROM {CHANGED} WHERE (e.workload_id, e.occurred_at, e.id) = (%(workload)s, changed.occurred_at, changed.id)
"""
# What has no events any more is no cell.
TIDY = """
DELETE FROM {table} WHERE workload_id = %(workload)s AND bucket BETWEEN %(first)s AND %(last)s AND events = 0
"""


@dataclass
class Rejudged:
    """How many events were looked at, how many are judged otherwise now, and how often each rule came and went."""

    seen: int = 0
    changed: int = 0
    broken_now: Counter[str] = field(default_factory=Counter)
    broken_no_more: Counter[str] = field(default_factory=Counter)


def rejudge(workload: str, start: datetime, end: datetime) -> Rejudged:
    """Judge a workload's events from `start` to `end` again, each by the policy in force when it occurred.

    Raises Workload.DoesNotExist.
    """
    number = Workload.objects.get(slug=workload).pk
    total, after, name = Rejudged(), start, ""
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            # An empty id comes before every other: the first event of `start` itself is in it.
            cursor.execute(FIND, {"workload": number, "end": end, "after": after, "id": name, "batch": BATCH})
            found = cursor.fetchall()
            if found:
                _batch(cursor, workload, number, found, total)
        if len(found) < BATCH:
            return total
        after, name = found[-1][:2]


def _batch(cursor: CursorWrapper, workload: str, number: int, found: Sequence[Any], total: Rejudged) -> None:
    rows = [_row(workload, columns) for columns in found]
    # What an answer cost stays what it was: prices are those of its time.
    befores = [
        Assessed(row, Judged(*columns[-5:]), Costs(*columns[-8:-5])) for row, columns in zip(rows, found, strict=True)
    ]
    afters = judge_by(rulebook.current()).verdicts(rows)
    changed = [
        (before, before._replace(verdict=after))
        for before, after in zip(befores, afters, strict=True)
        if before.verdict != after
    ]
    total.seen += len(rows)
    total.changed += len(changed)
    if not changed:
        return
    for before, after in changed:
        total.broken_now.update(named(after.verdict.rules & ~before.verdict.rules))
        total.broken_no_more.update(named(before.verdict.rules & ~after.verdict.rules))
    told = [{"occurred_at": row.occurred_at, "id": row.id, **verdict._asdict()} for _, (row, verdict, _) in changed]
    values: dict[str, Any] = {"workload": number, "changed": msgspec.json.encode(told).decode()}
    cursor.execute(KEEP, values)
    cursor.execute(REPLACE, values)
    _move(cursor, {workload: number}, changed)


def _row(workload: str, columns: Sequence[Any]) -> EventRow:
    """Return what a verdict and the rollups depend on; the rest of the row is empty."""
    occurred_at, name, environment, primary, fallback, status, outcome, *facts = columns[:-8]
    return EventRow(
        workload=workload,
        occurred_at=occurred_at,
        id=name,
        received_at=occurred_at,
        environment=environment,
        primary=primary,
        fallback=fallback,
        status=status,
        reason="",
        outcome=outcome,
        **dict(zip(FACTS, facts, strict=True)),
    )


def _move(cursor: CursorWrapper, ids: dict[str, int], changed: Sequence[tuple[Assessed, Assessed]]) -> None:
    """Count events under what they are now, and no longer under what they were."""
    kinds: defaultdict[Kind, Measures] = defaultdict(Measures, rollups.kinds_of(ids, (after for _, after in changed)))
    for kind, found in rollups.kinds_of(ids, (before for before, _ in changed)).items():
        kinds[kind].add(found, times=-1)
    first, last = changed[0][0].row.occurred_at, changed[-1][0].row.occurred_at
    for step in STEPS:
        moved = rollups.coarser_kinds(kinds, step)
        rollups.break_down(cursor, step, moved)
        (number,) = ids.values()
        values: dict[str, Any] = {"workload": number, "first": floor(first, LENGTH[step]), "last": last}
        cursor.execute(TIDY.format(table=rollups.BREAKDOWNS[step]), values)
