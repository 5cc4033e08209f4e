"""What records' details hold, taken out: a number, a mapping, or nothing; details are anybody's."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_aprqa.core import Json


def real(value: object) -> float | None:
    """A finite number that a detail holds as a number or as a text; None for anything else.

    >>> real("0.5"), real(True), real("nan"), real([1]), real(10**400)
    (0.5, None, None, None, None)
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | str)
        or (isinstance(value, str) and len(value) > 40)
    ):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def short_number(number: float | None) -> str:
    """Three digits, with an exponent where the number is very small or large.

    >>> short_number(0.0123456), short_number(1e-7), short_number(0.0), short_number(None)
    ('0.0123', '1e-07', '0', 'n/a')
    """
    return "n/a" if number is None else f"{number:.3g}"


def mapping(value: object) -> Mapping[str, Json]:
    """The value if it is a mapping, else an empty one: details are anybody's."""
    return value if isinstance(value, Mapping) else {}
