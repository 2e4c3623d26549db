"""Rows and rollups: each event counts once, every cell equals its rows, whatever comes in whatever order."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection
from django.db.backends.utils import CursorWrapper
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fallbacks import catalogue, partitions, recording, recounting
from fallbacks.latencies import LONGEST_MS
from fallbacks.models import DayRollup, Event, HourBreakdown, HourRollup, MinuteRollup, Traffic, Workload
from fallbacks.recording import Recorded, record
from tests import make
from tests.make import NOON
from tests.policy.policies import MODELS
from tests.side_by_side import at_once

pytestmark = pytest.mark.usefixtures("database")


def cells(model: type[MinuteRollup | HourRollup | DayRollup]) -> list[tuple[object, ...]]:
    return list(
        model.objects.order_by("workload__slug", "bucket", "environment").values_list(
            "workload__slug", "bucket", "environment", "requests", "served", "failed", "blocked"
        )
    )


def test_an_event_is_a_row_and_a_count_of_its_minute_hour_and_day() -> None:
    at = datetime.now(UTC).replace(hour=0, minute=7, second=9) - timedelta(days=1)
    assert record([make.event(occurred_at=at, id="one")]) == Recorded(events=1, traffic=0)
    event = Event.objects.get()
    assert (event.id, event.workload.slug, event.outcome, event.occurred_at) == ("one", "support-chat", "served", at)
    minute = at.replace(second=0, microsecond=0)
    row = ("production", None, 1, 0, 0)
    assert cells(MinuteRollup) == [("support-chat", minute, *row)]
    assert cells(HourRollup) == [("support-chat", minute.replace(minute=0), *row)]
    assert cells(DayRollup) == [("support-chat", minute.replace(minute=0, hour=0), *row)]


def test_the_same_event_again_counts_once_in_one_batch_and_in_the_next() -> None:
    again = make.event()
    assert record([again, again, make.event()]).events == 2
    assert record([again, make.event()]).events == 1
    assert [row[4] for row in cells(DayRollup)] == [3]


def test_after_events_that_came_again_no_copy_is_tried_in_vain_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_careful", 0)
    again = make.event()
    ways: list[str] = []
    copy = recording.copy

    def noted(cursor: CursorWrapper, target: str, rows: Any) -> None:
        ways.append(target)
        copy(cursor, target, rows)

    monkeypatch.setattr(recording, "copy", noted)
    assert [record([again]).events, record([again, make.event()]).events] == [1, 1]
    assert ways == ["event", "event", "staged_event"]
    for _ in range(recording.CAREFUL_FOR - 1):
        assert record([again, make.event()]).events == 1
    assert ways.count("event") == 2
    assert record([make.event()]).events == 1
    assert ways[-1] == "event"
    assert recounting.compare() == []


def test_attributes_are_an_object_whichever_way_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_careful", 0)
    event = make.event(attributes='{"team": "a"}', provider_features=["x"], cost_usd=Decimal("0.0041"))
    record([event])
    record([event, make.event(attributes='{"team": "b"}')])
    assert [row.attributes for row in Event.objects.order_by("recorded_at")] == [{"team": "a"}, {"team": "b"}]
    assert Event.objects.filter(cost_usd=Decimal("0.0041"), provider_features=["x"]).count() == 1


def test_a_number_beyond_the_column_is_refused_and_not_cut() -> None:
    for over in ({"attempts": 2**70}, {"primary_latency_ms": 2**63}, {"cost_usd": Decimal(10**30)}):
        with pytest.raises((DataError, IntegrityError, OverflowError)):
            record([make.event(**over)])
    record([make.event(attempts=2**40)])
    assert Event.objects.get().attempts == 2**40


def test_the_same_id_at_another_time_or_workload_is_another_event() -> None:
    record([make.event(id="x"), make.event(id="x", occurred_at=NOON + timedelta(seconds=1))])
    record([make.event(id="x", workload="code-assistant")])
    assert Event.objects.count() == 3


def test_outcomes_and_environments_are_counted_apart() -> None:
    record(
        [
            make.event(),
            make.event(outcome="failed", fallback=None),
            make.event(outcome="blocked"),
            make.event(outcome="blocked", environment="staging"),
        ]
    )
    assert cells(DayRollup) == [
        ("support-chat", cells(DayRollup)[0][1], "production", None, 1, 1, 1),
        ("support-chat", cells(DayRollup)[0][1], "staging", None, 0, 0, 1),
    ]


def test_traffic_with_an_id_counts_once() -> None:
    count = make.traffic(requests=70)
    assert record([], [count, count]).traffic == 1
    assert record([], [count]).traffic == 0
    assert [row[3] for row in cells(DayRollup)] == [70]
    assert Traffic.objects.count() == 1


def test_traffic_of_none_is_known_and_not_the_same_as_unknown() -> None:
    record([make.event()], [make.traffic(requests=0, start=NOON + timedelta(minutes=5))])
    assert [(row[3], row[4]) for row in cells(MinuteRollup)] == [(None, 1), (0, 0)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offset=st.integers(0, 7_200_000_000),
    seconds=st.integers(1, 3600),
    requests=st.integers(0, 10**9),
)
def test_a_count_is_spread_evenly_over_its_minutes_and_its_sum_kept(offset: int, seconds: int, requests: int) -> None:
    start = NOON.replace(minute=0) + timedelta(microseconds=offset)
    workload = f"spread-{offset}-{seconds}-{requests}"
    record([], [make.traffic(workload=workload, start=start, seconds=seconds, requests=requests)])
    found = dict(MinuteRollup.objects.filter(workload__slug=workload).values_list("bucket", "requests"))
    assert sum(value or 0 for value in found.values()) == requests
    end = start + timedelta(seconds=seconds)
    for minute, share in found.items():
        assert share is not None
        covered = min(end, minute + timedelta(minutes=1)) - max(start, minute)
        assert covered > timedelta()
        due = Fraction(requests) * Fraction(covered // timedelta(microseconds=1), seconds * 1_000_000)
        assert abs(share - due) < 1


def test_events_over_midnight_go_to_their_days_and_partitions_are_made_for_them() -> None:
    with connection.cursor() as cursor:
        for day in partitions.existing():
            cursor.execute(f"DROP TABLE event_{day:%Y%m%d}")
    partitions._known.clear()
    midnight = NOON.replace(hour=0, minute=0) - timedelta(days=3)
    record([make.event(occurred_at=midnight - timedelta(microseconds=1)), make.event(occurred_at=midnight)])
    assert [row[1] for row in cells(DayRollup)] == [midnight - timedelta(days=1), midnight]
    assert partitions.existing() == {midnight.date(), (midnight - timedelta(days=1)).date()}


def test_partitions_are_made_ahead_and_once() -> None:
    now = datetime.now(UTC)
    partitions.ensure_around(now)
    partitions.ensure_around(now)
    days = partitions.existing()
    assert {(now + timedelta(days=14)).date(), (now - timedelta(days=30)).date()} <= days


def test_what_the_database_refuses_stores_nothing_of_its_call() -> None:
    with pytest.raises((DataError, IntegrityError)):
        record([make.event(), make.event(outcome="nonsense")])
    assert Event.objects.count() == 0
    assert cells(DayRollup) == []
    assert record([make.event()]).events == 1


def test_recorders_that_meet_the_same_rows_in_opposite_order_do_not_deadlock() -> None:
    events = [
        make.event(workload=f"w{n % 7}", occurred_at=NOON + timedelta(minutes=n % 11), id=f"same-{n}")
        for n in range(300)
    ]
    errors: list[Exception] = []
    stored: list[int] = []

    def work(turn: int) -> None:
        try:
            for _ in range(5):
                stored.append(record(events[:: 1 if turn % 2 else -1]).events)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(stored) == 300
    assert recounting.compare() == []


@pytest.mark.parametrize("what", ["events", "counts"])
def test_recorders_that_meet_many_new_rows_in_opposite_order_do_not_deadlock(what: str) -> None:
    for turn in range(5):
        events = [make.event(id=f"same-{turn}-{n}") for n in range(1_000 if what == "events" else 0)]
        counts = [make.traffic(id=f"same-{turn}-{n}") for n in range(10_000 if what == "counts" else 0)]
        work = (partial(record, events[::direction], counts[::direction]) for direction in (1, -1, 1, -1))
        assert at_once(*work) == []
    assert (Event.objects.count(), Traffic.objects.count()) == ((5_000, 0) if what == "events" else (0, 50_000))
    assert recounting.compare() == []


moments = st.integers(-200_000, 0).map(lambda seconds: NOON + timedelta(seconds=seconds))
slugs = st.sampled_from(["a", "b", "c"])
latencies = st.one_of(st.none(), st.integers(0, 20), st.integers(0, LONGEST_MS))
tokens = st.one_of(st.none(), st.integers(0, 5_000), st.integers(0, 10**12))
some_events = st.builds(
    make.event,
    workload=slugs,
    occurred_at=moments,
    id=st.sampled_from("pqrstuvw"),
    outcome=st.sampled_from(["served", "failed", "blocked"]),
    environment=st.sampled_from(["production", "staging"]),
    primary_latency_ms=latencies,
    fallback_latency_ms=latencies,
    input_tokens=tokens,
    cached_input_tokens=tokens,
    output_tokens=tokens,
    cost_usd=st.one_of(st.none(), st.decimals(0, 100, places=10)),
)
some_traffic = st.builds(
    make.traffic,
    workload=slugs,
    start=moments,
    seconds=st.integers(1, 3600),
    requests=st.integers(0, 1000),
    id=st.sampled_from("pqrstuvw"),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(st.lists(some_events, max_size=20), st.lists(some_traffic, max_size=5)), max_size=4))
def test_whatever_is_recorded_every_cell_equals_its_rows(batches: list[tuple[list[object], list[object]]]) -> None:
    for name in ("premium-chat", "baseline-chat"):
        catalogue.put(name, MODELS[name], "tests")
    for events, traffic in batches:
        record(events, traffic)  # type: ignore[arg-type]
    assert recounting.compare() == []


def test_a_recount_finds_a_wrong_cell_a_missing_one_and_one_too_many_and_repairs_them() -> None:
    record([make.event(), make.event(workload="code-assistant")], [make.traffic()])
    HourRollup.objects.filter(workload__slug="support-chat").update(served=7)
    DayRollup.objects.filter(workload__slug="code-assistant").delete()
    MinuteRollup.objects.create(workload=Workload.objects.get(slug="code-assistant"), bucket=NOON, environment="x")
    HourBreakdown.objects.filter(workload__slug="support-chat").update(events=9)
    assert {(d.table, d.workload) for d in recounting.compare()} == {
        ("rollup_hour", "support-chat"),
        ("rollup_day", "code-assistant"),
        ("rollup_minute", "code-assistant"),
        ("breakdown_hour", "support-chat"),
    }
    assert len(recounting.compare(repair=True)) == 4
    assert recounting.compare() == []
