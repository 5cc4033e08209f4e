"""The ``property_tests`` of a playbook: what is drawn until each cell has as many scenarios as the tier wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pytest_aprqa.bootstrap.model import ModelFacts
from pytest_aprqa.core import Modality
from pytest_aprqa.kernels import Topic

_CORRECT: Final = "correct"
_SYNTAX: Final = "is_valid_syntax(output, lang)"
_SUMS: Final = (
    "arithmetic(a: 1..9, b: 1..9, op: +)",
    "arithmetic(a: 1..50, b: 1..50, op: +|-)",
    "arithmetic(a: 1..99, b: 1..99, op: +|-|*)",
)
"""By level."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One entry of ``property_tests``."""

    name: str
    generator: str
    oracle: str
    count: int
    """Its share."""
    topic: Topic


def drawn_for(model: ModelFacts, modalities: Sequence[Modality]) -> tuple[Drawn, ...]:
    """Generators with their shares; a topic that is stressed more has a larger one."""
    level = model.size.level
    languages = "python|rust|javascript|go|java|cpp" if model.codes else "python"
    wanted = [
        Drawn("sums", _SUMS[level], _CORRECT, 6, Topic.ARITHMETIC),
        Drawn("capitals", "qa_prompt()", _CORRECT, 3, Topic.FACTS),
    ]
    if not model.thinks:
        # A drawn program has a limit of its own, in which thoughts would take the place of code.
        wanted.append(Drawn("programs", f"code_prompt(lang: {languages})", _SYNTAX, 3, Topic.CODE))
    if level:
        wanted.append(Drawn("objects", "instruction_prompt(task: json)", _CORRECT, 1, Topic.JSON))
        wanted.append(Drawn("word_problems", "reasoning_prompt(type: math)", _CORRECT, 2, Topic.CARRY))
    if level and Modality.CHAT in modalities:
        wanted.append(Drawn("memory", "multi_turn_chat(turns: 3)", _CORRECT, 2, Topic.RECALL))
    profile = model.profile
    if profile is None:
        return tuple(wanted)
    return tuple(replace(it, count=it.count + profile.weight(it.topic)) for it in wanted)
