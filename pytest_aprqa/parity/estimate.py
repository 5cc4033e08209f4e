"""Numbers with 95 % intervals: means by block bootstrap, shares by Wilson, quantiles by order statistics.

Pure: the bootstrap draws from a generator with a fixed seed, so that the same numbers give the same interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
RESAMPLES = 1000
"""Bootstrap resamples; the interval's ends move by a few percent of its width between seeds."""
RUN = 8
"""Neighboring positions that are drawn together: they share their context, so their errors are not independent."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number and its 95 % interval; all NaN where nothing was measured."""

    value: float
    low: float
    high: float


NOTHING = Estimate(math.nan, math.nan, math.nan)
"""The estimate of no observation: no limit holds for it."""


def mean_estimate(samples: NDArray[np.float64]) -> Estimate:
    """Mean and percentile interval of a circular block bootstrap; infinite where a sample is.

    Divergences per position are strongly skewed, so a t-interval would reach below zero and miss above; and they come
    in runs, so positions are resampled in runs of `RUN`.
    """
    count = samples.size
    if not count:
        return NOTHING
    if not np.isfinite(samples).all():
        return Estimate(math.inf, math.inf, math.inf)
    rng = np.random.Generator(np.random.PCG64(0))
    run = min(RUN, count)
    # sums of every run that starts at each position, going around the end
    reach = np.concatenate([samples, samples[: run - 1]])
    sums = np.convolve(reach, np.ones(run), mode="valid")
    runs = -(-count // run)
    means = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        means[index] = sums[rng.integers(0, count, runs)].sum() / (runs * run)
    low, high = np.percentile(means, (2.5, 97.5))
    return Estimate(float(samples.mean()), float(low), float(high))


def share_estimate(hits: int, trials: int) -> Estimate:
    """Share and its Wilson interval.

    >>> share = share_estimate(99, 100)
    >>> round(share.low, 3), round(share.high, 3)
    (0.946, 0.998)
    """
    if not trials:
        return NOTHING
    share, z2 = hits / trials, Z95 * Z95
    center = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    return Estimate(share, max(0.0, center - half), min(1.0, center + half))


def quantile_estimate(samples: NDArray[np.float64], share: float) -> Estimate:
    """Quantile and the interval between two order statistics (normal approximation of the binomial ranks).

    With few samples the upper rank passes the last one; the interval then ends at the largest sample, and the true end
    may lie above.
    """
    count = samples.size
    if not count:
        return NOTHING
    ordered: NDArray[Any] = np.sort(samples)
    half = Z95 * math.sqrt(count * share * (1 - share))
    low = max(0, math.floor(count * share - half) - 1)
    high = min(count - 1, math.ceil(count * share + half))
    return Estimate(
        float(ordered[math.ceil(share * (count - 1))]), float(ordered[min(low, count - 1)]), float(ordered[high])
    )
