"""States and episodes: the first that holds, over full minutes together, from the first bad one to the last."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.rates import Counts
from fallbacks.states import BAD, Limits, Minute, State, bad_minutes, episodes, judged, state, together

NOW = datetime(2026, 11, 17, 14, 30, 20, tzinfo=UTC)
LIMITS = Limits(degraded_above=0.1, for_minutes=5)
ONE = timedelta(minutes=1)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-17T{clock}:00+00:00")


def minute(
    requests: int | None = 100, *, served: int = 0, failed: int = 0, blocked: int = 0, silent: int = 0
) -> Minute:
    return Minute(Counts(requests, served, failed, blocked), silent)


def said(minutes: dict[str, Minute], last_day: Counts | None = None) -> State:
    known = {at(clock): each for clock, each in minutes.items()}
    whole = sum((each.counts for each in known.values()), Counts()) if last_day is None else last_day
    return state(known, NOW, LIMITS, whole)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ({}, "normal"),
        ({"14:29": minute()}, "normal"),
        ({"14:29": minute(served=10)}, "normal"),
        ({"14:29": minute(served=11)}, "degraded"),
        ({"14:29": minute(failed=11)}, "failing"),
        ({"14:29": minute(blocked=11)}, "failing"),
        ({"14:29": minute(failed=6, blocked=5)}, "failing"),
        ({"14:29": minute(served=50, failed=11)}, "failing"),
        ({"14:29": minute(served=50, failed=10)}, "degraded"),
        ({"14:29": minute(served=11, silent=1)}, "silent"),
        ({"14:29": minute(failed=11, silent=1)}, "failing"),
        # All five full minutes count together, and no other.
        ({"14:25": minute(), "14:29": minute(served=11)}, "normal"),
        ({"14:25": minute(served=20), "14:29": minute(served=1)}, "degraded"),
        ({"14:24": minute(served=100)}, "normal"),
        ({"14:30": minute(served=100)}, "normal"),
        # Nobody waits for the minute to end until it is said that users were not told.
        ({"14:30": minute(served=1, silent=1)}, "silent"),
        ({"14:24": minute(served=1, silent=1)}, "normal"),
        # Fewer than twenty requests tell nothing.
        ({"14:29": minute(19, failed=19)}, "normal"),
        ({"14:28": minute(10, failed=10), "14:29": minute(10, failed=10)}, "failing"),
        ({"14:29": minute(None, failed=19)}, "no_traffic"),
        ({"14:29": minute(None, served=1, silent=1)}, "silent"),
        ({"14:28": minute(None, failed=5), "14:29": minute(100)}, "normal"),
    ],
)
def test_the_first_state_that_holds_is_the_one(minutes: dict[str, Minute], expected: State) -> None:
    assert said(minutes) == expected


@pytest.mark.parametrize(
    ("requests", "share", "most"), [(100, 0.29, 29), (100, 0.57, 57), (10_000, 0.0003, 3), (200, 0.145, 29)]
)
def test_as_many_as_the_share_allows_are_not_more(requests: int, share: float, most: int) -> None:
    limits = Limits(degraded_above=share)
    assert judged(minute(requests, served=most), limits, silent=False) is None
    assert judged(minute(requests, served=most + 1), limits, silent=False) == "degraded"
    assert judged(minute(requests, failed=most), limits, silent=False) is None
    assert judged(minute(requests, failed=most + 1), limits, silent=False) == "failing"


def test_events_of_the_last_day_without_traffic_are_said_though_it_is_quiet_now() -> None:
    assert said({}, Counts(None, served=1)) == "no_traffic"
    assert said({}, Counts(0, served=1)) == "normal"


def found(minutes: dict[str, Minute], start: str = "14:00", end: str = "15:00") -> list[tuple[str, str | None, State]]:
    known = {at(clock): each for clock, each in minutes.items()}
    return [
        (f"{each.start:%H:%M}", f"{each.end:%H:%M}" if each.end else None, each.worst)
        for each in episodes(known, at(start), at(end), LIMITS)
    ]


def test_an_episode_runs_from_the_first_bad_minute_to_the_last() -> None:
    # 50 of 100 in one minute are above a tenth for as long as that minute is among the last five.
    assert found({"14:10": minute(served=50)}) == [("14:10", "14:15", "degraded")]


def test_good_minutes_between_bad_ones_end_an_episode_only_when_there_are_enough_of_them() -> None:
    quiet = {f"14:{number:02}": minute(1000) for number in range(60)}
    near = quiet | {"14:10": minute(served=600), "14:18": minute(served=600)}
    assert found(near) == [("14:10", "14:23", "degraded")]
    far = quiet | {"14:10": minute(served=600), "14:20": minute(served=600)}
    assert found(far) == [("14:10", "14:15", "degraded"), ("14:20", "14:25", "degraded")]


def test_an_episode_that_goes_on_has_no_end_and_the_worst_of_its_states() -> None:
    minutes = {"14:50": minute(served=50), "14:53": minute(failed=90), "14:57": minute(served=50)}
    assert found(minutes) == [("14:50", None, "failing")]


def test_an_episode_at_the_edge_is_judged_with_the_minutes_before_it() -> None:
    assert found({"13:58": minute(served=50)}) == [("14:00", "14:03", "degraded")]


minutes_of_an_hour = st.dictionaries(
    st.integers(-10, 59).map(lambda number: at("14:00") + number * ONE),
    st.builds(
        minute,
        st.one_of(st.none(), st.integers(0, 60)),
        served=st.integers(0, 5),
        failed=st.integers(0, 5),
        blocked=st.integers(0, 2),
        silent=st.integers(0, 1),
    ),
    max_size=40,
)


@given(minutes=minutes_of_an_hour, length=st.integers(1, 10))
def test_sliding_over_minutes_is_judging_each_with_those_before_it(
    minutes: dict[datetime, Minute], length: int
) -> None:
    limits = Limits(0.1, length)
    expected = {}
    for number in range(60):
        moment = at("14:00") + number * ONE
        whole = together(minutes, moment + ONE, length)
        if bad := judged(whole, limits, silent=bool(whole.silent)):
            expected[moment] = bad
    assert dict(bad_minutes(minutes, at("14:00"), at("15:00"), limits)) == expected


@given(minutes=minutes_of_an_hour)
def test_every_bad_minute_is_in_one_episode_and_each_begins_with_one(minutes: dict[datetime, Minute]) -> None:
    start, end = at("14:00"), at("15:00")
    bad = dict(bad_minutes(minutes, start, end, LIMITS))
    spans = [(each.start, each.end or end) for each in episodes(minutes, start, end, LIMITS)]
    assert all(sum(first <= moment < last for first, last in spans) == 1 for moment in bad)
    assert all(first in bad for first, _ in spans)
    assert all(later[0] - former[1] >= LIMITS.for_minutes * ONE for former, later in pairwise(spans))
    assert set(bad.values()) <= BAD
