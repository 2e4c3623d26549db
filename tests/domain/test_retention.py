"""What is too old goes, all of it and nothing else, while everything goes on; figures outlive their rows."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import psycopg
import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from dashboard import queries
from fallbacks import partitions, recounting, retention, review_queue
from fallbacks.environment import Environment
from fallbacks.models import (
    DayRollup,
    EarlierVerdict,
    Event,
    HourRollup,
    MinuteRollup,
    RemovedRows,
    Review,
    Sample,
    Traffic,
    User,
)
from fallbacks.rates import Counts
from fallbacks.recording import record
from fallbacks.timebuckets import Window
from tests import make, reviews

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _as_before(database: None) -> Iterator[None]:
    yield
    RemovedRows.objects.all().delete()
    for day, state in partitions.to_drop(date.max).items():
        partitions.drop(day, state, 5_000)


@pytest.fixture
def midnight() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


@contextmanager
def reading(statement: str = "SELECT count(*) FROM event") -> Iterator[psycopg.Connection]:
    """Somebody with a snapshot and a lock on whatever `statement` reads, for as long as the block lasts."""
    settings = connection.get_connection_params()
    plain = {name: settings[name] for name in ("dbname", "user", "host", "port") if name in settings}
    with psycopg.connect(**plain) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute(statement)
        yield other


def refused(other: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.LockNotAvailable):
        other.execute(statement)
    other.rollback()


def fill(*ages: timedelta, now: datetime) -> None:
    """An event, and a count of 10 requests, for each age."""
    record(
        [make.event(occurred_at=now - age) for age in ages],
        [make.traffic(start=now - age, requests=10) for age in ages],
    )


def run(*words: str) -> str:
    out = StringIO()
    call_command("apply_retention", *words, stdout=out)
    return out.getvalue()


def test_rows_go_by_whole_days_and_rollups_stay(midnight: datetime) -> None:
    fill(89 * DAY, 90 * DAY, 90 * DAY + MINUTE, 120 * DAY, now=midnight)
    removed = retention.apply(timezone.now())
    assert removed.days == [(midnight - 120 * DAY).date(), (midnight - 91 * DAY).date()]
    assert sorted(Event.objects.values_list("occurred_at", flat=True)) == [midnight - 90 * DAY, midnight - 89 * DAY]
    assert set(removed.days) & partitions.existing() == set()
    # What is left of a removed day's traffic started less than an hour before a day that is kept.
    assert sorted(Traffic.objects.values_list("start", flat=True)) == [
        midnight - 90 * DAY - MINUTE,
        midnight - 90 * DAY,
        midnight - 89 * DAY,
    ]
    assert MinuteRollup.objects.count() == 0
    assert HourRollup.objects.count() == DayRollup.objects.count() == 4
    assert recounting.compare() == []
    again = retention.apply(timezone.now())
    assert (again.days, again.traffic, again.cells, again.left) == ([], 0, {"minute": 0, "hour": 0}, "")


def test_minutes_and_hours_go_by_their_own_ages_and_days_stay(midnight: datetime) -> None:
    ages = (30 * DAY, 30 * DAY + MINUTE, 400 * DAY, 400 * DAY + MINUTE)
    fill(*ages, now=midnight)
    assert retention.expired(timezone.now()).cells == {"minute": 6, "hour": 2}
    assert retention.apply(timezone.now()).cells == {"minute": 6, "hour": 2}
    assert [cell.bucket for cell in MinuteRollup.objects.all()] == [midnight - 30 * DAY]
    assert min(cell.bucket for cell in HourRollup.objects.all()) == midnight - 400 * DAY
    assert DayRollup.objects.count() == 4


def test_more_than_a_batch_goes_in_batches(midnight: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 7)
    fill(*(100 * DAY + number * 11 * MINUTE for number in range(50)), now=midnight)
    removed = retention.apply(timezone.now())
    assert (removed.traffic, removed.cells["minute"]) == (50, 100)
    assert (Event.objects.count(), Traffic.objects.count(), MinuteRollup.objects.count()) == (0, 0, 0)


def test_a_count_that_reaches_into_a_kept_day_stays_and_the_recount_agrees(midnight: datetime) -> None:
    first = midnight - 90 * DAY
    record(
        [make.event(occurred_at=first)],
        [
            make.traffic(start=first - 59 * MINUTE, seconds=3600, requests=6_000),
            make.traffic(start=first - 2 * HOUR, seconds=3600, requests=70),
        ],
    )
    retention.apply(timezone.now())
    assert Traffic.objects.count() == 1
    assert recounting.compare() == []
    assert recounting.compare(repair=True) == []


def sampled_ago(*ages: timedelta, now: datetime) -> list[Sample]:
    """Samples that came so long ago, of events of today."""
    reviews.policy()
    found = reviews.sampled(len(ages))
    for sample, age in zip(found, ages, strict=True):
        Sample.objects.filter(id=sample.id).update(sampled_at=now - age)
    return found


def texts(sample: Sample) -> tuple[str | None, ...]:
    sample.refresh_from_db()
    return sample.input, sample.output, sample.primary_output


def test_texts_of_samples_go_and_what_was_said_of_them_stays(midnight: datetime) -> None:
    kept, scored, old = sampled_ago(30 * DAY, 30 * DAY + MINUTE, 90 * DAY, now=midnight)
    by = reviews.reviewer("rita")
    marks = {"correct": "pass", "tone": "na"}
    Review.objects.create(sample=scored, reviewer=by, marks=marks, passed=True, comment="Kind.")
    Sample.objects.filter(id=scored.id).update(scored_at=midnight, passed=True)
    assert retention.expired(timezone.now()).samples == 2
    assert [None not in texts(sample) for sample in (kept, scored, old)] == [True] * 3
    assert retention.apply(timezone.now()).samples == 2
    assert [texts(sample) for sample in (scored, old)] == [(None, None, None)] * 2
    assert None not in texts(kept)
    assert (kept.texts_removed_at, scored.passed, scored.masked) == (None, True, {})
    assert scored.texts_removed_at is not None
    assert list(Review.objects.values_list("marks", "passed", "comment")) == [(marks, True, "Kind.")]
    assert (retention.expired(timezone.now()).samples, retention.apply(timezone.now()).samples) == (0, 0)


def test_a_sample_without_texts_leaves_the_queue_and_whoever_holds_it(midnight: datetime) -> None:
    old, new = sampled_ago(40 * DAY, DAY, now=midnight)
    by = reviews.reviewer("rita")
    review_queue.claim(by)
    assert {sample.id for sample in review_queue.held(by)} == {old.id, new.id}
    retention.apply(timezone.now())
    assert [sample.id for sample in review_queue.held(by)] == [new.id]
    assert review_queue.claim(reviews.reviewer("rolf")) is None
    with pytest.raises(review_queue.NotHeld):
        review_queue.skip(old.id, by, "too late")


def test_texts_go_in_batches_and_those_that_somebody_is_at_the_next_time(
    midnight: datetime, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(retention, "BATCH", 7)
    settings.SAMPLE_RETENTION_DAYS = 2
    found = sampled_ago(*[3 * DAY] * 30, now=midnight)
    with reading(f"SELECT id FROM sample WHERE id = {found[3].id} FOR UPDATE"):
        assert retention.apply(timezone.now()).samples == 29
    assert retention.apply(timezone.now()).samples == 1
    assert Sample.objects.filter(texts_removed_at=None).count() == 0


def test_what_events_were_judged_to_be_goes_with_them(midnight: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    first = midnight - 90 * DAY
    for moment in (first - DAY, first - 2 * MINUTE, first - MINUTE, first, midnight):
        EarlierVerdict.objects.create(workload_id=1, occurred_at=moment, event="e")
    retention.apply(timezone.now())
    assert sorted(EarlierVerdict.objects.values_list("occurred_at", flat=True)) == [first, midnight]


def test_sessions_go_when_they_are_over_and_where_they_were_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    now, person = timezone.now(), User.objects.create_user("dana")
    for key, end in [("open", now + HOUR), *((f"over{number}", now - MINUTE) for number in range(5))]:
        Session.objects.create(session_key=key, session_data="", expire_date=end)
        UserSession.objects.create(session_key=key, user=person, ip="192.0.2.1", user_agent="")
    UserSession.objects.create(session_key="signed out", user=person, ip="192.0.2.1", user_agent="")
    Session.objects.create(session_key="not signed in yet", session_data="", expire_date=now + HOUR)
    retention.apply(now)
    assert set(Session.objects.values_list("session_key", flat=True)) == {"open", "not signed in yet"}
    assert list(UserSession.objects.values_list("session_key", flat=True)) == ["open"]


def test_inserts_go_on_while_a_long_reader_keeps_a_partition_from_going(
    midnight: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PATIENCE_MS", 1_500)
    fill(0 * DAY, 100 * DAY, 101 * DAY, now=midnight)
    found: list[retention.Removed] = []

    def work() -> None:
        try:
            found.append(retention.apply(timezone.now()))
        finally:
            connection.close()

    longest, recorded = 0.0, 0
    with reading():
        worker = threading.Thread(target=work)
        worker.start()
        while worker.is_alive():
            started = time.monotonic()
            recorded += record([make.event(occurred_at=midnight)]).events
            longest = max(longest, time.monotonic() - started)
        assert found[0].days == []
        assert "being read" in found[0].left
    # It waited, in which time many were recorded, and none waited for as long as it.
    assert recorded > 10
    assert longest < 1.0
    assert Event.objects.filter(occurred_at=midnight).count() == recorded + 1
    # What stands half way is brought to its end by the next turn.
    assert "detaching" in partitions.to_drop(midnight.date()).values()
    assert retention.apply(timezone.now()).days == [(midnight - 101 * DAY).date(), (midnight - 100 * DAY).date()]
    assert recounting.compare() == []


def test_dropping_outright_would_hold_inserts_up(midnight: datetime) -> None:
    """The reason why it is detached first: were this not so any more, the simpler way would do."""
    fill(0 * DAY, 100 * DAY, now=midnight)
    name = f"event_{midnight - 100 * DAY:%Y%m%d}"
    with reading("SELECT count(*) FROM event"), reading("SELECT 1") as other:
        other.execute("SET LOCAL lock_timeout = 1500")
        dropping = threading.Thread(target=refused, args=(other, f"DROP TABLE {name}"))
        dropping.start()
        time.sleep(0.2)
        started = time.monotonic()
        record([make.event(occurred_at=midnight)])
        assert time.monotonic() - started > 0.5
        dropping.join()


def test_a_table_that_was_detached_and_not_dropped_goes_next_time(midnight: datetime) -> None:
    fill(100 * DAY, now=midnight)
    day = (midnight - 100 * DAY).date()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE event DETACH PARTITION event_{day:%Y%m%d} CONCURRENTLY")
    assert partitions.to_drop(midnight.date()) == {day: "detached"}
    assert retention.apply(timezone.now()).days == [day]
    assert partitions.to_drop(midnight.date()) == {}


def test_a_lock_timeout_does_not_stay_on_the_connection(midnight: datetime) -> None:
    fill(100 * DAY, now=midnight)
    retention.apply(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_two_at_once_are_one(midnight: datetime) -> None:
    fill(100 * DAY, now=midnight)
    with reading(f"SELECT pg_advisory_lock({retention._LOCK})") as other:
        assert "another process" in retention.apply(timezone.now()).left
        other.execute(f"SELECT pg_advisory_unlock({retention._LOCK})")
    assert retention.apply(timezone.now()).days != []


def test_the_command_says_what_it_would_do_does_it_and_fails_where_it_cannot(
    midnight: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PATIENCE_MS", 100)
    fill(100 * DAY, now=midnight)
    day = (midnight - 100 * DAY).date()
    words = (
        f"1 days of events ({day} to {day}), 1 counts of traffic, 2 cells of the minute rollup,"
        " 0 cells of the hour rollup, texts of 0 samples."
    )
    assert run("--check") == f"Would remove {words}\n"
    assert Event.objects.count() == MinuteRollup.objects.count() == Traffic.objects.count() == 1
    with reading(), pytest.raises(CommandError, match="being read"):
        run()
    assert run().startswith("Removed 1 days of events")
    assert run("--check").startswith("Would remove 0 days of events, 0 counts")


def test_partitions_are_not_made_for_days_that_would_go(settings: Settings) -> None:
    settings.EVENT_RETENTION_DAYS = 7
    now = timezone.now()
    partitions.ensure_around(now)
    assert retention.expired(now).days == []
    assert min(partitions.existing()) == now.date() - 7 * DAY


def test_what_is_taken_finds_its_day_for_another_day_at_least(settings: Settings) -> None:
    now = datetime(2026, 11, 17, 15, 30, tzinfo=UTC)
    assert retention.oldest_taken(now) == now - 30 * DAY
    settings.EVENT_RETENTION_DAYS = 7
    assert retention.oldest_day_kept(now) == date(2026, 11, 10)
    assert retention.oldest_taken(now) == datetime(2026, 11, 11, tzinfo=UTC)
    assert retention.oldest_day_kept(now + DAY) <= retention.oldest_taken(now).date()


def test_keeping_longer_from_now_on_does_not_make_a_recount_forget_what_is_gone(
    midnight: datetime, settings: Settings
) -> None:
    settings.EVENT_RETENTION_DAYS = 7
    fill(2 * DAY, 20 * DAY, now=midnight)
    retention.apply(timezone.now())
    settings.EVENT_RETENTION_DAYS = 90
    partitions.ensure_around(timezone.now())
    assert recounting.compare(repair=True) == []
    assert DayRollup.objects.count() == 2


def test_minutes_that_shall_be_kept_longer_are_brought_back_from_the_rows(
    midnight: datetime, settings: Settings
) -> None:
    fill(40 * DAY, now=midnight)
    retention.apply(timezone.now())
    settings.ROLLUP_RETENTION_DAYS = {"minute": 60, "hour": 400}
    assert [found.table for found in recounting.compare(repair=True)] == ["rollup_minute", "breakdown_minute"]
    assert MinuteRollup.objects.count() == 1


@pytest.mark.parametrize("age", [40, 500], ids="{} days".format)
@pytest.mark.parametrize("step", ["minute", "hour", "day"])
@pytest.mark.parametrize("width", [1, 5])
def test_no_figure_of_a_window_is_lost_with_its_minutes(midnight: datetime, age: int, step: str, width: int) -> None:
    start = midnight - age * DAY + 10 * HOUR + 17 * MINUTE
    fill(*(midnight - start - number * 31 * MINUTE for number in range(100)), now=midnight)
    window = Window(start, start + 100 * 31 * MINUTE)
    scope = queries.Scope()
    retention.apply(timezone.now())
    assert queries.totals(window, scope) == {"support-chat": Counts(1000, 100)}
    series = queries.counts_by_bucket(window, step, scope, width)["support-chat"]  # type: ignore[arg-type]
    assert sum(series.values(), Counts()) == Counts(1000, 100)
    length = width * {"minute": MINUTE, "hour": HOUR, "day": DAY}[step]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert min(series) >= start - (start - epoch) % length


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("minute=30,hour=400", {"minute": 30, "hour": 400}),
        ("hour=900", {"minute": 30, "hour": 900}),
        ("", {"minute": 30, "hour": 400}),
    ],
)
def test_the_setting_of_rollups_names_steps(text: str, kept: dict[str, int]) -> None:
    given = Environment({"ROLLUP_RETENTION_DAYS": text})
    assert given.rollup_days("ROLLUP_RETENTION_DAYS", "minute=30,hour=400") == kept
    given.refuse()


@pytest.mark.parametrize("text", ["day=3", "minute", "minute=x", "minute=-1", "minute=0", "minute=60,hour=50", "30"])
def test_a_setting_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    given = Environment({"ROLLUP_RETENTION_DAYS": text})
    given.rollup_days("ROLLUP_RETENTION_DAYS", "minute=30,hour=400")
    with pytest.raises(ImproperlyConfigured, match="ROLLUP_RETENTION_DAYS is"):
        given.refuse()
