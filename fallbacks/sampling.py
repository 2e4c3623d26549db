"""Sampling: which answers by a fallback people look at, picked while events are recorded.

| picked | because |
|---|---|
| the first 20 answers of a pair | `first`: nobody has seen any yet |
| each that broke a rule | `violation` |
| `sample_rate` of the others, by a hash of the event | `share` |
| of each error class and of paid tiers the first of a day | `error class`, `paid tier` |

The last two up to `daily_cap` samples of a route and day, all counted; a quarter of it is left to the last. Only what
was sent with a text is picked, and nothing where the policy asks for no samples: texts of users are not kept for
nothing. The same event is always or never within the share, and is picked once: the database refuses a second.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.backends.utils import CursorWrapper
from psycopg.types.json import Jsonb

from fallbacks.measures import Assessed
from fallbacks.policy import Policy
from fallbacks.rulebook import Rulebook

REASONS = ("first", "violation", "share", "error class", "paid tier")
# So many of a pair are looked at before it is known at all.
FIRST = 20
# Any number; the second key is the workload's.
_LOCK = 0x0FA5A

Route = tuple[int, str, str]  # number of the workload, primary, fallback


@dataclass(slots=True)
class Day:
    """What was picked of a route on one day."""

    count: int = 0
    classes: set[str] = field(default_factory=set)
    paid: bool = False

    def add(self, error_class: str, paid: bool) -> None:
        self.count += 1
        self.classes.add(error_class)
        self.paid = self.paid or paid


@dataclass(slots=True)
class Picked:
    """What was picked of a route: up to `FIRST` in all, and by day."""

    count: int
    days: dict[date, Day]

    def reason(self, event: Assessed, policy: Policy, workload: str) -> str | None:
        """Return why the answer is to be looked at; None where it is not."""
        row, review = event.row, policy.review
        day = self.days.setdefault(day_of(event), Day())
        left = review.daily_cap - day.count
        if self.count < FIRST:
            return "first"
        if event.verdict.rules:
            return "violation"
        if left > review.daily_cap // 4 and place(workload, row.occurred_at, row.id) < review.sample_rate:
            return "share"
        if left > 0 and event.verdict.error_class not in day.classes:
            return "error class"
        if left > 0 and row.tier in policy.paid_tiers and not day.paid:
            return "paid tier"
        return None

    def add(self, event: Assessed, paid: bool) -> None:
        self.count += 1
        self.days[day_of(event)].add(event.verdict.error_class, paid)


def place(workload: str, occurred_at: datetime, event: str) -> float:
    """Return where an event lies between 0 and 1: anywhere, and always in the same place."""
    name = "\0".join((workload, occurred_at.astimezone(UTC).isoformat(), event))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest()) / (1 << 56)


def day_of(event: Assessed) -> date:
    return event.row.occurred_at.astimezone(UTC).date()


INSERT = """
INSERT INTO sample (workload_id, occurred_at, event, environment, "primary", fallback, error_class, tier, paid,
                    payload_class, policy_version, rules, reason, input, output, primary_output, masked, criteria,
                    reviews_required, due_at, swapped, place)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, statement_timestamp() + %s, %s, 0)
ON CONFLICT DO NOTHING
"""
OF_PAIR = """
SELECT count(*) FROM (
  SELECT 1 FROM sample WHERE workload_id = %s AND "primary" = %s AND fallback = %s LIMIT %s
) known
"""
# Of each day no more than its cap: beyond it only violations are picked, of which an outage may have any number.
OF_DAYS = """
SELECT d.day, s.error_class, s.paid, count(*) FROM unnest(%s::date[]) AS d(day), LATERAL (
  SELECT error_class, paid FROM sample
  WHERE workload_id = %s AND "primary" = %s AND fallback = %s
    AND occurred_at >= d.day::timestamp AT TIME ZONE 'UTC' AND occurred_at < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
  LIMIT %s
) s GROUP BY 1, 2, 3
"""


def pick(cursor: CursorWrapper, ids: Mapping[str, int], events: Collection[Assessed], book: Rulebook) -> int:
    """Put samples of these new events into the queue, in the recorder's transaction; return how many.

    Recorders of one workload wait for each other here, so that a day's cap is one. They take these locks in the order
    of workloads, before any row of a rollup. The halves of a batch that is split take them in any order, one after the
    other: nobody else is at work on their shard then, whose counters the drain has locked before (`tally.claim`).
    """
    routes: dict[Route, list[tuple[Assessed, Policy]]] = {}
    for event, policy in _asked_for(events, book):
        row = event.row
        routes.setdefault((ids[row.workload], row.primary, row.fallback or ""), []).append((event, policy))
    if not routes:
        return 0
    for number in sorted({workload for workload, *_ in routes}):
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, number % (1 << 31)])
    rows = [row for route in sorted(routes) for row in _rows(cursor, route, routes[route])]
    if rows:
        cursor.executemany(INSERT, rows)
    return len(rows)


def _asked_for(events: Collection[Assessed], book: Rulebook) -> Iterator[tuple[Assessed, Policy]]:
    """Answers by a fallback that have a text, of workloads whose policy asks for samples."""
    for event in events:
        row = event.row
        if row.sample is None or row.sample.output is None or row.outcome != "served":
            continue
        version = book.in_force(row.workload, row.occurred_at)
        if version is not None and version.policy.review.sample_rate > 0:
            yield event, version.policy


def _rows(cursor: CursorWrapper, route: Route, events: Sequence[tuple[Assessed, Policy]]) -> Iterator[tuple[Any, ...]]:
    cap = max(policy.review.daily_cap for _, policy in events)
    picked = _picked(cursor, route, {day_of(event) for event, _ in events}, cap)
    for event, policy in events:
        row, verdict, sample, review = event.row, event.verdict, event.row.sample, policy.review
        if (reason := picked.reason(event, policy, row.workload)) is None or sample is None:
            continue
        paid = row.tier in policy.paid_tiers
        picked.add(event, paid)
        yield (
            *(route[0], row.occurred_at, row.id, row.environment, row.primary, row.fallback),
            *(verdict.error_class, row.tier or "", paid, row.payload_class or ""),
            *(verdict.policy_version, verdict.rules, reason),
            *(sample.input, sample.output, sample.primary_output, Jsonb(sample.masked), Jsonb(review.criteria)),
            *(review.reviews_required, timedelta(hours=review.due_hours)),
            # Which side the fallback is on has nothing to do with whether it was picked.
            place(row.workload, row.occurred_at, row.id + " side") < 0.5,
        )


def _picked(cursor: CursorWrapper, route: Route, days: Collection[date], cap: int) -> Picked:
    """Return what was picked of a route before. Two queries, by an index."""
    cursor.execute(OF_PAIR, [*route, FIRST])
    (count,) = cursor.fetchone()
    cursor.execute(OF_DAYS, [sorted(days), *route, cap])
    found: dict[date, Day] = {}
    for day, error_class, paid, samples in cursor.fetchall():
        known = found.setdefault(day, Day())
        known.add(error_class, paid)
        known.count += samples - 1
    return Picked(count, found)
