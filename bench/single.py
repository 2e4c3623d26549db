"""Rows 1 and 2: one event a POST, with nothing draining, beside a bare Django view in the same server."""

from bench import load, processor, samples, stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from ingest import buffer


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    rate = Figure("1", "single POST, requests/s, drain stopped / bare view", 0.35, 0.60)
    cost = Figure("2", "web CPU of a single POST / of the bare view", 2.8, 1.8, "less")
    key = stack.key()
    with rig.web("web") as (product, port), rig.web("bare", "bench.bare:application") as (bare, bare_port):
        for warm_port in (port, bare_port):
            load.send(warm_port, samples.singles(key, 200))
        for _ in range(sizes.rounds):
            requests = samples.singles(key, sizes.singles)
            (bare_rate, bare_cost), (rate_now, cost_now) = one(bare, bare_port, requests), one(product, port, requests)
            rate.runs.append(rate_now / bare_rate)
            cost.runs.append(cost_now / bare_cost)
            buffer.connection().flushall()
    rate.detail = {"POSTs/s": rate_now, "bare/s": bare_rate, "requests a round": sizes.singles, "web processes": 1}
    cost.detail = {"µs a POST": cost_now * 1e6, "µs bare": bare_cost * 1e6}
    return [rate, cost]


def one(pid: int, port: int, requests: list[bytes]) -> tuple[float, float]:
    """Return requests a second, and processor seconds of the web server a request."""
    before = processor.seconds([pid])
    sent = load.send(port, requests)
    return sent.rate, (processor.seconds([pid]) - before) / sent.count
