"""Arithmetic of speed: means and ratios of a few positive numbers with 95 % intervals, and trends. Pure.

The unit of observation is the answer. Times of tokens within one answer share the state of caches, clocks and the
scheduler, so they are not independent, and blocks of them would give an interval that is too narrow; answers are as
independent as one process allows. Few of them ask for Student's t rather than for a bootstrap, which of two answers
can only draw what it has seen. Source: A. Georges, D. Buytaert, L. Eeckhout, Statistically Rigorous Java Performance
Evaluation, OOPSLA 2007, section 3. Logarithms, because noise on a machine multiplies, and keep a rate above zero.

What differs between two processes, such as where memory came to lie, no interval here can show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean, median, stdev, variance
from typing import Final

from pytest_aprqa.parity import Estimate

_T975: Final = (12.7062, 4.3027, 3.1824, 2.7764)
"""97.5 % quantiles of Student's t with 1, 2, 3 and 4 degrees of freedom; any table."""
_Z975: Final = 1.959963984540054
_LARGEST_EXPONENT: Final = 700.0
"""`math.exp` overflows at 710."""


def student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t, for 1 or more degrees of freedom; right to three decimals.

    Above four by Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5; below, a fraction is rounded down.

    >>> [round(student(freedom), 2) for freedom in (1, 2.9, 9, 1000)]
    [12.71, 4.3, 2.26, 1.96]
    """
    if freedom < len(_T975) + 1:
        return _T975[max(1, math.floor(freedom)) - 1]
    z, powers = _Z975, {power: _Z975**power for power in (3, 5, 7, 9)}
    terms = (
        (powers[3] + z) / 4,
        (5 * powers[5] + 16 * powers[3] + 3 * z) / 96,
        (3 * powers[7] + 19 * powers[5] + 17 * powers[3] - 15 * z) / 384,
        (79 * powers[9] + 776 * powers[7] + 1482 * powers[5] - 1920 * powers[3] - 945 * z) / 92160,
    )
    return z + sum(term / freedom**order for order, term in enumerate(terms, start=1))


def mean_of(samples: Sequence[float]) -> Estimate:
    """Geometric mean of positive numbers; of a single one the interval is everything above zero.

    >>> mean_of([1.0, 1.0]), mean_of([3.0]).low
    (Estimate(value=1.0, low=1.0, high=1.0), 0.0)
    """
    logs = [math.log(sample) for sample in samples]
    if len(logs) < 2:
        return Estimate(samples[0], 0.0, math.inf)
    return _interval(fmean(logs), student(len(logs) - 1) * stdev(logs) / math.sqrt(len(logs)))


def ratio_of(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """Ratio of two geometric means, with Welch's interval: the two need not scatter alike.

    Source: B. L. Welch, Biometrika 34 (1947), 28-35.

    >>> round(ratio_of([6.0, 6.0], [3.0, 3.0]).value, 9)
    2.0
    """
    tops, bottoms = ([math.log(sample) for sample in samples] for samples in (above, below))
    center = fmean(tops) - fmean(bottoms)
    if min(len(tops), len(bottoms)) < 2:
        return Estimate(_exp(center), 0.0, math.inf)
    parts = [(variance(logs) / len(logs), len(logs) - 1) for logs in (tops, bottoms)]
    squared = sum(part for part, _ in parts)
    spread = sum(part * part / freedom for part, freedom in parts)
    if spread == 0:
        return _interval(center, 0.0)
    return _interval(center, student(squared * squared / spread) * math.sqrt(squared))


def variation(samples: Sequence[float]) -> float | None:
    """Coefficient of variation, a share of the mean; None where there is only one."""
    return stdev(samples) / fmean(samples) if len(samples) > 1 else None


def trend(series: Sequence[float]) -> float:
    """Change from one to the next: the median of the slopes between all pairs, which a few outliers do not move.

    Source: P. K. Sen, JASA 63 (1968), 1379-1389.

    >>> trend([10, 11, 12, 90, 14, 15])
    1.0
    """
    return median((late - early) / (j - i) for (i, early), (j, late) in combinations(enumerate(series), 2))


def growth(series: Sequence[float]) -> float:
    """How much a series of four or more grows from its first to its last, where it is still growing at its end.

    The smaller of the trends of the whole and of the latter half: what was fetched once and then kept is no leak.

    >>> growth([1, 2, 3, 4, 5, 6]), growth([1, 1, 1, 9, 9, 9]), growth([1, 5, 8, 9, 9, 9, 9, 9])
    (5.0, 0.0, 0.0)
    """
    return min(trend(series), trend(series[len(series) // 2 :])) * (len(series) - 1)


def plain(number: float | None) -> float | None:
    """The number with six digits; None where it is not finite, which JSON cannot hold."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.6g}")


def _interval(center: float, half: float) -> Estimate:
    return Estimate(_exp(center), _exp(center - half), _exp(center + half))


def _exp(exponent: float) -> float:
    return math.exp(min(exponent, _LARGEST_EXPONENT))
