"""The main job, from outside: what a service posts is seen by people within seconds, as the running product does it."""

import contextlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import Product
from tests.make import sent


class Caller:
    """Speaks to the product with a key of its own."""

    def __init__(self, product: Product) -> None:
        self.address = product.address
        self.key = product.create_key(["events:write", "traffic:write", "rates:read", "events:read"])

    def ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def caller(product: Product) -> Caller:
    return Caller(product)


def within(seconds: float, look: Callable[[], bool]) -> float:
    """Wait until `look` holds, and return how many seconds that took."""
    started = time.monotonic()
    while not look():
        assert time.monotonic() - started < seconds
        time.sleep(0.02)
    return time.monotonic() - started


def test_an_event_is_in_rates_and_in_the_list_within_three_seconds(caller: Caller) -> None:
    start = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    caller.ask("/api/v1/traffic", {"counts": [{"workload": "seen", "start": start, "seconds": 60, "requests": 50}]})
    assert caller.ask("/api/v1/events", sent(workload="seen")) == {"accepted": 1, "rejected": []}
    within(3, lambda: bool(caller.ask("/api/v1/events?workload=seen")["results"]))
    (row,) = caller.ask("/api/v1/rates?workload=seen&by=workload")["totals"]
    assert (row["events"], row["requests"], row["degraded_rate"]) == (1, 50, 0.02)


def test_a_burst_of_every_workload_arrives_whole(caller: Caller, product: Product) -> None:
    for turn in range(20):
        caller.ask("/api/v1/events", [sent(workload=f"burst-{n % 17}", reason=f"turn {turn}") for n in range(500)])
    names = "&".join(f"workload=burst-{n}" for n in range(17))

    def total() -> int:
        return int(caller.ask(f"/api/v1/rates?{names}")["totals"][0]["events"])

    within(20, lambda: total() == 10_000)
    assert "equals its rows" in product.manage("check_rollups")


def test_a_key_that_create_key_prints_works_at_once_and_stands_alone_on_stdout(product: Product) -> None:
    text = product.manage("create_key", "service", "--scope", "events:write", "--expires", "30")
    assert text.count("\n") == 1
    assert text.startswith("fo_")


def test_a_body_that_comes_in_chunks_is_taken(caller: Caller) -> None:
    body = json.dumps(sent(workload="chunked")).encode()
    headers = {"Authorization": f"Bearer {caller.key}", "Content-Type": "application/json"}
    with contextlib.closing(
        http.client.HTTPConnection(caller.address.removeprefix("http://"), timeout=10)
    ) as connection:
        connection.request("POST", "/api/v1/events", iter([body[:40], body[40:]]), headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)) == (202, {"accepted": 1, "rejected": []})


def test_parts_are_ready(product: Product) -> None:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(product.address + "/readyz", timeout=10) as answer:
                return set(json.load(answer)["parts"].values()) == {"ok"}
        except urllib.error.HTTPError:  # worker and beat start after web
            return False

    within(30, ready)
