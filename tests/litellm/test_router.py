"""The logger in a real `litellm.Router`, against the stub server and a stand-in for the product."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.litellm import EXAMPLE
from tests.litellm.collector import Collector
from tests.litellm.conftest import RunExample

CHECKS = Path(__file__).with_name("router_checks.py")
EVENT = ("workload", "primary", "fallback", "status", "outcome")


@pytest.mark.parametrize("seed", ["11", "12"])
def test_events_and_traffic_are_what_stub_and_callers_saw(
    seed: str, collector: Collector, run_with_litellm: RunExample
) -> None:
    drive = ("--address", collector.address, "--key", "k", "--requests", "120", "--seed", seed, "--json")
    record = run_with_litellm(EXAMPLE / "drive.py", *drive)
    assert record["disagreements"] == []
    assert Counter(tuple(event[name] for name in EVENT) for event in collector.events) == expected_events(record)
    traffic: Counter[str] = Counter()
    for count in collector.counts:
        traffic[count["workload"]] += count["requests"]
    assert traffic == record["requests"]
    assert "PRIVATE" not in json.dumps(collector.bodies), "a prompt was sent"


def expected_events(record: dict[str, Any]) -> dict[tuple[Any, ...], int]:
    return {tuple(event[name] for name in EVENT): event["count"] for event in record["events"]}


def test_requests_that_a_cooling_router_turns_away_are_seen(run_with_litellm: RunExample) -> None:
    assert run_with_litellm(CHECKS, "cooldown") == {
        "events": {
            "big small 503 served": 2,
            "big small unavailable served": 3,
            "lonely None 503 failed": 2,
            "lonely None unavailable failed": 3,
        },
        "traffic": {"big": 5, "lonely": 5},
        "private": False,
    }


def test_without_a_fallback_they_are_not_seen_from_threads(run_with_litellm: RunExample) -> None:
    """A gap that README names: LiteLLM calls no hook. When this fails, LiteLLM has closed it: change README."""
    found = run_with_litellm(CHECKS, "cooldown-threaded")
    assert found["events"]["big small unavailable served"] == 3
    assert found["events"]["lonely None 503 failed"] == 2
    assert found["traffic"] == {"big": 5, "lonely": 2}


def test_a_product_that_is_away_or_hangs_neither_slows_nor_breaks_requests(run_with_litellm: RunExample) -> None:
    found = run_with_litellm(CHECKS, "speed")
    assert {name: run["results"] for name, run in found.items()} == {name: {"answered": 20} for name in found}
    for name in ("unreachable", "hanging"):
        assert found[name]["seconds"] < 3 * found["none"]["seconds"] + 1, found
