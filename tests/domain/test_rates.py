"""A rate is a share of requests, and there is none where the requests are not known."""

import pytest

from fallbacks.rates import Counts, change_in_points


def test_rates_are_shares_of_all_requests() -> None:
    counts = Counts(requests=1000, served=20, failed=3, blocked=7)
    assert counts.events == 30
    assert counts.degraded_rate == 0.02
    assert counts.failure_rate == 0.01
    assert counts.off_primary_rate == 0.03


@pytest.mark.parametrize("counts", [Counts(None, served=5), Counts(10, served=9, failed=2)])
def test_without_complete_traffic_there_is_no_rate(counts: Counts) -> None:
    assert (counts.degraded_rate, counts.failure_rate, counts.off_primary_rate) == (None, None, None)


def test_there_is_no_share_of_no_requests() -> None:
    assert Counts(requests=0).degraded_rate is None
    assert Counts(requests=1).degraded_rate == 0


def test_traffic_that_is_not_known_stays_so_only_where_neither_is() -> None:
    assert (Counts(None) + Counts(None)).requests is None
    assert (Counts(None, served=1) + Counts(5, failed=2)) == Counts(5, served=1, failed=2)


def test_a_change_is_told_in_points_and_only_between_known_rates() -> None:
    assert change_in_points(0.03, 0.01) == pytest.approx(2.0)
    assert change_in_points(None, 0.01) is None
    assert change_in_points(0.01, None) is None
