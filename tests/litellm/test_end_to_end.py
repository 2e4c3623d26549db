"""200 requests through a real router: what the product shows is what stub server and callers saw."""

import json
import time
import urllib.parse
import urllib.request
from collections import Counter
from typing import Any

from tests.litellm import EXAMPLE
from tests.litellm.conftest import RunExample

ENVIRONMENT = "litellm-test"
SETTLES_WITHIN_SECONDS = 30.0


def read(product: Any, key: str, path: str) -> dict[str, Any]:
    request = urllib.request.Request(urllib.parse.urljoin(product.address, path))
    request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: dict[str, Any] = json.load(answer)
    return body


def totals(product: Any, key: str) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode([("by", "workload"), ("by", "outcome"), ("environment", ENVIRONMENT)])
    rows: list[dict[str, Any]] = read(product, key, f"/api/v1/rates?{query}")["totals"]
    return rows


def all_events(product: Any, key: str) -> list[dict[str, Any]]:
    path: str | None = f"/api/v1/events?environment={ENVIRONMENT}"
    events: list[dict[str, Any]] = []
    while path:
        page = read(product, key, path)
        events += page["results"]
        path = page["next"]
    return events


def settled_totals(product: Any, key: str, events: int) -> list[dict[str, Any]]:
    """The totals, once all events are in; where they never are, what there is, for the assertion to show."""
    deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
    while True:
        rows = totals(product, key)
        if sum(row["events"] for row in rows) >= events or time.monotonic() > deadline:
            return rows
        time.sleep(0.25)


def test_the_product_shows_what_stub_and_callers_saw(product: Any, run_with_litellm: RunExample) -> None:
    writer = product.create_key(scopes=["events:write", "traffic:write"])
    reader = product.create_key(scopes=["rates:read", "events:read"])
    drive = ("--address", product.address, "--key", writer, "--requests", "200", "--seed", "7")
    record = run_with_litellm(EXAMPLE / "drive.py", *drive, "--environment", ENVIRONMENT, "--json")
    assert record["disagreements"] == []
    assert (record["delivered"], record["dropped"]) == (True, 0)
    assert sum(record["requests"].values()) == 200
    left_primary = sum(event["count"] for event in record["events"])
    assert left_primary > 40, "the plan no longer makes requests fail"

    rows = settled_totals(product, reader, left_primary)

    outcomes: Counter[tuple[str, str]] = Counter()
    for event in record["events"]:
        outcomes[event["workload"], event["outcome"]] += event["count"]
    assert {(row["workload"], row["outcome"]): row["events"] for row in rows if row["events"]} == outcomes
    assert {row["workload"]: row["requests"] for row in rows} == record["requests"]

    names = ("workload", "primary", "fallback", "status", "outcome")
    shown = Counter(tuple(str(event[name]) for name in names) for event in all_events(product, reader))
    assert shown == {tuple(str(event[name]) for name in names): event["count"] for event in record["events"]}
