"""Poison: whatever somebody writes into a stream, it is stored or kept aside, and what is behind it goes on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec
import pytest

from fallbacks import recounting
from fallbacks.keys import Key
from fallbacks.models import Event, KeptAside, Traffic
from fallbacks.rows import EventRow, SampleRow, TrafficRow
from ingest import buffer
from tests import make

ANY = Key(1, frozenset(), frozenset(), frozenset(), None)
pytestmark = pytest.mark.usefixtures("database", "stream")
ENDS = (datetime.min, datetime.max, make.NOON.replace(tzinfo=None))  # noqa: DTZ901
# The ends of what each type is, and beyond what any column takes.
EXTREMES: dict[Any, list[Any]] = {
    datetime: [*ENDS, *(end.replace(tzinfo=UTC) for end in ENDS)],
    Decimal: [Decimal(text) for text in ("NaN", "-Infinity", "1e99999999", "1e-99999999", "9" * 400, "-1")],
    int: [-1, 0, 2**31, 2**63 - 1, -(2**63)],
    str: ["", "\0", "x" * 100_000, "[", '{"a": NaN}', "served"],
    list: [[], [""], ["x" * 100_000], ["\0"]],
    SampleRow: [SampleRow("\0"), SampleRow("x" * 100_000, masked={"\0": -1})],
}


def extremes(row: EventRow | TrafficRow) -> Iterator[dict[str, Any]]:
    """Give the values of a row with each in turn at the ends of what its type is."""
    for field in msgspec.structs.fields(row):
        kinds = {kind for each in (field.type, *get_args(field.type)) for kind in (each, get_origin(each))}
        for value in [None, *(value for kind in kinds for value in EXTREMES.get(kind, ()))]:
            yield {field.name: value}


def test_whatever_somebody_writes_into_a_stream_what_is_behind_it_goes_on(drain: Any) -> None:
    name = buffer.stream(buffer.shard_of("w"))
    events = [make.event(**{"workload": "w"} | each) for each in extremes(make.event())]
    counts = [make.traffic(**{"workload": "w"} | each) for each in extremes(make.traffic())]
    for entry in [*(([event], []) for event in events), *(([], [count]) for count in counts)]:
        buffer.connection().xadd(name, {"body": msgspec.msgpack.encode(entry), "items": 1})
    buffer.append(ANY, events=[make.event(workload="w", id="behind")])
    drain()
    assert buffer.waiting(buffer.shard_of("w")) == 0
    assert Event.objects.filter(id="behind").exists()
    stored, aside = Event.objects.count() + Traffic.objects.count(), KeptAside.objects.count()
    assert stored + aside == len(events) + len(counts) + 1
    assert min(stored, aside) > 50
    assert recounting.compare() == []
    # What is no sum of money would be none in every sum that it is part of.
    assert not Event.objects.filter(cost_usd__isnull=False).exists()
