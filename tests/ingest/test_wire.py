"""The limits of time, at their edges, by a clock that stands still."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from fallbacks.keys import Key
from ingest import reading
from tests.make import sent

NOW = datetime(2026, 11, 17, 14, 4, 12, tzinfo=UTC)
ANY = Key(1, frozenset({"events:write"}), frozenset(), frozenset(), None)


@pytest.mark.parametrize(
    ("offset", "taken"),
    [
        (timedelta(days=-30), True),
        (timedelta(days=-30, microseconds=-1), False),
        (timedelta(minutes=10), True),
        (timedelta(minutes=10, microseconds=1), False),
    ],
)
def test_an_event_may_be_30_days_old_and_10_minutes_ahead(offset: timedelta, taken: bool) -> None:
    body = msgspec.json.encode(sent(occurred_at=NOW + offset))
    checked = reading.read_events(body, lines=False, key=ANY, now=NOW)
    assert len(checked.good) == taken
    assert len(checked.rejected) == (not taken)


def test_an_offset_is_understood() -> None:
    body = msgspec.json.encode(sent(occurred_at="2026-11-17T15:04:12+01:00"))
    assert reading.read_events(body, lines=False, key=ANY, now=NOW).good[0].occurred_at == NOW


def test_without_an_id_each_event_gets_one_of_its_own() -> None:
    checked = reading.read_events(msgspec.json.encode([sent()] * 100), lines=False, key=ANY, now=NOW)
    assert len({event.id for event in checked.good}) == 100
