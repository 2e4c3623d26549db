"""Row 10: how long after its `202` an event is visible, while half of the measured maximum comes in."""

import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg

from bench import load, samples, stack
from bench.figures import Figure
from bench.stack import Stack

BATCH = 100
LOOK = 0.01  # seconds between looks: the delays are known to this


def figures(product: Stack, rate: float, seconds: float) -> list[Figure]:
    """Send `rate` events a second for some `seconds`, in batches of a hundred of which the first event is watched."""
    median = Figure("10a", "accepted to visible at half of the maximum, median", 1.0, 0.3, "less", " s")
    slow = Figure("10b", "accepted to visible at half of the maximum, p99", 3.0, 1.0, "less", " s")
    every, dice = BATCH / rate, random.Random()  # noqa: S311  events, not secrets
    watch = Watch(product.rig.environment["DATABASE_URL"])
    started = due = time.monotonic()
    sent = 0
    with watch.looking():
        while time.monotonic() < started + seconds:
            events = [samples.event(dice, samples.WORKLOADS, timedelta(seconds=1)) for _ in range(BATCH)]
            time.sleep(max(0.0, due - time.monotonic()))
            due += every
            load.send(product.port, [load.request(samples.PATH, events, product.key)], connections=1)
            watch.accepted(events[0]["id"])
            sent += BATCH
        reached = sent / (time.monotonic() - started)
        stack.wait_until(lambda: not watch.pending, 60)
    delays = sorted(watch.delays)
    median.runs.append(statistics.median(delays))
    slow.runs.append(delays[int(len(delays) * 0.99)])
    median.detail = {"events/s wanted": rate, "events/s sent": reached, "batches watched": len(delays)}
    if reached < 0.9 * rate:
        median.note = slow.note = "the client could not send at half of the maximum: there was no processor left for it"
    return [median, slow]


class Watch:
    """Looks for events in the table, as the list of events would, and notes when each was first there."""

    def __init__(self, database: str) -> None:
        self.database = database
        # By id: when its 202 came.
        self.pending: dict[str, float] = {}
        self.delays: list[float] = []

    def accepted(self, name: str) -> None:
        self.pending[name] = time.monotonic()

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
            while not done.wait(LOOK):
                wanted = list(self.pending)
                found = connection.execute(
                    "SELECT id FROM event WHERE occurred_at > now() - interval '5 minutes' AND id = ANY(%s)", [wanted]
                ).fetchall()
                now = time.monotonic()
                self.delays += [max(0.0, now - self.pending.pop(name)) for (name,) in found]
