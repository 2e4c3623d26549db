"""What a fault has to work with: the cluster, a sender of its own, and ways to see when all is well again."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import redis

from chaos import asking, parcels
from chaos.cluster import Cluster
from chaos.parcels import WORKLOADS, Item, Maker
from chaos.poison import Template
from chaos.producers import Sender
from chaos.report import Findings

# Of a Redis or a PostgreSQL that is back: until something is acknowledged, and committed.
RECOVERED_WITHIN = 10.0
GIVEN_UP_AFTER = 20.0
SHOWN_WITHIN = 60.0


@dataclass
class Scene:
    """One run. If `thorough`, lasting faults last until /readyz shows them; in a `soak` beat stands for 10 minutes."""

    cluster: Cluster
    sender: Sender
    findings: Findings
    chance: random.Random
    maker: Maker
    thorough: bool
    soak: bool = False
    templates: list[Template] = field(default_factory=list)
    # By mark, or by place in the stream: True where the entry is surely there.
    poisoned: dict[bytes, bool] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)
    timers: list[tuple[threading.Timer, Callable[[], None]]] = field(default_factory=list)

    def fresh(self) -> list[Item]:
        """Return a new event for each workload, all of this moment."""
        now = datetime.now(UTC)
        return [self.maker.event(now, workload) for workload in WORKLOADS]

    def recover(self, name: str, limit: float = RECOVERED_WITHIN, every: bool = False) -> float:
        """Wait until an event, or `every` one, is acknowledged and committed again; note how long it took."""
        began, items = time.monotonic(), self.fresh()
        parcel = parcels.batch(items, self.chance)
        patience = max(GIVEN_UP_AFTER, limit)
        acknowledged = wait(lambda: self.sender.send(parcel), patience)
        committed = acknowledged and wait(lambda: self.stored(items) >= (len(items) if every else 1), patience)
        took = time.monotonic() - began
        self.findings.row(name).recoveries.append(took)
        if not committed or took > limit:
            stage = "committed" if committed else "not committed" if acknowledged else "not even acknowledged"
            self.findings.add("recovery", f"{name}: {stage} after {took:.1f} s, {limit:.0f} s are the most")
        return took

    def stored(self, items: list[Item]) -> int:
        """Return how many of these events, all of one moment, are rows."""
        try:
            with self.cluster.database() as connection:
                found = connection.execute(
                    "SELECT count(*) FROM event WHERE occurred_at = %s AND id = ANY(%s)",
                    [datetime.fromisoformat(items[0].json["occurred_at"]), [item.key.id for item in items]],
                ).fetchone()
        except psycopg.Error:
            return -1
        return int(found[0]) if found else 0

    def hold(self, name: str, seconds: float, part: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let a fault last for so long, and see whether /readyz shows it; see it through once in a thorough run.

        `meanwhile` is done between the looks, for a fault that would go by itself.
        """
        judge = self.thorough and name not in self.judged
        began = time.monotonic()
        shown: float | None = None
        while (lasted := time.monotonic() - began) < (SHOWN_WITHIN if judge and shown is None else seconds):
            if shown is None and self.is_shown(part):
                shown = time.monotonic() - began
            meanwhile()
            time.sleep(0.1)
        row = self.findings.row(name)
        if shown is not None:
            self.judged.add(name)
            row.shown.append(shown)
        elif judge:
            self.judged.add(name)
            row.not_shown += 1
            self.findings.add("unseen", f"{name}: {lasted:.0f} s, and /readyz says that {part} is well")

    def is_shown(self, part: str) -> bool:
        answer = asking.ask(self.cluster.port, "GET", "/readyz", timeout=8)
        body = answer.json()
        parts = body.get("parts", {}) if isinstance(body, dict) else {}
        return answer.status == 503 and (parts.get(part) != "ok")

    @contextmanager
    def streams(self) -> Iterator[tuple[redis.Redis, list[str]]]:
        """A client of the stream's Redis, and the names of its streams."""
        with self.cluster.redis("redis-stream") as client:
            yield client, sorted(name.decode() for name in client.scan_iter(_type="stream"))

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something in so many seconds, at the latest when the faults end; twice must be harmless."""
        timer = threading.Timer(seconds, work)
        timer.daemon = True
        timer.start()
        self.timers.append((timer, work))

    def calm(self) -> None:
        """Let all that was put off happen now, and wait until every part is up."""
        for timer, work in self.timers:
            timer.cancel()
            work()
        self.timers.clear()
        wait(lambda: all(member.is_running() for member in self.cluster.members.values() if member.wanted), 30)
        wait(lambda: not self.cluster.servers.missing(), 30)
        wait(self.cluster.answers, 30)


def wait(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; False where it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
