"""Rows 8 and 9: what is read, with few events and with many, and from rollups beside rows."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from bench import stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from dashboard import queries
from fallbacks import partitions, recounting, sealing
from fallbacks.timebuckets import Window

DAYS = 30
WORKLOADS = 40
TARGET = 20_000_000
PAGES = [
    *(f"/?range={span}" for span in ("1h", "24h", "7d", "30d")),
    *(f"/workloads/workload-07?range={span}" for span in ("1h", "24h", "7d", "30d")),
    *(f"/violations?range={span}" for span in ("24h", "30d")),
    *(f"/events?range={span}" for span in ("1h", "30d")),
    "/events?range=30d&workload=workload-07&error_class=timeout",
    "/events?range=30d&rule=silent",
    "/events?range=30d&reason=nobody+wrote+this",
    f"/lookup?q=req_{40_000 * 2654435761 % 1099511627776:x}",
]
# Read by keys.
ASKED = [
    "/api/v1/rates",
    "/api/v1/rates?by=workload&by=outcome",
    "/api/v1/rates?by=workload&by=error_class&by=rule",
    "/api/v1/states",
    "/api/v1/events?limit=100",
    "/api/v1/events?workload=workload-07&limit=100",
]

# Spread over thirty days, workloads and outcomes by arithmetic: the same table for everybody.
EVENTS = """
INSERT INTO event (workload_id, occurred_at, id, received_at, environment, "primary", fallback, status, reason, outcome,
                   request_id, primary_latency_ms, fallback_latency_ms, input_tokens, cached_input_tokens,
                   output_tokens, cost_usd, primary_cost_usd, cache_loss_usd, error_class, rules, who_acts, notice_due)
SELECT w.id, moment, 'filled-' || n, moment, 'production', 'premium-chat', 'baseline-chat', '529',
       'overloaded_error: the server is overloaded, retry later',
       (ARRAY['served', 'served', 'served', 'served', 'served', 'served', 'failed', 'blocked'])[1 + n %% 8],
       'req_' || to_hex(n * 2654435761 %% 1099511627776), 1000 + n * 7 %% 29000,
       CASE WHEN n %% 8 < 6 THEN 400 + n * 13 %% 5000 END, 3000, 2000, 400,
       CASE WHEN n %% 8 < 6 THEN 0.004 END, CASE WHEN n %% 8 < 6 THEN 0.009 END, CASE WHEN n %% 8 < 6 THEN 0.001 END,
       (ARRAY['overloaded', 'timeout', 'unavailable', 'server_error'])[1 + n %% 4],
       CASE WHEN n %% 64 = 0 THEN 512 ELSE 0 END, 'provider watch', n %% 8 < 3
FROM generate_series(%(first)s::bigint, %(last)s) n
CROSS JOIN LATERAL (SELECT %(end)s - %(span)s * ((n * 7919 %% 1000003) / 1000003.0) AS moment) t
JOIN workload w ON w.slug = 'workload-' || lpad((n * 31 %% %(workloads)s)::text, 2, '0')
-- As they come: neighbours in time lie beside each other.
ORDER BY moment
"""
TRAFFIC = """
INSERT INTO traffic (workload_id, id, start, seconds, environment, requests, received_at)
SELECT w.id, 'filled-' || hour, hour, 3600, 'production', 100000, hour
FROM workload w, generate_series(%(start)s, %(end)s, '1 hour') hour
ON CONFLICT DO NOTHING
"""


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    ratio = Figure("8a", "the slowest page's p95 with many events / with few", 2, 1.2, "less")
    slowest = Figure("8b", "the slowest page's p95 with many events", 250, 60, "less", " ms")
    # No page waits for it, and what it answers grows with what is asked: bounded, like a page, but not compared.
    asked = Figure("8c", "the API's slowest answer's p95 with many events", 250, 60, "less", " ms")
    rollups = Figure("9", "the same answer from rollups / from rows, times faster", 25, 100)
    stack.empty()
    call_command("collectstatic", "--noinput", "-v0")
    looks = visitors()
    fill(0, sizes.few_events)
    few = {path: p95(look, sizes.looks) for path, look in looks.items()}
    fill(sizes.few_events, sizes.events)
    many = {path: p95(look, sizes.looks) for path, look in looks.items()}
    growth = {path: many[path] / few[path] for path in PAGES}
    worst = max(growth, key=lambda path: growth[path])
    ratio.runs.append(growth[worst])
    ratio.detail = {"page": worst, "ms with few": few[worst] * 1e3, "ms with many": many[worst] * 1e3}
    ratio.detail |= {f"ms of {path}, few and many": f"{few[path] * 1e3:.1f} {many[path] * 1e3:.1f}" for path in looks}
    for figure, paths in ((slowest, PAGES), (asked, ASKED)):
        slow = max(paths, key=lambda path: many[path])
        figure.runs.append(many[slow] * 1e3)
        figure.detail = {"page": slow}
    rollups.runs = [times_faster() for _ in range(sizes.rounds)]
    size = f"{sizes.few_events:,} and {sizes.events:,} events"
    for figure in (ratio, slowest, asked, rollups):
        if sizes.events < TARGET:
            figure.note = f"at {size}; the figure is for {TARGET:,}: --events {TARGET}"
    stack.empty()
    return [ratio, slowest, asked, rollups]


def visitors() -> Mapping[str, Callable[[], Any]]:
    """Return for each address a function that asks for it: pages as a person, the API as a key."""
    user = get_user_model().objects.create_user("bench", password=None)
    user.groups.set([Group.objects.get(name="viewer")])
    person, service = Client(), Client(headers={"Authorization": f"Bearer {stack.key()}"})
    person.force_login(user, "fallbacks.people.WithRoles")
    return {path: partial(seen, person, path) for path in PAGES} | {
        path: partial(seen, service, path) for path in ASKED
    }


def seen(client: Client, path: str) -> None:
    # A look-up leads to what it found.
    answer = client.get(path, follow=True)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")


def p95(look: Callable[[], Any], count: int) -> float:
    """Return the 95th percentile of seconds, after a first look that fills caches."""
    look()
    ranked = sorted(duration(look) for _ in range(count))
    return ranked[min(count - 1, int(count * 0.95))]


def duration(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fill(first: int, last: int) -> None:
    """Add the events `first` to `last`, and make the rollups anew from what is there."""
    end = timezone.now()
    span = timedelta(days=DAYS) - timedelta(minutes=5)
    partitions.ensure_around(end)
    given: dict[str, Any] = {"end": end, "start": end - span, "span": span, "workloads": WORKLOADS}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workload (slug) SELECT 'workload-' || lpad(n::text, 2, '0') FROM generate_series(0, %s) n"
            " ON CONFLICT DO NOTHING",
            [WORKLOADS - 1],
        )
        cursor.execute(TRAFFIC, given)
        for start in range(first, last, 500_000):
            cursor.execute(EVENTS, given | {"first": start + 1, "last": min(last, start + 500_000)})
        tables = [table for family in recounting.FAMILIES for table in family.tables.values()]
        cursor.execute(f"TRUNCATE {', '.join(tables)}")
        cursor.execute("VACUUM ANALYZE")
    recounting.compare(repair=True)
    # As the worker does each hour.
    sealing.seal(end)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    # What was written goes to disk now, and not while pages are read.
    os.sync()


FROM_ROWS = """
SELECT w.slug, count(*) FILTER (WHERE outcome = 'served'), count(*) FILTER (WHERE outcome = 'failed'),
       count(*) FILTER (WHERE outcome = 'blocked')
FROM event JOIN workload w ON w.id = workload_id
WHERE occurred_at >= %s AND occurred_at < %s AND environment = 'production' GROUP BY 1
"""


def times_faster() -> float:
    """Ask for the counts of all workloads over four weeks, of the rollups and of the rows."""
    window = Window.last(timedelta(days=28), timezone.now())
    answers: list[dict[str, tuple[int, ...]]] = []

    def from_rollups() -> None:
        found = queries.totals(window, queries.Scope(environment="production"))
        answers.append({slug: (counts.served, counts.failed, counts.blocked) for slug, counts in found.items()})

    def from_rows() -> None:
        with connection.cursor() as cursor:
            cursor.execute(FROM_ROWS, [window.start, window.end])
            answers.append({slug: tuple(counts) for slug, *counts in cursor.fetchall()})

    rollups = statistics.median(duration(from_rollups) for _ in range(5))
    rows = duration(from_rows)
    if answers[0] != answers[-1]:
        raise RuntimeError("rollups and rows do not say the same")
    return rows / rollups
