"""Episodes from minutes with gaps: the same as from all of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fallbacks.episodes import sparse_episodes, suspicious
from fallbacks.rates import Counts
from fallbacks.states import MINUTE, Limits, Minute, episodes

START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
END = START + timedelta(hours=6)

# Most minutes are quiet; some stretches are not, and the shares allowed are such that sums are rounded.
minutes_of_hours = st.dictionaries(
    st.integers(-20, 359).map(lambda number: START + number * MINUTE),
    st.builds(
        Minute,
        st.builds(
            Counts,
            st.one_of(st.none(), st.integers(0, 100)),
            st.integers(0, 3) | st.just(0),
            st.integers(0, 2) | st.just(0),
            st.just(0) | st.integers(0, 1),
        ),
        st.just(0) | st.just(0) | st.integers(0, 1),
    ),
    max_size=60,
)
limits = st.builds(Limits, st.sampled_from([0.01, 0.07, 0.29, 0.5, 1.0, 0.0]), st.integers(1, 30))


@given(minutes=minutes_of_hours, limits=limits)
def test_gaps_are_not_walked_through_and_nothing_is_missed(minutes: dict[datetime, Minute], limits: Limits) -> None:
    assert sparse_episodes(minutes, START, END, limits) == episodes(minutes, START, END, limits)


@given(minutes=minutes_of_hours, limits=limits)
def test_the_minutes_around_suspicious_ones_are_enough(minutes: dict[datetime, Minute], limits: Limits) -> None:
    odd = [at for at, minute in minutes.items() if suspicious(minute, limits)]
    near = {
        at: minute
        for at, minute in minutes.items()
        if any(abs(at - other) <= limits.for_minutes * MINUTE for other in odd)
    }
    assert sparse_episodes(near, START, END, limits) == episodes(minutes, START, END, limits)


def test_what_goes_on_has_no_end_and_what_is_over_has_one() -> None:
    bad = Minute(Counts(100, 50))
    found = sparse_episodes({START: bad, END - MINUTE: bad}, START, END, Limits(0.1, 5))
    assert [(each.start, each.end) for each in found] == [(START, START + 5 * MINUTE), (END - MINUTE, None)]
