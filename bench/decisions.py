"""Row 12: how long the server takes to decide, with as many policies as the bench has workloads."""

import json
import statistics
import time
from datetime import UTC, datetime

from django.test import Client

from bench import judging, samples, stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from fallbacks import key_ring
from fallbacks.models import CatalogueModel

ASKED = 300


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    figure = Figure("12", "POST /api/v1/decisions, server time, median", 5, 1, "less", " ms")
    stack.empty()
    CatalogueModel.objects.all().delete()
    judging.write_policies(datetime.now(UTC))
    gateway = Client(headers={"Authorization": f"Bearer {key_ring.make('gateway', ['policy:read'])}"})
    figure.runs = [statistics.median(asked(gateway, slug) for slug in names()) for _ in range(sizes.rounds)]
    stack.empty()
    return [figure]


def names() -> list[str]:
    return [samples.WORKLOADS[number % len(samples.WORKLOADS)] for number in range(ASKED)]


def asked(gateway: Client, workload: str) -> float:
    """Return the milliseconds of one decision. Raises RuntimeError where it is another than what is measured."""
    body = json.dumps({"workload": workload, "primary": "premium-chat", "status": "timeout", "tier": "free"})
    started = time.perf_counter()
    answer = gateway.post("/api/v1/decisions", body, content_type="application/json")
    spent = (time.perf_counter() - started) * 1000
    if answer.status_code != 200 or answer.json()["action"] != "fallback":
        raise RuntimeError(f"{answer.status_code} {answer.content[:300]!r}")
    return spent
