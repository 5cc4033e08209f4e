"""The one table of limits: how much a stored type may cost, per quantity, and where the number comes from.

A limit is what healthy models were measured to need (`calibration`) times `FACTOR`. Knows no model and reads no file;
a word that is not in the table is an error, never a default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_aprqa.core import AprqaError
from pytest_aprqa.parity.calibration import FLOORS, MEASURED, STARTING
from pytest_aprqa.parity.fingerprint import Role
from pytest_aprqa.parity.quantity import AT_LEAST, OF_TENSORS, Quantity

FACTOR = 2.0
"""Limit over the worst measurement of a healthy model; 1.5 is the least margin that healthy models must keep."""
LARGE = 1_000_000_000
"""Parameters from which the limits of full-size models hold."""
SMALL = 100_000_000
"""Parameters from which those of small models hold; below, those of the tiny model, if they are wider."""
GOLDEN_FACTOR, GOLDEN_ROUNDING = 2.0, 1e-6
"""A golden corpus has few positions, kept in float16: a mean KL of 2e-8 was measured of this rounding alone, and logits
that are larger round coarser."""

ROLE_TOLERANCES: Mapping[Role, float] = {
    Role.NORM: 0.001,
    Role.EMBEDDING: 0.1,
    Role.ATTENTION: 0.01,
    Role.FFN: 0.01,
    Role.LM_HEAD: 0.05,
    Role.OTHER: 0.01,
}
"""How far mean, deviation and length of a tensor may move before its type's own error is added (gates.md 6.3)."""

_MIXES = {"Q5_K_M": "Q5_K", "Q4_K_M": "Q4_K", "Q3_K_M": "Q3_K"}
"""Files that mix types, and the coarsest type in them: the word for their tensors when nothing better is known."""
_COARSER = ("Q6_K", "Q5_K", "Q4_K", "Q3_K", "Q2_K")
"""K types, each coarser than the one before. A coarser one is allowed what a finer one needed: rows that a K type does
not fit are stored in another type, so that SmolLM2's Q5_K_M (mostly Q5_1) loses more than its Q4_K_M (mostly Q5_0)."""
_EXACT = frozenset({"F64", "F32", "I64", "I32", "I16", "I8", "U8", "BOOL"})
"""Types that lose nothing of what they hold."""


class Size(StrEnum):
    """Classes of models; the smaller a model, the more a rounding error costs it."""

    LARGE = "large"
    SMALL = "small"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a measured quantity may not pass."""

    value: float
    source: str
    """Where the number comes from, one phrase."""
    at_most: bool = True
    """False where the quantity may not fall below the limit (cosine, agreement)."""

    def holds(self, measured: float) -> bool:
        """The measured number is within the limit; NaN never is.

        >>> Limit(0.1, "test").holds(0.05), Limit(0.1, "test").holds(float("nan")), Limit(0.9, "test", False).holds(0.8)
        (True, False, False)
        """
        if math.isnan(measured):
            return False
        return measured <= self.value if self.at_most else measured >= self.value

    def __str__(self) -> str:
        # What is asked of cosines and agreements is told by what may be missing to one.
        digits = 8 if 0.99 < self.value < 1 else 4
        return f"{'≤' if self.at_most else '≥'} {self.value:.{digits}g} ({self.source})"


def limit_for(
    word: str,
    quantity: Quantity,
    overrides: Mapping[str, float] | None = None,
    *,
    parameters: int | None = None,
) -> Limit:
    """Looks up the limit of one quantity for one stored type.

    Args:
        word: a tensor's type (Q4_K) or a file's (Q4_K_M), in any case.
        quantity: what was measured.
        overrides: the playbook's own limits, by ``quantity`` or, stronger, by ``word.quantity`` in lower case.
        parameters: size of the model, for quantities of its predictions; None means the strictest table.
    """
    known = canonical(word)
    own = _override(known, quantity, overrides or {})
    if own is not None:
        return own
    if quantity is Quantity.GOLDEN_KL:
        mean = limit_for(known, Quantity.KL_MEAN, parameters=parameters)
        return Limit(GOLDEN_FACTOR * mean.value + GOLDEN_ROUNDING, f"{GOLDEN_FACTOR:g} × KL_MEAN + float16 rounding")
    if quantity in OF_TENSORS:
        row = _MIXES.get(known, known)
        return _of(row, quantity, Size.TINY)
    return _of(known, quantity, size_of(parameters))


def stat_limit(word: str, role: Role, overrides: Mapping[str, float] | None = None) -> Limit:
    """The limit of STAT_DEVIATION for a tensor of that role: the role's tolerance and the type's own error."""
    own = _override(canonical(word), Quantity.STAT_DEVIATION, overrides or {})
    if own is not None:
        return own
    widening = limit_for(word, Quantity.STAT_DEVIATION)
    return Limit(
        ROLE_TOLERANCES[role] + widening.value,
        f"{ROLE_TOLERANCES[role]:g} for role {role.value} + {widening.value:.3g} for {canonical(word)}",
    )


def canonical(word: str) -> str:
    """The table's spelling of a type's name; an unknown one is an error.

    >>> canonical("q4-k-m")
    'Q4_K_M'
    """
    spelled = word.strip().upper().replace("-", "_")
    if spelled not in _MIXES and spelled not in MEASURED and spelled not in _EXACT:
        raise AprqaError(
            f"there is no limit for the stored type {word!r}; expected one of {', '.join(words())}; "
            "a type without a calibrated limit cannot be judged"
        )
    return "F32" if spelled in _EXACT else spelled


def words() -> tuple[str, ...]:
    """All words that have limits."""
    return tuple(sorted({*MEASURED, *_MIXES, *_EXACT}))


def size_of(parameters: int | None) -> Size:
    """The class of a model; an unknown size has the strictest limits.

    >>> size_of(None).value, size_of(135_000_000).value, size_of(2_000_000).value
    ('large', 'small', 'tiny')
    """
    if parameters is None or parameters >= LARGE:
        return Size.LARGE
    return Size.SMALL if parameters >= SMALL else Size.TINY


def _override(word: str, quantity: Quantity, overrides: Mapping[str, float]) -> Limit | None:
    for key in (f"{word.lower()}.{quantity.value}", quantity.value):
        if key in overrides:
            return Limit(float(overrides[key]), f"set by the playbook as {key}", quantity not in AT_LEAST)
    return None


def _of(word: str, quantity: Quantity, size: Size) -> Limit:
    at_most = quantity not in AT_LEAST
    stated = STARTING.get(quantity, {}).get(_MIXES.get(word, word), 0.0)
    if stated and size is Size.LARGE:
        return Limit(
            stated if at_most else 1.0 - stated, "starting value for models of 1B and more, not calibrated", at_most
        )
    cost, model = max(_cost(row, quantity, size) for row in _finer(_MIXES.get(word, word), quantity))
    floor = max(FLOORS.get(quantity, 0.0), stated)
    allowed = max(FACTOR * cost, floor)
    source = f"{FACTOR:g} × {cost:.3g} measured on {model}" if allowed > floor else "smallest limit of this quantity"
    return Limit(allowed if at_most else 1.0 - allowed, source, at_most)


def _finer(word: str, quantity: Quantity) -> tuple[str, ...]:
    """The rows that a limit of predictions rests on: the type's own, and those of finer K types."""
    if word not in _COARSER or quantity in OF_TENSORS:
        return (word,)
    return _COARSER[: _COARSER.index(word) + 1]


def _cost(word: str, quantity: Quantity, size: Size) -> tuple[float, str]:
    """Costs are distances from perfect: the quantity itself, or one minus it for cosines and agreements."""
    measured = MEASURED[word].get(quantity)
    if measured is None:
        raise AprqaError(f"there is no limit of {quantity.value} for the stored type {word}; expected a calibrated one")
    if size is Size.TINY and measured.tiny >= measured.small:
        return measured.tiny, f"aprqa-tiny in {word}"
    return measured.small, f"SmolLM2-135M in {word}"
