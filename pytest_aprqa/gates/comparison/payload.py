"""Judges of what flows through the modules of a model: finite, in range, alive, and a text at the end that is one.

Each names the first module, in order of computation, that is wrong: what comes after it only carries its fault on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pytest_aprqa.core import AprqaError, Finish, Format, Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.engines import ModuleKind, ModuleTrace
from pytest_aprqa.gates.comparison.measures import number, plain
from pytest_aprqa.gates.comparison.options import TRACED_TOKENS
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.side import Answered
from pytest_aprqa.gates.comparison.traces import Traced, counterparts, speaker, trace, truth
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.oracles import find_garbage

Modules = Mapping[str, ModuleTrace]

_RANGE: Final = 4.0
"""A healthy quantization moves a module's root mean square by a few percent; a lost norm or scale by a factor."""
_BEYOND_TRUTH: Final = 10.0
"""Times the ground truth's largest value in the same module: the largest value is one value, and moves more."""
_HALF_LARGEST: Final = 65504.0
"""Largest finite float16."""
_WIDE_LARGEST: Final = 1e7
"""For types with float32's range: 24,900 was measured of SmolLM2-135M-Instruct; larger models were not measured, hence
the room."""
_LEAPS: Final = {
    ModuleKind.NORM: 100.0,
    ModuleKind.ATTENTION: 1e3,
    ModuleKind.MLP: 1e4,
    ModuleKind.LAYER: 1e4,
}
"""Largest value of a module over that of the one before it of its kind. Healthy models leap too: SmolLM2-135M-Instruct,
where its massive activations begin, 395 times (mlp) and 253 times (layer), 30 times (attention), 8 times (norm);
aprqa-tiny 3.6 times at most. Larger models were not measured, hence the room."""
_SAME: Final = 1e-5
"""Spread over root mean square below which an output is the same at every token but for rounding; the least of a
healthy module is 0.22, in the attention of SmolLM2-135M-Instruct."""
_SHOWN: Final = 8
"""Modules in the details."""


class Fault(NamedTuple):
    """What is wrong with one module."""

    module: str
    sentence: str


def judge_finite(pair: Pair) -> Verdict:
    """F-TRACE-PAYLOAD-001."""
    traced = trace(pair)
    faults = [
        Fault(name, f"gives {module.nan} values that are NaN and {module.inf} that are infinite")
        for name, module in traced.modules.items()
        if module.nan or module.inf
    ]
    return _verdict(traced, faults, "are finite")


def judge_range(pair: Pair) -> Verdict:
    """F-TRACE-PAYLOAD-003: the root mean square of every output is the ground truth's, within a factor."""
    traced = trace(pair)
    ours = counterparts(truth(pair), traced.modules)
    ratios = {name: _ratio(module.rms, traced.modules[name].rms) for name, module in ours.items()}
    if not ratios:
        return inconclusive("no module was traced that the ground truth has too")
    faults = [
        Fault(name, f"is {number(ratio)} times as large as the ground truth's, limit 1/{_RANGE:g} to {_RANGE:g}")
        for name, ratio in ratios.items()
        if not 1 / _RANGE <= ratio <= _RANGE
    ]
    least, most = (pick(ratios, key=lambda name: ratios[name]) for pick in (min, max))
    span = f"are {number(ratios[least])} ({least}) to {number(ratios[most])} ({most}) times the ground truth's"
    return _verdict(traced, faults, span, compared=len(ratios), least=plain(ratios[least]), most=plain(ratios[most]))


def judge_explosion(pair: Pair) -> Verdict:
    """F-TRACE-006: against the ground truth's same module, or for the ground truth itself against the one before."""
    traced = trace(pair)
    ours = counterparts(_known_truth(pair), traced.modules)
    faults = _beyond_truth(ours, traced.modules) if ours else _leaps(traced.modules, _largest_finite(pair))
    name = max(traced.modules, key=lambda name: traced.modules[name].max_abs, default="nothing")
    top = traced.modules[name].max_abs if name in traced.modules else 0.0
    of = "of the ground truth's" if ours else "of the modules before them"
    return _verdict(traced, faults, f"stay within reach {of}; the largest value is {number(top)}, in {name}")


def judge_alive(pair: Pair) -> Verdict:
    """F-TRACE-DEAD-001: zeros only, or the same at every token though the tokens differ."""
    traced = trace(pair)
    row = speaker(pair).lead.trace_row
    several = len(set(row)) > 1
    faults = [
        Fault(name, sentence)
        for name, module in traced.modules.items()
        if module.kind is not ModuleKind.OTHER and (sentence := _dead(module, several=several))
    ]
    return _verdict(traced, faults, f"are neither zero nor the same at {len(row)} tokens")


def judge_text(pair: Pair) -> Verdict:
    """F-TRACE-PAYLOAD-002: garbage by the oracle of that name, unless the ground truth says as much."""
    said = speaker(pair).continued
    prompt, text, tokens = pair.options.trace_prompt, said.texts[0], len(said.tokens[0])
    found = _garbage(pair, said)
    if not found:
        return corroborated(
            f"{tokens} tokens after {prompt!r} are no garbage: {text[:60]!r}", compared=tokens, text=text
        )
    if pair.format is Format.SAFETENSORS and tokens <= 1:
        return inconclusive(f"after {prompt!r} the model stops at once, which is no text to judge")
    if pair.format is not Format.SAFETENSORS and (same := _truths_garbage(pair)):
        return inconclusive(f"the text after {prompt!r} is garbage ({found}), and so is the ground truth's ({same})")
    return falsified(f"the text after {prompt!r} is garbage: {found}", compared=max(tokens, 1), text=text)


def _garbage(pair: Pair, said: Answered) -> str | None:
    finish = Finish.LENGTH if len(said.tokens[0]) >= TRACED_TOKENS else Finish.STOP
    return find_garbage(said.texts[0], prompt=pair.options.trace_prompt, finish=finish)


def _truths_garbage(pair: Pair) -> str | None:
    try:
        return _garbage(pair, pair.ours.continued)
    except Unjudgeable:
        return None


def _known_truth(pair: Pair) -> Modules:
    """The ground truth's modules, for a conversion whose ground truth can be asked."""
    if pair.format is Format.SAFETENSORS:
        return {}
    try:
        return truth(pair)
    except (AprqaError, Unjudgeable):
        return {}


def _beyond_truth(ours: Modules, theirs: Modules) -> list[Fault]:
    return [
        Fault(
            name,
            f"reaches {number(module.max_abs)}, the ground truth's {number(ours[name].max_abs)}, limit "
            f"{_BEYOND_TRUTH:g} times that",
        )
        for name, module in theirs.items()
        if name in ours and 0 < _BEYOND_TRUTH * ours[name].max_abs < module.max_abs
    ]


def _leaps(modules: Modules, largest: float) -> list[Fault]:
    """Modules beyond the range of their type, or far beyond the one before of their kind."""
    faults, before = [], dict[ModuleKind, tuple[str, float]]()
    for name, module in modules.items():
        earlier, height = before.get(module.kind, ("", 0.0))
        if module.max_abs > largest:
            faults.append(Fault(name, f"reaches {number(module.max_abs)}, limit {largest:g}"))
        elif height and module.max_abs > (limit := _LEAPS.get(module.kind, 0.0)) * height and limit:
            leap = f"{number(module.max_abs / height)} times {earlier}, limit {limit:g}"
            faults.append(Fault(name, f"reaches {number(module.max_abs)}, {leap}"))
        before[module.kind] = (name, module.max_abs)
    return faults


def _largest_finite(pair: Pair) -> float:
    """What the type that the weights are stored in can hold, with which they may be computed anywhere."""
    types = {view.entry.dtype for view in pair.artefact.tensors.values()}
    return _HALF_LARGEST if types and types <= {"F16"} else _WIDE_LARGEST


def _dead(module: ModuleTrace, *, several: bool) -> str:
    if module.zero_fraction == 1.0:
        return "gives nothing but zeros"
    finite = not module.nan and not module.inf
    if several and finite and module.spread <= _SAME * module.rms:
        return f"gives the same at every token: spread {number(module.spread)}, root mean square {number(module.rms)}"
    return ""


def _verdict(
    traced: Traced, faults: Sequence[Fault], sound: str, *, compared: int | None = None, **details: Json
) -> Verdict:
    """Falsified by the first fault, which comes first in the computation."""
    count = len(traced.modules) if compared is None else compared
    if not faults:
        return corroborated(
            f"{count} modules, traced {traced.where}, {sound}", compared=count, traced=traced.where, **details
        )
    first = faults[0]
    return falsified(
        f"{first.module} {first.sentence}; the first of {len(faults)} such modules of {count}, traced {traced.where}",
        compared=count,
        first_module=first.module,
        modules=[fault.module for fault in faults[:_SHOWN]],
        traced=traced.where,
        **details,
    )


def _ratio(ours: float, theirs: float) -> float:
    if ours == 0:
        return 1.0 if theirs == 0 else float("inf")
    return theirs / ours
