"""The whole product between a POST and its figures, and the references that are measured beside it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
from django.db import connection

from bench import load, processor
from bench.rig import Rig
from fallbacks import key_ring, recording
from ingest import buffer

TABLES = (
    "event, traffic, rollup_minute, rollup_hour, rollup_day, breakdown_minute, breakdown_hour, breakdown_day,"
    " policy_version, verification, enablement, route_request, review, passed_over, sample, workload, kept_aside"
)
SCOPES = ("events:write", "traffic:write", "rates:read", "events:read")
SERVERS = ("postgres", "redis-stream", "redis-broker")


@dataclass(frozen=True)
class Cost:
    """What something took."""

    events: int
    seconds: float
    # Seconds of the processor, by part.
    processor: dict[str, float]

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def microseconds(self) -> float:
        """Of the processor, an event."""
        return sum(self.processor.values()) / self.events * 1e6


@dataclass(frozen=True)
class Stack:
    """A running product."""

    rig: Rig
    key: str
    port: int
    pids: dict[str, int]

    def cost(self) -> dict[str, float]:
        """Return the processor seconds that each part has used since it started."""
        return {name: processor.seconds([pid]) for name, pid in self.pids.items()}


def key() -> str:
    """Return a key that may send and read."""
    return key_ring.make("bench", SCOPES)


@contextmanager
def running(rig: Rig, web_workers: int = 2) -> Iterator[Stack]:
    """Start web, worker and beat as `make run` does."""
    with ExitStack() as stack:
        pids = {name: rig.pid(name) for name in SERVERS}
        for name in ("worker", "beat"):
            pids[name] = stack.enter_context(rig.process(rig.part(name)))
        pids["web"], port = stack.enter_context(rig.web("web", workers=web_workers))
        found = Stack(rig, key(), port, pids)
        yield found


def wait_until(holds: Callable[[], bool], patience: float = 120, every: float = 0.02) -> None:
    """Wait until something holds. Looking costs processor time, which is short where two drains have two processors."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done after {patience:.0f} s")
        time.sleep(every)


def is_drained() -> bool:
    return not any(buffer.waiting(shard) for shard in buffer.shards())


def through(stack: Stack, requests: Sequence[bytes], events: int, connections: int = 8) -> Cost:
    """Send requests to a running product and wait until all of it is stored and rolled up."""
    before, processor_before, started = stored(), stack.cost(), time.monotonic()
    load.send(stack.port, requests, connections)
    wait_until(is_drained)
    cost = Cost(events, time.monotonic() - started, spent(processor_before, stack.cost()))
    if stored() - before != events:
        raise RuntimeError(f"{stored() - before} events are stored, {events} were sent")
    return cost


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def stored() -> int:
    """Return how many events the rollups count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(served + failed + blocked), 0)::bigint FROM rollup_minute")
        (count,) = cursor.fetchone()
    return int(count)


def empty() -> None:
    """Remove all rows, as new: what an earlier run left must not slow the next."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES}")
    buffer.connection().flushall()


COLUMNS = recording.EVENT_COLUMNS


def rows() -> bytes:
    """Return all stored events as what COPY takes."""
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT {COLUMNS} FROM event) TO STDOUT") as out:
        return b"".join(out)


def raw_copy(rig: Rig, data: bytes) -> Cost:
    """COPY events into the table that the recorder fills, which is empty, in one transaction."""
    events = data.count(b"\n")
    with psycopg.connect(rig.environment["DATABASE_URL"]) as plain:
        plain.execute("SELECT 1")
        mine, before = time.process_time(), processor.seconds([rig.pid("postgres")])
        started = time.monotonic()
        with plain.cursor().copy(f"COPY event ({COLUMNS}) FROM STDIN") as into:
            into.write(data)
        plain.commit()
        seconds = time.monotonic() - started
        used = {
            "postgres": processor.seconds([rig.pid("postgres")]) - before,
            "client": time.process_time() - mine,
        }
    return Cost(events, seconds, used)
