"""Row 7: the product against the design that most would write, from the first POST to the last count."""

import os
import subprocess
import sys
import time

from django.db import connection

from bench import load, samples, stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from fallbacks.local.environment import PROJECT

SETTINGS = {"DJANGO_SETTINGS_MODULE": "bench.usual_design.settings"}
BATCH = 100


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    single = Figure("7a", "end to end / the usual design, single POSTs", 10, 20)
    batched = Figure("7b", "end to end / the usual design, batches of 100", 200, 500)
    make_tables()
    usual: list[tuple[float, float]] = []
    with (
        rig.web("usual-web", "bench.usual_design.wsgi:application", 2, SETTINGS) as (_, port),
        rig.process(rig.part("worker"), SETTINGS),
    ):
        key = stack.key()
        take(port, samples.singles(key, 20), 20)
        for _ in range(sizes.rounds):
            one = take(port, samples.singles(key, sizes.usual), sizes.usual)
            hundred = take(port, samples.batches(key, sizes.usual // BATCH), sizes.usual)
            usual.append((one, hundred))
    with stack.running(rig) as product:
        stack.through(product, samples.singles(product.key, 100), 100)
        for one, hundred in usual:
            stack.empty()
            lone = stack.through(product, samples.singles(product.key, sizes.singles), sizes.singles)
            many = stack.through(product, samples.batches(product.key, sizes.batches), sizes.batches * BATCH)
            single.runs.append(lone.rate / one)
            batched.runs.append(many.rate / hundred)
    single.detail = {"events/s": lone.rate, "usual events/s": one}
    batched.detail = {"events/s": many.rate, "usual events/s": hundred}
    return [single, batched]


def make_tables() -> None:
    """Make the tables of the usual design, whose app this process does not have: as its own migrate would."""
    script = "import django; django.setup(); from django.core.management import call_command; " + (
        "call_command('migrate', run_syncdb=True, verbosity=0)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, env={**os.environ, **SETTINGS}, check=True)


def take(port: int, requests: list[bytes], events: int) -> float:
    """Send requests to the usual design, wait until all is counted, and return events/s."""
    before, started = counted(), time.monotonic()
    load.send(port, requests)
    # Looked at rarely: it is slow, and looking costs as much as an event.
    stack.wait_until(lambda: counted() - before >= events, every=0.1)
    return events / (time.monotonic() - started)


def counted() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(events), 0)::bigint FROM usual_design_usualcount WHERE step = 'day'")
        return int(cursor.fetchone()[0])
