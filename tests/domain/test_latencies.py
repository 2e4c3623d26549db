"""Histograms of latencies: they can be added up, and what is read from them is near the truth."""

import random
from collections import Counter
from statistics import quantiles

import pytest

from fallbacks.latencies import BINS, BOUNDS, LONGEST_MS, bin_of, packed, percentiles


def test_every_latency_has_a_bin_that_can_be_stored() -> None:
    assert bin_of(0) == 0
    assert bin_of(LONGEST_MS) < len(BOUNDS) < BINS
    assert all(bin_of(bound - 1) + 1 == bin_of(bound) for bound in BOUNDS[:-1])


def test_a_histogram_is_stored_as_counts_with_their_bins() -> None:
    assert packed({3: 2, 1: 1, 7: 0}) == [1 * BINS + 1, 2 * BINS + 3]
    assert packed({}) is None


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("usual", [7, 40, 900, 30_000, 3_000_000])
def test_percentiles_are_within_five_in_a_hundred_of_the_truth(usual: int, seed: int) -> None:
    dice = random.Random(f"{usual} {seed}")
    values = [min(LONGEST_MS, max(1, round(usual * dice.lognormvariate(0, 0.7)))) for _ in range(2_000)]
    found = percentiles(Counter(map(bin_of, values)).items())
    cuts = quantiles(values, n=20, method="inclusive")
    assert found is not None
    assert found.count == 2_000
    assert found.p50 == pytest.approx(cuts[9], rel=0.05, abs=1)
    assert found.p95 == pytest.approx(cuts[18], rel=0.05, abs=1)


@pytest.mark.parametrize("every", [610, 1_000, 5_000, 30_000, 60_000, 300_000])
def test_requests_that_all_took_as_long_took_about_that_long(every: int) -> None:
    found = percentiles([(bin_of(every), 200)])
    assert found is not None
    assert found.p50 == found.p95 == pytest.approx(every, rel=0.05)


def test_one_request_is_its_own_percentiles() -> None:
    found = percentiles([(bin_of(7), 1)])
    assert found is not None
    assert (found.p50, found.p95, found.count) == (7, 7, 1)
    assert percentiles([]) is None
