"""What is known of a model before a playbook is written for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pytest_aprqa.bootstrap.sizes import BY_CATEGORY, Size, size_of
from pytest_aprqa.core import Format, Quantization
from pytest_aprqa.kernels import KernelProfile
from pytest_aprqa.playbook import SizeCategory

_TALKS: Final = frozenset({"instruct", "it", "chat", "assistant", "zephyr", "distill", "qwq", "vicuna", "sft", "dpo"})
_THINKS: Final = frozenset({"r1", "qwq", "thinking", "reasoning"})
_CODES: Final = frozenset(
    {"coder", "code", "codellama", "codegemma", "starcoder", "starcoder2", "codestral", "wizardcoder"}
)


class Kind(StrEnum):
    """How a model wants to be spoken to."""

    INSTRUCT = "instruct"
    """It answers; through its chat template, where it has one."""
    BASE = "base"
    """It continues texts; nothing else was taught."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known, and where from."""

    repo: str
    """``org/name``."""
    kind: Kind = Kind.INSTRUCT
    thinks: bool = False
    """It writes its thoughts before each answer."""
    codes: bool = False
    """It was made for code, in many programming languages."""
    parameters: int | None = None
    family: str = ""
    architecture: str = ""
    """``model_type``, where it is known."""
    profile: KernelProfile | None = None
    expected: Mapping[str, int] = field(default_factory=dict)
    """``expected_...`` fields of a playbook."""
    source: str = ""
    """Where architecture and numbers come from."""
    folder: Path | None = None
    """Weights that the user has."""
    files: Mapping[Format, Path] = field(default_factory=dict)
    """Artefacts that the user has, to be tested as they are."""
    formats: tuple[Format, ...] | None = None
    """To be tested; None for the tier's."""
    quantizations: tuple[Quantization, ...] | None = None
    """Of the user's GGUF file; None for the tier's."""
    dequantized: bool = False
    """There is no original: the user's file, dequantized, is the ground truth."""
    remarks: tuple[str, ...] = ()
    """Sentences for the playbook's head."""

    @property
    def size(self) -> Size:
        """What is usual for its size; of an unknown size, what is usual for a large model."""
        return BY_CATEGORY[SizeCategory.LARGE] if self.parameters is None else size_of(self.parameters)

    @property
    def short_name(self) -> str:
        """The name without its organization."""
        return self.repo.rpartition("/")[2]


def words_of(name: str) -> frozenset[str]:
    """The words of a model's name.

    >>> sorted(words_of("org/Qwen2.5-Coder-7B-Instruct"))
    ['7b', 'coder', 'instruct', 'qwen2.5']
    """
    return frozenset(re.split(r"[-_ /]+", name.rpartition("/")[2].lower()))


def talks(name: str) -> bool:
    """Whether a name says that the model answers."""
    return bool(words_of(name) & _TALKS)


def thinks(name: str) -> bool:
    """Whether a name says that the model thinks aloud."""
    return bool(words_of(name) & _THINKS)


def codes(name: str) -> bool:
    """Whether a name says that the model was made for code."""
    return bool(words_of(name) & _CODES)


def named(repo: str) -> ModelFacts:
    """What a name alone tells."""
    return ModelFacts(repo=repo, thinks=thinks(repo), codes=codes(repo))
