"""Are the tensors those of the architecture? Names and shapes, by the table where it has them, else layer by layer.

The embedding and the head have gates of their own and are not counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pytest_aprqa.core import Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.formats import TensorEntry
from pytest_aprqa.gates.architecture import Architecture, expected_shape
from pytest_aprqa.gates.structure import excerpt
from pytest_aprqa.gates.subject import Subject


class Wanted(NamedTuple):
    """A tensor that should be there."""

    name: str
    entry: TensorEntry | None
    """What is there under this name."""
    shape: tuple[int, ...] | None
    """None where config.json does not say enough."""


def judge_inventory(subject: Subject) -> Verdict:
    """Names and shapes of all layers, and of the final norm."""
    architecture = subject.architecture
    return _by_uniformity(subject) if architecture is None else _by_table(subject, architecture)


def _by_table(subject: Subject, architecture: Architecture) -> Verdict:
    wanted = _wanted(subject, architecture)
    missing = [item.name for item in wanted if item.entry is None]
    misshapen = [
        f"{item.name} is {list(item.entry.shape)}, should be {list(item.shape)}"
        for item in wanted
        if item.entry is not None and item.shape is not None and item.entry.shape != item.shape
    ]
    known = architecture.layer_tensors(subject.settings)
    declared = subject.sizes.layers or 0
    foreign = [
        entry.name
        for number, layer in subject.layers.items()
        for rest, entry in layer.items()
        # Scales of quantized weights and the like are not the engine's to lose.
        if number < declared and rest not in known and rest.endswith((".weight", ".bias"))
    ]
    compared = len(wanted) + len(foreign)
    problems = [
        *([f"{len(missing)} tensors are missing, such as {missing[0]}"] if missing else []),
        *([f"{len(misshapen)} have the wrong shape: {misshapen[0]}"] if misshapen else []),
        *(
            [f"{len(foreign)} are not of this architecture and would be ignored, such as {foreign[0]}"]
            if foreign
            else []
        ),
    ]
    if problems:
        return falsified(
            "; ".join(problems),
            compared=compared,
            missing=excerpt(missing),
            misshapen=excerpt(misshapen),
            foreign=excerpt(foreign),
        )
    return corroborated(
        f"{compared} names and shapes are those of {subject.settings.get('model_type')}", compared=compared
    )


def _wanted(subject: Subject, architecture: Architecture) -> list[Wanted]:
    sizes, tensors, layers = subject.sizes, subject.tensors, subject.layers
    per_layer = architecture.layer_tensors(subject.settings)
    wanted = [
        Wanted(f"layers.{number}.{rest}", layers.get(number, {}).get(rest), expected_shape(shape, sizes))
        for number in range(sizes.layers or 0)
        for rest, shape in per_layer.items()
    ]
    for name, shape in architecture.final.items():
        # Multimodal checkpoints put a prefix before the language model's names.
        entry = next((tensors[full] for full in tensors if full == name or full.endswith(f".{name}")), None)
        wanted.append(Wanted(name, entry, expected_shape(shape, sizes)))
    return wanted


def _by_uniformity(subject: Subject) -> Verdict:
    """Without a table: layers that are all alike speak for themselves; layers that differ may be meant to."""
    kinds = Counter(_outline(layer) for layer in subject.layers.values())
    compared = sum(len(layer) for layer in subject.layers.values())
    model_type = subject.settings.get("model_type")
    if len(kinds) > 1:
        return inconclusive(
            f"the tensors of {model_type!r} are not in our table, and its layers are of {len(kinds)} kinds",
            layers_of_commonest_kind=max(kinds.values()),
        )
    return corroborated(
        f"the tensors of {model_type!r} are not in our table; names and shapes are the same in all layers",
        compared=compared,
    )


def _outline(layer: Mapping[str, TensorEntry]) -> frozenset[tuple[str, tuple[int, ...]]]:
    return frozenset((name, entry.shape) for name, entry in layer.items())
