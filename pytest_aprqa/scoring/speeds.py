"""Speeds that were measured: the registry's six columns, and the baseline of a later run. Pure.

Any record of a gate on speed carries the whole measurement, whatever the gate came to: a slow model's speed was
measured too. What was not measured is None, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from pytest_aprqa.core import GATES, Backend, Category, Format, Json
from pytest_aprqa.evidence import Evidence, Record

_SHORT: Final = {Format.GGUF: "gguf", Format.APR: "apr", Format.SAFETENSORS: "st"}
TPS_COLUMNS: Final[Mapping[str, tuple[Format, Backend]]] = {
    f"tps_{short}_{backend}": (format, backend) for format, short in _SHORT.items() for backend in Backend
}
"""The registry's columns, in its order."""


def tps_columns(records: Iterable[Record]) -> dict[str, float | None]:
    """Tokens per second while decoding, by column, one decimal; of several quantizations the fastest.

    The registry has one column for all quantizations and does not say which; the fastest is what the format can do.
    """
    fastest: dict[tuple[Format, Backend], float] = {}
    for record, speed in _latest(records).values():
        rate = _rate(speed)
        if record.format is None or record.backend is None or rate is None:
            continue
        place = record.format, record.backend
        fastest[place] = max(rate, fastest.get(place, 0.0))
    return {name: _rounded(fastest.get(place)) for name, place in TPS_COLUMNS.items()}


def speeds_of(evidence: Evidence) -> dict[str, dict[str, Json]]:
    """What was measured of each target, by its id: a baseline for a later run."""
    return {target_id: speed for target_id, (_, speed) in _latest(evidence.records).items()}


def _latest(records: Iterable[Record]) -> dict[str, tuple[Record, dict[str, Json]]]:
    """The measurement of each target with the most answers: one that was repeated holds the one before it."""
    found: dict[str, tuple[Record, dict[str, Json]]] = {}
    for record in records:
        speed, target_id = _speed(record), record.target_id
        if speed is None or target_id is None:
            continue
        if target_id not in found or _answers(speed) >= _answers(found[target_id][1]):
            found[target_id] = record, speed
    return found


def _speed(record: Record) -> dict[str, Json] | None:
    gate = GATES.get(record.gate_id)
    speed = record.details.get("speed")
    if gate is None or gate.category is not Category.PERF or not isinstance(speed, dict):
        return None
    return dict(speed)


def _answers(speed: Mapping[str, Json]) -> float:
    answers = speed.get("answers")
    return answers if isinstance(answers, int) else 0


def _rate(speed: Mapping[str, Json]) -> float | None:
    decoding = speed.get("decode_tok_per_s")
    value = decoding.get("value") if isinstance(decoding, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    return float(value)


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)
