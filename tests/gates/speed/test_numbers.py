"""Intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aprqa.gates.speed.numbers import growth, mean_of, ratio_of, student, trend, variation


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042), (1e6, 1.960)]
)
def test_quantiles_of_student_are_those_of_the_tables(freedom: float, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, abs=1e-3)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_of_a_mean_covers_it_as_often_as_it_says_even_with_two_answers(count: int) -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        found = mean_of([float(rate) for rate in np.exp(rng.normal(3.0, 0.1, count))])
        covered += found.low <= np.exp(3.0) <= found.high
    assert 0.93 <= covered / 2000 <= 0.97


@pytest.mark.parametrize(("now", "then"), [(10, 10), (2, 2), (10, 3)])
def test_the_interval_of_a_ratio_covers_it_where_both_scatter_differently(now: int, then: int) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(2000):
        above = [float(rate) for rate in np.exp(rng.normal(3.0, 0.02, now))]
        below = [float(rate) for rate in np.exp(rng.normal(3.0, 0.1, then))]
        found = ratio_of(above, below)
        covered += found.low <= 1.0 <= found.high
    assert covered / 2000 >= 0.93


def test_a_single_number_has_no_interval_and_no_variation() -> None:
    assert (mean_of([3.0]).low, mean_of([3.0]).high) == (0.0, float("inf"))
    assert (ratio_of([3.0], [1.0, 2.0]).low, ratio_of([3.0], [1.0, 2.0]).high) == (0.0, float("inf"))
    assert variation([3.0]) is None


def test_a_trend_is_not_moved_by_one_sample() -> None:
    assert trend([0, 1, 2, 1000, 4, 5, 6, 7]) == 1.0
    assert growth([5, 5, 5, 5, 5, 5, 5, 900]) == 0.0
