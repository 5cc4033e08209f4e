"""Numbers as people write them: digits, thousands separators, decimals, and number words up to ninety-nine.

Values are exact fractions, so that 0.1 + 0.2 is 0.3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from pytest_aprqa.core import Json

MAX_DIGITS: Final = 60
"""Longer digit strings are not read as numbers."""
DIGITS: Final = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
"""Pattern of an unsigned number; what may stand beside it is the caller's question."""

_ONES: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_TEENS: Final = ("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_SMALL: Final = {word: value for value, word in enumerate((*_ONES, *_TEENS))}
_TENS: Final = {
    word: 10 * value
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}


def number_of(digits: str) -> Fraction | None:
    """The value of a string of digits, None for one that is too long.

    >>> number_of("1,000"), number_of(".5")
    (Fraction(1000, 1), Fraction(1, 2))
    """
    plain = digits.replace(",", "")
    return Fraction(plain) if len(plain) <= MAX_DIGITS else None


def number_word(word: str) -> int | None:
    """The value of one number word.

    >>> number_word("four"), number_word("Twenty-one"), number_word("well-known")
    (4, 21, None)
    """
    first, _, second = word.casefold().partition("-")
    if not second:
        return _SMALL.get(first, _TENS.get(first))
    tens, ones = _TENS.get(first), _SMALL.get(second, 0)
    return tens + ones if tens is not None and 0 < ones < 10 else None


def spelled(words: Sequence[str]) -> int | None:
    """The value of two words that make one number.

    >>> spelled(["twenty", "one"]), spelled(["four", "five"])
    (21, None)
    """
    return number_word("-".join(words)) if len(words) == 2 and "-" not in "".join(words) else None


def expected_number(expected: Json) -> Fraction | None:
    """The number that a playbook expects, None where it expects something else.

    >>> expected_number("1,000"), expected_number("four"), expected_number(True)
    (Fraction(1000, 1), Fraction(4, 1), None)
    """
    if isinstance(expected, bool):
        return None
    if isinstance(expected, (int, float)):
        return Fraction(str(expected)) if abs(expected) < 10**MAX_DIGITS else None  # false for NaN as well
    if not isinstance(expected, str):
        return None
    text = expected.strip()
    if re.fullmatch(rf"[-−+]?(?:{DIGITS})", text):
        value = number_of(text.lstrip("-−+"))
        return -value if value is not None and text[0] in "-−" else value
    word = number_word(text)
    return None if word is None else Fraction(word)


def shown(value: Fraction) -> str:
    """A value as people write it.

    >>> shown(Fraction(4)), shown(Fraction(3, 10)), shown(Fraction(10, 3))
    ('4', '0.3', '3.33333')
    """
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6g}"
