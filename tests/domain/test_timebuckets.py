"""Windows are exact to the minute, whatever rollups they are read from."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.timebuckets import LENGTH, MOST_BUCKETS, STEPS, Step, Window, ceil, cover, fitting_step, floor, starts

moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds it


@given(start=moments, length=st.timedeltas(timedelta(minutes=1), timedelta(days=120)), step=st.sampled_from(STEPS))
def test_a_cover_has_every_minute_of_the_window_once(start: datetime, length: timedelta, step: Step) -> None:
    window = Window.around(start, start + length)
    parts = sorted(cover(window, step), key=lambda part: part[1].start)
    assert parts[0][1].start == window.start
    assert parts[-1][1].end == window.end
    assert all(one[1].end == other[1].start for one, other in pairwise(parts))
    for part_step, part in parts:
        assert part.start < part.end
        assert floor(part.start, LENGTH[part_step]) == part.start
        assert floor(part.end, LENGTH[part_step]) == part.end


@given(start=moments, length=st.timedeltas(timedelta(minutes=1), timedelta(days=120)))
def test_a_cover_reads_few_buckets(start: datetime, length: timedelta) -> None:
    window = Window.around(start, start + length)
    read = sum(part.length // LENGTH[step] for step, part in cover(window, "day"))
    assert read <= 120 + 2 * 23 + 2 * 59


@given(
    start=moments,
    length=st.timedeltas(timedelta(minutes=1), timedelta(days=120)),
    step=st.sampled_from(STEPS),
    minute=st.integers(-50, 200),
    hour=st.integers(0, 200),
)
def test_a_cover_reads_nothing_that_is_gone_and_reaches_over_the_window_by_less_than_a_bucket(
    start: datetime, length: timedelta, step: Step, minute: int, hour: int
) -> None:
    window = Window.around(start, start + length)
    first = floor(start, LENGTH["day"])
    kept: dict[Step, datetime] = {
        "minute": first + timedelta(days=minute),
        "hour": first + timedelta(days=minute - hour),
    }
    parts = sorted(cover(window, step, kept), key=lambda part: part[1].start)
    assert all(one[1].end == other[1].start for one, other in pairwise(parts))
    for part_step, part in parts:
        assert part.start >= kept.get(part_step, part.start)
        assert floor(part.start, LENGTH[part_step]) == part.start < part.end == floor(part.end, LENGTH[part_step])
    assert window.start - LENGTH[parts[0][0]] < parts[0][1].start <= window.start
    assert window.end <= parts[-1][1].end < window.end + LENGTH[parts[-1][0]]
    assert parts[0][1].start == window.start or window.start < kept["minute"]
    assert parts[-1][1].end == window.end or window.end <= kept["minute"]


@given(start=moments, length=st.timedeltas(timedelta(minutes=1), timedelta(days=450)))
def test_the_step_that_is_chosen_gives_a_chart_at_most_500_points(start: datetime, length: timedelta) -> None:
    window = Window.around(start, start + length)
    assert len(starts(window, LENGTH[fitting_step(window)])) <= MOST_BUCKETS


def test_buckets_start_before_a_window_that_starts_within_one() -> None:
    window = Window(datetime(2026, 11, 17, 14, 30, tzinfo=UTC), datetime(2026, 11, 17, 16, 1, tzinfo=UTC))
    assert [start.hour for start in starts(window, LENGTH["hour"])] == [14, 15, 16]


def test_a_moment_of_another_zone_falls_into_its_bucket_of_utc() -> None:
    moment = datetime(2026, 11, 17, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert floor(moment, LENGTH["day"]) == datetime(2026, 11, 16, tzinfo=UTC)
    assert ceil(moment, LENGTH["day"]) == datetime(2026, 11, 17, tzinfo=UTC)


def test_the_last_hour_ends_with_the_minute_that_is_under_way() -> None:
    now = datetime(2026, 11, 17, 14, 4, 12, tzinfo=UTC)
    window = Window.last(timedelta(hours=1), now)
    assert (window.start, window.end) == (now.replace(hour=13, minute=5, second=0), now.replace(minute=5, second=0))
    assert window.before() == Window(window.start - timedelta(hours=1), window.start)


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC), "offset"),  # noqa: DTZ001  refused for it
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "later"),
    ],
)
def test_a_window_that_is_none_is_refused(start: datetime, end: datetime, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Window.around(start, end)
