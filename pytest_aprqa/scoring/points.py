"""From counts to points and from points to a normalized score; the same in both score policies.

>>> points(3, 4, 150), points(1, 4, 150), points(2, 3, 200)
(113, 38, 133)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pytest_aprqa.core import Category

MAX_POINTS: Final[Mapping[Category, int]] = MappingProxyType(
    {
        Category.QUAL: 200,
        Category.PERF: 150,
        Category.STAB: 200,
        Category.COMP: 150,
        Category.EDGE: 150,
        Category.REGR: 150,
    }
)
"""Points of a category when every check passes."""

TOTAL_POINTS: Final = 1000

CRASH_PENALTY: Final = 20
TIMEOUT_PENALTY: Final = 10
GATEWAY_PENALTY: Final = 1000


def points(passed: int, total: int, maximum: int) -> int:
    """Points of `passed` out of `total` (above 0), rounded half away from zero.

    Whole numbers only: 3 of 4 in 150 is 112.5 → 113, where Python's `round` gives 112.
    """
    return (2 * passed * maximum + total) // (2 * total)


def normalized(mqs: int) -> float:
    """100 · log10(1 + 9·mqs/1000), within 0-100; concave, so it raises every score between the ends.

    >>> [round(normalized(mqs), 3) for mqs in (0, 446, 772, 800, 1000)]
    [0.0, 70.018, 90.026, 91.381, 100.0]
    """
    return min(100.0, max(0.0, 100.0 * math.log(1 + 9 * mqs / TOTAL_POINTS) / math.log(10)))
