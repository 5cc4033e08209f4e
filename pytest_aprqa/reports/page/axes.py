"""A logarithmic axis for distances that may be zero: decades of equal length, and a place of its own for zero."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_FLOOR, _CEILING = -12, 6
"""Exponents of ten beyond which a distance is drawn at the edge."""
_ZERO_SHARE: Final = 0.06
"""Of the axis, kept for zero."""


@dataclass(frozen=True, slots=True)
class LogAxis:
    """Places of distances between two powers of ten; 0.0 is the near end, 1.0 the far one."""

    low: int
    """Exponent of ten at the near end, beyond zero's place."""
    high: int
    """Exponent of ten at the far end; above `low`."""

    def place(self, distance: float) -> float:
        """0.0-1.0; zero and less stand at the near end, what is too large at the far one."""
        if distance <= 0:
            return 0.0
        share = (math.log10(distance) - self.low) / (self.high - self.low)
        return _ZERO_SHARE + (1 - _ZERO_SHARE) * min(1.0, max(0.0, share))

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Place and label of zero and of the powers of ten, at most about seven."""
        step = max(1, math.ceil((self.high - self.low) / 6))
        powers = range(self.low, self.high + 1, step)
        return ((0.0, "0"), *((self.place(10.0**power), f"{10.0**power:g}") for power in powers))


def axis_of(distances: Iterable[float]) -> LogAxis:
    """The axis that holds them all.

    >>> axis_of([0.0, 0.004, 0.3])
    LogAxis(low=-3, high=0)
    >>> axis_of([0.0]).place(0.0)
    0.0
    """
    above = [distance for distance in distances if distance > 0]
    if not above:
        return LogAxis(-6, 0)
    low = min(_CEILING - 1, max(_FLOOR, math.floor(math.log10(min(above)))))
    high = min(_CEILING, max(low + 1, math.ceil(math.log10(max(above)))))
    return LogAxis(low, high)
