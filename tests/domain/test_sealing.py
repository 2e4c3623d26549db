"""A day that is over gets indexes by which an id of it is found at once, while everything goes on."""

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from dashboard.events import lookup
from fallbacks import partitions, sealing
from fallbacks.recording import record
from tests.make import event

DAY = timedelta(days=1)
VALID = """
SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indisvalid AND relname LIKE %s ORDER BY 1
"""


@pytest.fixture(autouse=True)
def _as_before(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Whoever read for the test before may have it open for some seconds yet.
    monkeypatch.setattr(sealing, "PATIENCE_MS", 30_000)
    drop_all()
    yield
    drop_all()


def drop_all() -> None:
    """Another test may have left days, and sealed ones."""
    for day, state in partitions.to_drop(date.max).items():
        partitions.drop(day, state, 30_000)


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)


def indexes(day: date) -> list[str]:
    """The indexes of ids that a day has besides those of every day."""
    with connection.cursor() as cursor:
        cursor.execute(VALID, [f"event_{day:%Y%m%d}_by_%"])
        return [name.split("_by_")[1] for (name,) in cursor.fetchall()]


def test_the_days_that_are_over_are_sealed_once_and_the_others_are_not(now: datetime) -> None:
    for age in range(4):
        record([event(occurred_at=now - age * DAY)])
    days = [(now - age * DAY).date() for age in range(4)]
    assert set(sealing.seal(now)) >= {days[2], days[3]}
    assert [indexes(day) for day in days] == [
        [],
        [],
        ["id", "request_id", "trace_id"],
        ["id", "request_id", "trace_id"],
    ]
    assert sealing.seal(now) == []


def test_an_id_is_found_in_each_day_sealed_or_not_and_so_is_what_comes_late(now: datetime) -> None:
    record([event(occurred_at=now - age * DAY, id=f"of-{age}", request_id="shared", trace_id="t") for age in range(4)])
    sealing.seal(now)
    record([event(occurred_at=now - 3 * DAY, id="late", request_id="shared")])
    assert [found.id for found in lookup.by_id("late")] == ["late"]
    assert {found.id for found in lookup.by_id("shared")} == {"of-0", "of-1", "of-2", "of-3", "late"}
    assert {found.id for found in lookup.by_id("t")} == {"of-0", "of-1", "of-2", "of-3"}
    assert lookup.by_id("nobody") == []


def test_the_planner_takes_the_index_of_a_sealed_day(now: datetime) -> None:
    old = now - 5 * DAY
    record([event(occurred_at=old + timedelta(milliseconds=n), id=f"e{n}", request_id=f"r{n}") for n in range(5000)])
    sealing.seal(now)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_indexscan = off")
        cursor.execute("EXPLAIN SELECT id FROM event WHERE " + _condition("request_id", "r77"))
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan; RESET enable_indexscan")
    assert f"event_{old:%Y%m%d}_by_request_id" in plan


def _condition(name: str, value: str) -> str:
    from dashboard.events.conditions import is_id

    return is_id(name, value).as_string(None)


def test_an_index_that_broke_off_is_built_anew(now: datetime) -> None:
    old = now - 3 * DAY
    record([event(occurred_at=old, id=name, request_id="same") for name in ("one", "other")])
    name = f"event_{old:%Y%m%d}_by_request_id"
    with connection.cursor() as cursor, pytest.raises(Exception, match="could not create unique index"):
        # What is left of it is there and of no use.
        cursor.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON event_{old:%Y%m%d} (hashtext(request_id))"
            " WHERE request_id IS NOT NULL"
        )
    assert indexes(old.date()) == []
    assert old.date() in sealing.seal(now)
    assert indexes(old.date()) == ["id", "request_id", "trace_id"]


def test_events_go_on_coming_in_and_who_seals_does_not_wait_for_ever(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "PATIENCE_MS", 300)
    old = now - 3 * DAY
    record([event(occurred_at=old)])
    given = connection.get_connection_params()
    plain = {name: given[name] for name in ("dbname", "user", "host", "port") if name in given}
    with psycopg.connect(**plain) as reader:
        # A transaction that has written to the day, and does not end.
        reader.execute(f"DELETE FROM event_{old:%Y%m%d} WHERE id = 'nobody'")
        sealing_now = threading.Thread(target=_seal, args=[now])
        sealing_now.start()
        record([event(occurred_at=old, id="meanwhile")])
        sealing_now.join(20)
        assert not sealing_now.is_alive()
        assert indexes(old.date()) == []
    assert old.date() in sealing.seal(now)
    assert len(lookup.by_id("meanwhile")) == 1


def _seal(now: datetime) -> None:
    try:
        sealing.seal(now)
    finally:
        connection.close()
