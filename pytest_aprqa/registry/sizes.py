"""Parameter counts as the registry writes them (``135M``, ``7B``), and the size words that they stand for."""

from __future__ import annotations

import re
from typing import Final

from pytest_aprqa.core import AprqaError

_FORM: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([KMBT])", re.IGNORECASE)
_BILLIONS: Final = {"K": 1e-6, "M": 1e-3, "B": 1.0, "T": 1e3}
_BOUNDARIES: Final = ((1.0, "tiny"), (3.0, "small"), (6.0, "medium"), (12.0, "large"), (40.0, "xlarge"))
"""Billions of parameters below which a word holds; from the last one on it is `huge`."""

SIZES: Final = (*(word for _, word in _BOUNDARIES), "huge")
"""The size words, from the smallest."""


def billions_of(parameters: str) -> float | None:
    """Billions of parameters; None where the text is none of ``135M``, ``0.5B`` and the like.

    >>> billions_of("135M"), billions_of("7b"), billions_of("many")
    (0.135, 7.0, None)
    """
    found = _FORM.fullmatch(parameters.strip())
    return None if found is None else round(float(found[1]) * _BILLIONS[found[2].upper()], 9)


def size_of(parameters: str) -> str:
    """Size word of a parameter count.

    Raises:
        AprqaError: the text is not a count.

    >>> [size_of(text) for text in ("999M", "1B", "3B", "6B", "12B", "40B")]
    ['tiny', 'small', 'medium', 'large', 'xlarge', 'huge']
    """
    billions = billions_of(parameters)
    if billions is None:
        raise AprqaError(f"parameters: expected a count such as 135M or 7B, found {parameters[:40]!r}")
    return next((word for below, word in _BOUNDARIES if billions < below), "huge")
