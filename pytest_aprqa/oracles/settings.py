"""Typed reading of an oracle's configuration values.

Playbooks quote numbers and booleans freely, so ``"0.3"`` is a number and ``"true"`` a boolean here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_aprqa.core import Json


def read_number(config: Mapping[str, Json], key: str, default: float, *, low: float = 0.0, high: float = 1e12) -> float:
    """The number under `key`, `low` to `high`.

    >>> read_number({"tolerance": "1e-5"}, "tolerance", 0.01)
    1e-05
    """
    value = config.get(key, default)
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # any type may come
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise ValueError(f"{key}: expected a number from {low:g} to {high:g}, found {value!r}")
    return number


def read_flag(config: Mapping[str, Json], key: str, *, default: bool) -> bool:
    """The boolean under `key`."""
    value = config.get(key, default)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError(f"{key}: expected true or false, found {value!r}")
    return value


def read_text(config: Mapping[str, Json], key: str) -> str | None:
    """The text under `key`, or None where it is absent."""
    value = config.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key}: expected a text, found {value!r}")
    return value


def read_texts(config: Mapping[str, Json], key: str) -> tuple[str, ...]:
    """The texts under `key`; a single text or number stands for a list of one, and an absent key for none."""
    value = config.get(key)
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, (str, int, float)) or item == "" for item in items):
        raise ValueError(f"{key}: expected a list of non-empty texts, found {value!r}")
    return tuple(str(item) for item in items)
