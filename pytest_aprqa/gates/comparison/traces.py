"""What every module of a model gives for one prompt, in order of computation, by the artefact and by the ground truth.

An artefact is traced in its own engine; where that shows no modules, its tensors are, in the ground truth's
architecture. SafeTensors are the ground truth, and traced alone. Knows no verdict.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Format
from pytest_aprqa.engines import Instruments, ModuleKind, ModuleTrace
from pytest_aprqa.gates.comparison.chains import converted
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.side import Side
from pytest_aprqa.gates.measured import Unjudgeable, once

_NUMBER: Final = re.compile(r"-(\d+)$|(?:^|\.)(\d+)(?:\.|$)")
"""The layer's number in a name: llama.cpp's ``ffn_out-1``, a checkpoint's ``model.layers.1.mlp``."""


@dataclass(frozen=True, slots=True)
class Traced:
    """The modules of one model."""

    modules: Mapping[str, ModuleTrace]
    """By name, in order of computation; one that is run again has a number after its name."""
    where: str
    """Such as ``in its own engine``."""


def trace(pair: Pair) -> Traced:
    """What the artefact's modules give."""
    return once(pair.memory, "module traces", lambda: _trace(pair))


def truth(pair: Pair) -> Mapping[str, ModuleTrace]:
    """What the ground truth's modules give."""
    return _by_name(pair.ours.trace)


def counterparts(ours: Mapping[str, ModuleTrace], theirs: Mapping[str, ModuleTrace]) -> dict[str, ModuleTrace]:
    """What the ground truth gives in the place of each of the artefact's modules, by the artefact's names.

    Programs name their modules otherwise, so that layer and kind say what belongs together. Where one shows more steps
    of an attention or an mlp, the last one is its output; norms of another number cannot be told apart. An embedding is
    scaled in one program's module and after the other's, so that it has a counterpart of its own name only.
    """
    mine, found = _places(ours), dict[str, ModuleTrace]()
    for (layer, kind), names in _places(theirs).items():
        others = mine.get((layer, kind), [])
        if kind is ModuleKind.EMBEDDING:
            pairs = [(name, name) for name in names if name in ours]
        elif len(names) == len(others):
            pairs = [*zip(names, others, strict=True)]
        else:
            pairs = [(names[-1], others[-1])] if others and kind is not ModuleKind.NORM else []
        found.update({name: ours[other] for name, other in pairs})
    return {name: found[name] for name in theirs if name in found}


def speaker(pair: Pair) -> Side:
    """The side that is judged: the artefact's, or the ground truth by its own tokenizer, where it is the artefact."""
    if pair.format is not Format.SAFETENSORS:
        return pair.theirs
    return once(pair.memory, "the model itself", lambda: _side(pair, _own_engine(pair)))


def _trace(pair: Pair) -> Traced:
    try:
        return Traced(_by_name(speaker(pair).trace), "in its own engine")
    except Unjudgeable:
        if pair.format is Format.SAFETENSORS or pair.traced is None:
            raise
    side = _side(pair, lambda: _in_the_truths_engine(pair), leader=pair.ours)
    return Traced(_by_name(side.trace), "with its tensors in the ground truth's architecture")


def _own_engine(pair: Pair) -> Callable[[], Instruments] | None:
    return pair.artefact_instruments or pair.reference_instruments


def _in_the_truths_engine(pair: Pair) -> Instruments:
    assert pair.traced is not None
    return pair.traced(converted(pair, pair.path, (pair.format, Format.SAFETENSORS)).path)


def _side(pair: Pair, open: Callable[[], Instruments] | None, *, leader: Side | None = None) -> Side:
    return Side(
        "the artefact", open, pair.options, pair.context_tokens, pair.ours.vocabulary, pair.ours.specials, leader=leader
    )


def _places(modules: Mapping[str, ModuleTrace]) -> dict[tuple[str, ModuleKind], list[str]]:
    """Names by layer and kind; what is in no layer has no number."""
    found = defaultdict[tuple[str, ModuleKind], list[str]](list)
    for name, module in modules.items():
        match = _NUMBER.search(module.name)
        found[(match[1] or match[2]) if match else "", module.kind].append(name)
    return found


def _by_name(modules: Iterable[ModuleTrace]) -> dict[str, ModuleTrace]:
    seen: Counter[str] = Counter()
    found = {}
    for module in modules:
        seen[module.name] += 1
        times = seen[module.name]
        found[module.name if times == 1 else f"{module.name} ({times})"] = module
    return found
