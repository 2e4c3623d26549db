"""What web, worker and beat log of events: that they came, and not what they said."""

import io
import json
import time
from collections import Counter
from decimal import Decimal
from typing import Any

from fallbacks.keys import Key
from ingest import buffer
from ingest import drain as draining
from tests import make
from tests.conftest import Product
from tests.make import sent

EVENTS = "/api/v1/events"
SECRET = "what-nobody-may-read"


def test_no_key_no_sample_and_no_reason_is_logged(post: Any, drain: Any, key: str, written: io.StringIO) -> None:
    draining._summary.write()
    buffer._refused.write()
    written.truncate(written.seek(0))
    texts = {"reason": SECRET, "sample": {"input": SECRET, "output": SECRET}, "attributes": {"a": SECRET}}
    post(EVENTS, [sent(**texts), sent(**texts, status=1), sent(**{**texts, SECRET: 1}), SECRET])
    post(EVENTS, SECRET.encode())
    post(EVENTS, sent(**texts), key=f"{key}x")
    anybody = Key(1, frozenset(), frozenset(), frozenset(), None, 0)
    for poison in (
        {"outcome": SECRET},
        {"id": f"\0{SECRET}"},
        {"attributes": f"[{SECRET}"},
        {"cost_usd": Decimal(10**30)},
    ):
        buffer.append(anybody, events=[make.event(reason=SECRET, **poison)])
    buffer.connection().xadd(buffer.stream(0), {"body": SECRET})
    drain()
    draining._summary.write()
    buffer._refused.write()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert SECRET not in written.getvalue()
    assert key[12:] not in written.getvalue()
    assert [line["event"] for line in lines].count("kept aside") >= 5
    drained, refused = (summed(lines, event) for event in ("drained", "refused"))
    assert (drained["stored"], drained["kept_aside"]) == (1, 5)
    assert refused == {"status": 1, "unknown_field": 1, "not_an_object": 1, "not_json": 1}


def summed(lines: list[dict[str, Any]], event: str) -> Counter[str]:
    """The counts of an event's lines: a machine that is slow writes two."""
    return sum((Counter(line["counts"]) for line in lines if line["event"] == event), Counter())


def test_each_process_says_that_it_has_started_in_json(product: Product) -> None:
    deadline = time.monotonic() + 30
    waited_for = {"web", "worker", "beat"}
    while waited_for:
        assert time.monotonic() < deadline, waited_for
        for part in sorted(waited_for):
            lines = [json.loads(line) for line in written_by(product, part) if line.startswith("{")]
            if any(line["event"] == "started" and line["part"] == part for line in lines):
                waited_for.remove(part)
        time.sleep(0.05)


def written_by(product: Product, part: str) -> list[str]:
    log = product.run.home / "var" / "log" / f"{part}.log"
    return log.read_text().splitlines() if log.exists() else []
