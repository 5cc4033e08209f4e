"""The ratios of one target's speeds, by the rules of the gates that compare speeds with a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.speed.numbers import ratio_of
from pytest_aprqa.gates.speed.plain_speed import BETWEEN, FIRST, RATE, refuse_other_circumstances, samples_of
from pytest_aprqa.regression.speeds import SpeedDelta, SpeedRatio

_WORDS: Final[Mapping[str, str]] = {
    RATE: "tokens per second while decoding",
    FIRST: "time to the first token",
    BETWEEN: "median time between tokens",
}


def delta_of(target_id: str, then: Mapping[str, Json], now: Mapping[str, Json]) -> SpeedDelta:
    """How one target's speed changed, or why that cannot be told."""
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
