"""Rows 3, 4 and 11: batches of a hundred through the whole product, beside COPY of the same rows. Row 10 by `delay`."""

from bench import delay, load, processor, samples, stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from bench.stack import Stack
from ingest import buffer

BATCH = 100


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    speed = Figure("3", "batches of 100, events/s from first POST to rolled up / raw COPY", 0.22, 0.40)
    cost = Figure("4", "CPU of the whole stack an event / COPY's", 7, 4, "less")
    stack.empty()
    with stack.running(rig) as product:
        stack.through(product, samples.batches(product.key, 20), 20 * BATCH)
        for _ in range(sizes.rounds):
            stack.empty()
            requests = samples.batches(product.key, sizes.batches)
            whole = stack.through(product, requests, sizes.batches * BATCH)
            data = stack.rows()
            stack.empty()
            copied = stack.raw_copy(rig, data)
            speed.runs.append(whole.rate / copied.rate)
            cost.runs.append(whole.microseconds / copied.microseconds)
        memory = memory_figures(product)
        stack.empty()
        delays = delay.figures(product, whole.rate / 2, sizes.delay_seconds)
    speed.detail = {"events/s": whole.rate, "COPY/s": copied.rate, "events a round": sizes.batches * BATCH}
    cost.detail = {"µs an event": whole.microseconds, "µs COPY": copied.microseconds}
    cost.detail |= {f"µs {name}": used / whole.events * 1e6 for name, used in whole.processor.items()}
    return [speed, cost, *delays, *memory, stream_figure(rig, sizes)]


def memory_figures(product: Stack) -> list[Figure]:
    """Row 11, after the load of the rows before."""
    web = Figure("11a", "memory (PSS) of the largest web process", 120, 90, "less", " MB")
    worker = Figure("11b", "memory (PSS) of the largest worker process", 150, 110, "less", " MB")
    web.runs.append(processor.largest_mb(product.pids["web"]))
    worker.runs.append(processor.largest_mb(product.pids["worker"]))
    return [web, worker]


def stream_figure(rig: Rig, sizes: Sizes) -> Figure:
    """Row 11, the stream: what it grows by where nothing drains."""
    figure = Figure("11c", "stream bytes an event, in batches", 450, 350, "less", " B")
    with rig.web("web") as (_, port):
        key = stack.key()
        load.send(port, samples.batches(key, 4))
        before = used()
        load.send(port, samples.batches(key, sizes.drained))
        figure.runs.append((used() - before) / (sizes.drained * BATCH))
    buffer.connection().flushall()
    return figure


def used() -> int:
    return int(buffer.connection().info("memory")["used_memory"])
