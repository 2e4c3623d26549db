"""Rows 5 and 6: drains alone, from stream entries to commit, one and two at once, beside raw COPY."""

import subprocess
import sys
import time
from collections.abc import Sequence

from django.db import connection

from bench import load, samples, stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from fallbacks.local.environment import PROJECT
from ingest import buffer

BATCH = 100


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    alone = Figure("5", "one drain alone, from stream entries to commit / raw COPY", 0.35, 0.50)
    two = Figure("6", "two drains / one, events/s", 1.5, 1.9)
    deadlocks = Figure("6b", "deadlocks of two drains", 0, 0, "less")
    before = deadlocked()
    key = stack.key()
    with rig.web("web", workers=2) as (_, port):
        for _ in range(sizes.rounds):
            rate = drained(rig, port, key, [0], sizes.drained)
            data = stack.rows()
            stack.empty()
            copied = stack.raw_copy(rig, data).rate
            both = drained(rig, port, key, [0, 1], sizes.drained)
            alone.runs.append(rate / copied)
            two.runs.append(both / rate)
    deadlocks.runs.append(deadlocked() - before)
    alone.detail = {"events/s": rate, "COPY/s": copied, "events a round": sizes.drained * BATCH}
    two.detail = {"events/s of two": both}
    return [alone, two, deadlocks]


def drained(rig: Rig, port: int, key: str, shards: Sequence[int], batches: int) -> float:
    """Fill shards by `batches` of a hundred events each, and return the events/s of a drain a shard."""
    stack.empty()
    for shard in shards:
        names = [name for name in samples.WORKLOADS if buffer.shard_of(name) == shard]
        load.send(port, samples.batches(key, batches, workloads=names))
    processes = [drain(rig, shard) for shard in shards]
    for process in processes:
        (process.stdout or sys.stdin).readline()  # it is ready
    started = time.monotonic()
    for process in processes:
        into = process.stdin or sys.stdout
        into.write("go\n")
        into.flush()
    # Not until they end: a drain lingers for what may come next.
    stack.wait_until(stack.is_drained)
    seconds = time.monotonic() - started
    for process in processes:
        process.communicate(timeout=300)
    if stack.stored() != batches * BATCH * len(shards):
        raise RuntimeError("a drain has left something")
    return batches * BATCH * len(shards) / seconds


# A process that has read its code and opened its connections, and drains when it is told to.
DRAIN = """
import django; django.setup()
from django.db import connection
from ingest import buffer, drain
connection.ensure_connection(); buffer.waiting({shard})
print("ready", flush=True); input()
while buffer.waiting({shard}):
    drain.drain({shard}, 60)
import os; os._exit(0)  # what ends a process is none of the drain's
"""


def drain(rig: Rig, shard: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRAIN.format(shard=shard)],
        cwd=PROJECT,
        env=rig.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def deadlocked() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
