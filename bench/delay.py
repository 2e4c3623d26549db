"""Row 10: how long after its `202` an event is visible, while half of the measured maximum comes in."""

import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bench import load, samples, stack
from bench.figures import Figure
from bench.stack import Stack

BATCH = 100
LOOK = 0.01  # seconds between looks: the delays are known to this
SENDERS = 4
# So few are watched that looking takes nothing from what is measured, and enough to tell the slowest hundredth.
WATCHED_A_SECOND = 25

Event = dict[str, Any]


def figures(product: Stack, rate: float, seconds: float) -> list[Figure]:
    """Send `rate` events a second for some `seconds`, in batches of a hundred; the first event of some is watched."""
    median = Figure("10a", "accepted to visible at half of the maximum, median", 1.0, 0.3, "less", " s")
    slow = Figure("10b", "accepted to visible at half of the maximum, p99", 3.0, 1.0, "less", " s")
    batches = made(product, int(rate * seconds / BATCH))
    watch = Watch(product.rig.environment["DATABASE_URL"])
    with watch.looking():
        reached = send(product, batches, rate, watch)
        stack.wait_until(lambda: not watch.pending, 60)
    delays = sorted(watch.delays)
    median.runs.append(statistics.median(delays))
    slow.runs.append(delays[int(len(delays) * 0.99)])
    median.detail = {"events/s wanted": rate, "events/s sent": reached, "batches watched": len(delays)}
    if reached < 0.9 * rate:
        median.note = slow.note = "the client could not send at half of the maximum: there was no processor left for it"
    return [median, slow]


def made(product: Stack, count: int) -> list[tuple[Event, bytes]]:
    """Return batches as their first event and the request: making them must take nothing from what is measured."""
    dice = random.Random()  # noqa: S311  events, not secrets
    batches = [
        [samples.event(dice, samples.WORKLOADS, timedelta(seconds=1)) for _ in range(BATCH)] for _ in range(count)
    ]
    return [(batch[0], load.request(samples.PATH, batch, product.key)) for batch in batches]


def send(product: Stack, batches: Sequence[tuple[Event, bytes]], rate: float, watch: "Watch") -> float:
    """Send batches in step with the clock, and return how many events a second that were."""
    started = time.monotonic()
    some = max(1, round(rate / BATCH / WATCHED_A_SECOND))

    def one(number: int) -> None:
        first, request = batches[number]
        time.sleep(max(0.0, started + number * BATCH / rate - time.monotonic()))
        load.send(product.port, [request], connections=1)
        if number % some == 0:
            watch.accepted(first)

    with ThreadPoolExecutor(SENDERS) as senders:
        for _ in senders.map(one, range(len(batches))):
            pass
    return len(batches) * BATCH / (time.monotonic() - started)


# By their keys, one by one, so that looking costs next to nothing: the planner knows nothing of so new a table.
ONE_BY_ONE = (
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET enable_bitmapscan = off"
)
FIND = """
SELECT e.id FROM unnest(%s::text[], %s::timestamptz[], %s::text[]) AS wanted (slug, occurred_at, id)
JOIN workload w USING (slug)
JOIN event e ON (e.workload_id, e.occurred_at, e.id) = (w.id, wanted.occurred_at, wanted.id)
"""


class Watch:
    """Looks for events in the table, as the list of events would, and notes when each was first there."""

    def __init__(self, database: str) -> None:
        self.database = database
        # By id: the event, and when its 202 came.
        self.pending: dict[str, tuple[Event, float]] = {}
        self.delays: list[float] = []

    def accepted(self, event: Event) -> None:
        self.pending[event["id"]] = event, time.monotonic()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look for as long as the block lasts."""
        done = threading.Event()
        thread = threading.Thread(target=self._look, args=(done,))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _look(self, done: threading.Event) -> None:
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(ONE_BY_ONE)
            while not done.wait(LOOK):
                wanted = [event for event, _ in list(self.pending.values())]
                columns = [
                    [event["workload"] for event in wanted],
                    [datetime.fromisoformat(event["occurred_at"]) for event in wanted],
                    [event["id"] for event in wanted],
                ]
                found = connection.execute(FIND, columns).fetchall()
                now = time.monotonic()
                self.delays += [max(0.0, now - self.pending.pop(name)[1]) for (name,) in found]
