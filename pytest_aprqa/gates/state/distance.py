"""How far two computations of the same logits lie apart, and at which position they part first."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import Json
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.state.closeness import Closeness
from pytest_aprqa.parity import Divergence, compare_logits

Logits = NDArray[Any]

_NO_IDS: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Distance:
    """Two computations of the logits at the same positions."""

    reference: Logits
    """(positions, vocabulary)."""
    other: Logits
    found: Divergence

    @property
    def exact(self) -> bool:
        """Not a bit differs."""
        return np.array_equal(self.reference, self.other)

    def within(self, limits: Closeness) -> bool:
        """Every position is within both limits."""
        return _within(self.found, limits)

    def first_beyond(self, limits: Closeness) -> int:
        """The first position that is not within the limits; there must be one."""
        lengths = range(1, len(self.reference) + 1)
        # The worst of a beginning only grows with its length.
        return bisect_left(
            lengths,
            True,
            key=lambda length: not _within(_compared(self.reference[:length], self.other[:length]), limits),
        )

    def at(self, position: int) -> Distance:
        """The distance at one position."""
        return distance(self.reference[position : position + 1], self.other[position : position + 1])

    @property
    def sentence(self) -> str:
        """The two numbers."""
        if self.found.not_finite:
            return f"{self.found.not_finite} positions not finite"
        if self.exact:
            return "bitwise equal"
        return f"largest KL {self.found.kl_max:.3g}, largest normalized error {self.found.nmse_max:.3g}"

    @property
    def details(self) -> dict[str, Json]:
        """As plain JSON."""
        found = self.found
        return {
            "kl_max": float(found.kl_max) if found.positions else None,
            "nmse_max": float(found.nmse_max) if found.positions else None,
            "max_delta_logp": float(found.max_delta_logp) if found.positions else None,
            "not_finite": found.not_finite,
            "exact": self.exact,
        }


def distance(reference: Logits, other: Logits) -> Distance:
    """Compares logits of the same positions.

    Raises:
        Unjudgeable: the reference itself is not finite, which is another gate's news.
        AprqaError: they have not as many rows.
    """
    found = _compared(reference, other)
    if found.reference_not_finite:
        raise Unjudgeable(f"the logits at {found.reference_not_finite} positions are not finite to begin with")
    return Distance(reference, other, found)


def worst_of(distances: list[Distance]) -> Distance:
    """The one with the largest divergence; what is not finite is worst of all."""
    return max(distances, key=lambda one: (one.found.not_finite, one.found.kl_max if one.found.positions else 0.0))


def _compared(reference: Logits, other: Logits) -> Divergence:
    return compare_logits([(reference, other, _NO_IDS)])


def _within(found: Divergence, limits: Closeness) -> bool:
    return not found.not_finite and found.kl_max <= limits.kl and found.nmse_max <= limits.nmse
