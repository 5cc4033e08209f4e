"""Makes any value plain: JSON types only, finite numbers, encodable text.

What an engine or a judge hands over may hold a path, a NaN or half a surrogate pair; one such value would break a file
or a worker's channel. Knows nothing of records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from pytest_aprqa.core import Json

MAX_DEPTH: Final = 32
"""Nesting of `plain_json` values; what lies deeper becomes text. Pydantic refuses JSON deeper than about 200."""


def plain_text(text: str) -> str:
    r"""The text with lone surrogates, which UTF-8 cannot hold, spelled out.

    >>> plain_text("a\ud800b")
    'a\\ud800b'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_json(value: object, *, depth: int = 0) -> Json:
    """The value as plain JSON: non-finite numbers and foreign objects become their text, sets are sorted.

    >>> plain_json({"nan": float("nan"), 1: (2, True), "set": {"b", "a"}})
    {'nan': 'nan', '1': [2, True], 'set': ['a', 'b']}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return plain_text(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return _plain_container(value, depth)


def _plain_container(value: object, depth: int) -> Json:
    if depth >= MAX_DEPTH:
        return "(nested too deeply)"
    if isinstance(value, Mapping):
        return {plain_text(str(key)): plain_json(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return [plain_json(item, depth=depth + 1) for item in sorted(value, key=str)]
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain_json(item, depth=depth + 1) for item in value]
    return plain_text(str(value))
