"""Wilson's score interval: how far a pass rate can be from the truth, given how often it was tried.

Source: E. B. Wilson, JASA 22 (1927), 209-212.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

Z_95: Final = 1.96
"""Standard normal quantile of a two-sided 95 % interval."""


class Interval(NamedTuple):
    """A 95 % interval of a rate; both ends within 0.0-1.0."""

    low: float
    high: float


def wilson(passed: int, total: int) -> Interval:
    """The 95 % interval of a pass rate; everything is possible when nothing was tried.

    >>> round(wilson(27, 27).low, 6)
    0.875441
    >>> wilson(0, 0)
    Interval(low=0.0, high=1.0)
    """
    if total == 0:
        return Interval(0.0, 1.0)
    rate, z2 = passed / total, Z_95 * Z_95
    center = rate + z2 / (2 * total)
    half = Z_95 * math.sqrt(rate * (1 - rate) / total + z2 / (4 * total * total))
    scale = 1 + z2 / total
    return Interval(max(0.0, (center - half) / scale), min(1.0, (center + half) / scale))
