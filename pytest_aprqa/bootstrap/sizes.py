"""Size of a model → category, deadlines and floors of speed: one table.

The numbers are those that published playbooks of each size usually have, for a desktop's processor and a common gpu.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import AprqaError
from pytest_aprqa.playbook import SizeCategory

_UNITS: Final = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_TEXT: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)([KMBT])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Size:
    """What is usual for models of a size."""

    category: SizeCategory
    below: int
    """Parameters."""
    timeout_ms: int
    """For each request."""
    cpu_tokens: float
    """Least tokens per second."""
    gpu_tokens: float
    """The same; 0 where a common gpu cannot hold the model."""
    p99_ms: int
    """Largest time between two tokens, 99 of 100."""
    level: int
    """0-2: how hard the questions may be that even the original is to answer."""


SIZES: Final[tuple[Size, ...]] = (
    Size(SizeCategory.TINY, 10**9, 60_000, 20, 100, 200, 0),
    Size(SizeCategory.SMALL, 2 * 10**9, 90_000, 10, 80, 500, 1),
    Size(SizeCategory.MEDIUM, 4 * 10**9, 120_000, 5, 50, 1000, 1),
    Size(SizeCategory.LARGE, 10 * 10**9, 180_000, 3, 30, 3000, 2),
    Size(SizeCategory.XLARGE, 30 * 10**9, 300_000, 2, 15, 5000, 2),
    Size(SizeCategory.HUGE, 10**15, 600_000, 1, 0, 10_000, 2),
)
"""From the smallest; the boundaries are those of `SizeCategory`."""

BY_CATEGORY: Final[Mapping[SizeCategory, Size]] = {size.category: size for size in SIZES}


def size_of(parameters: int) -> Size:
    """The row of so many parameters.

    >>> size_of(494_032_768).category, size_of(7_615_616_512).category
    (<SizeCategory.TINY: 'tiny'>, <SizeCategory.LARGE: 'large'>)
    """
    return next((size for size in SIZES if parameters < size.below), SIZES[-1])


def parameters_of(text: str) -> int:
    """The number that a text such as ``0.5B`` or ``135M`` means.

    >>> parameters_of("0.5B"), parameters_of("135M")
    (500000000, 135000000)

    Raises:
        AprqaError: it is no number of parameters.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise AprqaError(f"expected a number of parameters such as 0.5B or 135M, found {text[:40]!r}")
    return round(float(match[1]) * _UNITS[match[2].upper()])


def in_words(parameters: int) -> str:
    """A number of parameters for people.

    >>> in_words(494_032_768), in_words(70_553_706_496)
    ('494M', '70.6B')
    """
    if parameters < 10**9:
        return f"{parameters / 10**6:.0f}M"
    return f"{parameters / 10**9:.1f}".removesuffix(".0") + "B"
