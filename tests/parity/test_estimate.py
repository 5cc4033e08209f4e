from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_aprqa.parity import mean_estimate, quantile_estimate, share_estimate


def covered(samples: int, trials: int = 200) -> float:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(trials):
        estimate = mean_estimate(rng.exponential(1.0, samples))
        hits += estimate.low <= 1.0 <= estimate.high
    return hits / trials


def test_the_interval_of_a_skewed_mean_covers_it() -> None:
    assert 0.88 <= covered(200, trials=120) <= 1.0


def test_the_interval_of_runs_is_wider_than_that_of_independent_samples() -> None:
    rng = np.random.default_rng(0)
    independent = rng.normal(size=800)
    runs = np.repeat(rng.normal(size=100), 8)
    widths = [estimate.high - estimate.low for estimate in (mean_estimate(independent), mean_estimate(runs))]
    assert widths[1] > 1.5 * widths[0]


def test_one_sample_has_a_point_for_an_interval() -> None:
    assert mean_estimate(np.array([3.0])).low == mean_estimate(np.array([3.0])).high == 3.0


def test_an_infinite_sample_makes_an_infinite_mean() -> None:
    assert math.isinf(mean_estimate(np.array([1.0, np.inf])).low)


def test_no_sample_has_no_estimate() -> None:
    assert math.isnan(mean_estimate(np.zeros(0)).value)
    assert math.isnan(quantile_estimate(np.zeros(0), 0.99).high)
    assert math.isnan(share_estimate(0, 0).low)


def test_a_full_share_is_not_certain() -> None:
    estimate = share_estimate(100, 100)
    assert estimate.value == 1.0
    assert estimate.low == pytest.approx(0.963, abs=1e-3)


def test_the_interval_of_a_quantile_lies_between_samples() -> None:
    samples = np.arange(10_000.0)
    estimate = quantile_estimate(samples, 0.99)
    assert estimate.low < 9899.01 < estimate.high
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * math.sqrt(10_000 * 0.99 * 0.01), rel=0.1)


def test_with_few_samples_the_interval_ends_at_the_largest() -> None:
    assert quantile_estimate(np.arange(20.0), 0.99).high == 19.0
