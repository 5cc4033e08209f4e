"""What was measured of each target, as a row of texts: the same for the terminal and for Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.scoring import speeds_of

SPEED_HEADER: Final = ("target", "decode tok/s", "ttft ms", "p50 / p99 ms", "peak MiB", "load s")
SPEED_LEGEND: Final = "95 % interval in brackets, p50 and p99 of the time between tokens"


def speed_rows(evidence: Evidence) -> list[tuple[str, ...]]:
    """One row for each target that was measured, in the columns of `SPEED_HEADER`."""
    return [(target_id, *_cells(speed)) for target_id, speed in speeds_of(evidence).items()]


def _cells(speed: Mapping[str, Json]) -> tuple[str, ...]:
    median, slow = (_value(speed.get(f"between_tokens_{name}_ms")) for name in ("p50", "p99"))
    return (
        _interval(speed.get("decode_tok_per_s")),
        _number(_value(speed.get("ttft_ms"))),
        f"{_number(median)} / {_number(slow)}",
        _number(_scaled(speed.get("peak_rss_bytes"), 2**20)),
        _number(_scaled(speed.get("load_ms"), 1000)),
    )


def _interval(estimate: Json) -> str:
    """A number with its interval, where both ends are known.

    >>> _interval({"value": 12.345, "low": 11.0, "high": None})
    '12.3'
    """
    if not isinstance(estimate, Mapping):
        return "-"
    low, high = estimate.get("low"), estimate.get("high")
    known = isinstance(low, int | float) and isinstance(high, int | float)
    interval = f" [{_number(low)}, {_number(high)}]" if known else ""
    return f"{_number(estimate.get('value'))}{interval}"


def _value(estimate: Json) -> Json:
    return estimate.get("value") if isinstance(estimate, Mapping) else None


def _scaled(number: Json, unit: int) -> Json:
    return number / unit if isinstance(number, int | float) else None


def _number(number: Json) -> str:
    """Three digits, without an exponent.

    >>> _number(1234.5), _number(12.345), _number(0.01234), _number(None)
    ('1234', '12.3', '0.0123', '-')
    """
    if not isinstance(number, int | float):
        return "-"
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:#.3g}".rstrip(".")
