"""A kernel profile: from config.json alone, which operations a model exercises and which questions stress each.

Pure. Every operation carries the fact that says so; what the configuration leaves open is told, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from pytest_aprqa.core import Json, Quantization
from pytest_aprqa.kernels.attention import attention, qk_norm, slides, window
from pytest_aprqa.kernels.facts import Facts, facts_of
from pytest_aprqa.kernels.layers import activation, bias, experts, norm, residual
from pytest_aprqa.kernels.operation import Aspect, Findings, Operation, Unknown
from pytest_aprqa.kernels.output import fused, head, quantized, scaling, vocabulary
from pytest_aprqa.kernels.position import context, position
from pytest_aprqa.kernels.reading import Reading, language_part
from pytest_aprqa.kernels.stress import Stress, Topic, stresses_of

_NOTHING: Final[Mapping[str, Json]] = {}


@dataclass(frozen=True, slots=True)
class KernelProfile:
    """What an engine has to compute for a model."""

    model_type: str
    """Empty where the configuration names none."""
    facts: Facts
    operations: tuple[Operation, ...]
    unknown: tuple[Unknown, ...]
    stresses: tuple[Stress, ...]

    def does(self, name: str) -> bool:
        """Whether the model is known to exercise an operation."""
        return any(operation.name == name for operation in self.operations)

    def weight(self, topic: Topic) -> int:
        """How many operations a topic stresses."""
        return len({stress.operation for stress in self.stresses if stress.topic is topic})

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {
            "model_type": self.model_type,
            "facts": asdict(self.facts),
            "operations": [{**asdict(each), "aspect": str(each.aspect)} for each in self.operations],
            "unknown": [{"aspect": str(each.aspect), "why": each.why} for each in self.unknown],
            "stresses": [{**asdict(each), "topic": str(each.topic)} for each in self.stresses],
        }


def profile_of(
    config: Mapping[str, Json],
    *,
    quantizations: Sequence[Quantization] = (),
    defaults: Mapping[str, Json] = _NOTHING,
    defaults_from: str = "",
    whole_file: bool = True,
) -> KernelProfile:
    """The kernel profile of a configuration.

    Args:
        config: the content of config.json; of a multimodal model, the language part counts.
        quantizations: of the targets; their products with stored blocks are operations too.
        defaults: what whoever reads the file assumes for keys that it does not have.
        defaults_from: whose defaults those are; told with every fact that stands on one.
        whole_file: False for an extract of a config.json, whose absent keys say nothing.
    """
    reading = Reading(language_part(config), defaults, defaults_from, whole_file)
    facts = replace(facts_of(reading), window=slides(reading))
    found = list(_findings(reading, facts, quantizations))
    operations = tuple(dict.fromkeys(each for each in found if isinstance(each, Operation)))
    unknown = tuple(each for each in found if isinstance(each, Unknown))
    return KernelProfile(reading.model_type, facts, operations, unknown, stresses_of(operations))


def with_answers(profile: KernelProfile, answers: Sequence[Operation], settled: Sequence[Aspect]) -> KernelProfile:
    """The profile with aspects settled by somebody who looked elsewhere, such as at the tensors."""
    operations = tuple(dict.fromkeys([*profile.operations, *answers]))
    unknown = tuple(each for each in profile.unknown if each.aspect not in settled)
    return replace(profile, operations=operations, unknown=unknown, stresses=stresses_of(operations))


def with_quantizations(profile: KernelProfile, quantizations: Sequence[Quantization]) -> KernelProfile:
    """The profile with the products of some quantizations' stored blocks."""
    return with_answers(profile, list(fused(quantizations)), ())


def _findings(reading: Reading, facts: Facts, quantizations: Sequence[Quantization]) -> Findings:
    yield from attention(reading, facts)
    yield from window(reading)
    yield from qk_norm(reading)
    yield from position(reading)
    yield from context(facts, reading)
    yield from norm(reading)
    yield from activation(reading)
    yield from bias(reading)
    yield from residual(reading)
    yield from experts(reading, facts)
    yield from head(reading)
    yield from vocabulary(reading)
    yield from scaling(reading)
    yield from quantized(reading)
    yield from fused(quantizations)
