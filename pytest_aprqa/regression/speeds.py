"""How fast the later run was by the earlier one's measure: ratios with 95 % intervals. Pure.

Only where both measured the same work in the same place; a version of an engine may differ, it is on trial.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.speed.numbers import ratio_of
from pytest_aprqa.gates.speed.plain_speed import BETWEEN, FIRST, RATE, refuse_other_circumstances, samples_of
from pytest_aprqa.scoring import speeds_of

_WORDS: Final[Mapping[str, str]] = {
    RATE: "tokens per second while decoding",
    FIRST: "time to the first token",
    BETWEEN: "median time between tokens",
}


@dataclass(frozen=True, slots=True)
class SpeedRatio:
    """One quantity, after over before."""

    name: str
    """``decode_tok_per_s``, ``ttft_ms`` or ``between_tokens_p50_ms``."""
    words: str
    """The same in plain words."""
    is_rate: bool
    """True where more is better, False for a time."""
    ratio: float
    low: float
    """Lower end of the 95 % interval."""
    high: float | None
    """Upper end; None where there are too few answers to know it."""


@dataclass(frozen=True, slots=True)
class SpeedDelta:
    """One target's speed in both runs."""

    target_id: str
    ratios: tuple[SpeedRatio, ...]
    """Empty where the two cannot be compared."""
    problem: str
    """Why they cannot be; empty where they can."""


def speed_deltas(before: Evidence, after: Evidence) -> tuple[SpeedDelta, ...]:
    """One for each target that both runs measured."""
    then, now = speeds_of(before), speeds_of(after)
    return tuple(_delta(target_id, then[target_id], now[target_id]) for target_id in sorted(set(then) & set(now)))


def _delta(target_id: str, then: Mapping[str, Json], now: Mapping[str, Json]) -> SpeedDelta:
    try:
        refuse_other_circumstances(_whole(now), then, whose="the earlier measurement")
        ratios = tuple(_ratio(name, then, now) for name in _WORDS)
    except Unjudgeable as exc:
        return SpeedDelta(target_id, (), str(exc))
    return SpeedDelta(target_id, ratios, "")


def _whole(now: Mapping[str, Json]) -> Mapping[str, Json]:
    """What was measured, with everything that is asked of it; what an older version did not say is held to nothing."""
    names = ("model", "format", "quantization", "prompt_tokens", "tokens")
    places = ("backend", "engine", "device", "dtype", "threads", "machine")
    return {name: now.get(name, "") for name in (*names, *places)}


def _ratio(name: str, then: Mapping[str, Json], now: Mapping[str, Json]) -> SpeedRatio:
    found = ratio_of(samples_of(now, name, whose="the later run"), samples_of(then, name, whose="the earlier run"))
    high = found.high if math.isfinite(found.high) else None
    return SpeedRatio(name, _WORDS[name], name == RATE, found.value, found.low, high)
