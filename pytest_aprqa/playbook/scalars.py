"""What an unquoted YAML scalar means: the core schema of YAML 1.2, section 10.3.2, less its non-finite numbers.

So ``1e-5`` is a number, ``on``, ``12:30``, ``2026-01-30``, ``0o17`` and ``0x1F`` are texts, and ``010`` is ten.
"""

from __future__ import annotations

import re
from typing import Final

MAX_DIGITS: Final = 100
"""No number in a playbook needs more; Python's own limit of 4,300 would raise, and quadratic time comes before."""

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar; ValueError for a number that is none.

    >>> [resolve(text) for text in ("1e-5", "010", "TRUE", "yes", "12:30", "~")]
    [1e-05, 10, True, 'yes', '12:30', None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("the number is not finite")
    if not _FLOAT.fullmatch(text):
        return text
    if len(text) > MAX_DIGITS:
        raise ValueError(f"the number has more than {MAX_DIGITS} digits")
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("the number is not finite")
    return number
