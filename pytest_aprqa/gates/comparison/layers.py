"""The direction of the layers' outputs: the artefact's tensors in the ground truth's architecture, layer by layer.

A GGUF is converted to a folder first: what is judged is what its tensors compute, not what its engine makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pytest_aprqa.core import (
    EngineOutOfMemory,
    EngineUnavailable,
    Format,
    Json,
    Verdict,
    corroborated,
    falsified,
    inconclusive,
)
from pytest_aprqa.gates.comparison.chains import converted
from pytest_aprqa.gates.comparison.measures import limit_of, measure, number
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.stored_types import word_of
from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.parity import Quantity, layer_cosines

Layers = Mapping[str, NDArray[Any]]


def trace(pair: Pair) -> Layers:
    """The output of every layer with the artefact's tensors."""
    return once(pair.memory, "trace", lambda: _trace(pair))


def _trace(pair: Pair) -> Layers:
    if pair.format is Format.APR and pair.artefact_instruments is not None:
        return pair.theirs.activations
    if pair.traced is None:
        raise Unjudgeable("no engine that shows its layers was given")
    folder = converted(pair, pair.path, (pair.format, Format.SAFETENSORS)).path
    row = pair.ours.trace_row
    try:
        return dict(pair.traced(folder).activations(row))
    except (EngineUnavailable, EngineOutOfMemory) as exc:
        raise Unjudgeable(f"the layers could not be computed: {exc}") from exc


def cosines_of(pair: Pair) -> dict[str, float]:
    """The cosine of every output with the ground truth's, in the order of computation."""
    found = layer_cosines(pair.ours.activations, trace(pair))
    return {name: found[name] for name in sorted(found, key=place)}


def judge_direction(pair: Pair) -> Verdict:
    """F-TRACE-DIFF-001: the first layer whose output turns away from the ground truth's is named."""
    cosines = cosines_of(pair)
    names = list(cosines)
    if not names:
        return inconclusive("no layer could be compared")
    limit = limit_of(word_of(pair), Quantity.HIDDEN_COSINE, pair.limits, parameters=pair.parameters)
    details: dict[str, Json] = {"cosines": {name: number(value) for name, value in cosines.items()}}
    first = next((name for name, value in cosines.items() if not limit.holds(value)), None)
    if first is not None:
        one = measure("cosine", cosines[first], limit)
        return falsified(
            f"the outputs part at {first}: {one.sentence}",
            compared=len(names),
            first_layer=first,
            **one.details,
            **details,
        )
    least = min(cosines, key=lambda name: cosines[name])
    one = measure("cosine", cosines[least], limit)
    return corroborated(
        f"{len(names)} outputs keep their direction; least at {least}: {one.sentence}",
        compared=len(names),
        **one.details,
        **details,
    )


def place(name: str) -> tuple[int, int]:
    """Order of the outputs: embedding, layers by number, final norm.

    >>> sorted(["final_norm", "layer.10", "layer.2", "embedding"], key=place)
    ['embedding', 'layer.2', 'layer.10', 'final_norm']
    """
    match = re.fullmatch(r"layer\.(\d+)", name)
    return (1, int(match[1])) if match else (0 if name == "embedding" else 2, 0)
