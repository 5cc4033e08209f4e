"""What a rule can say of a model: that it does an operation, or that the configuration leaves an aspect open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Aspect(StrEnum):
    """What is asked of every configuration; each gets an operation, or is told to be open."""

    ATTENTION = "attention"
    WINDOW = "sliding window"
    QK_NORM = "query and key norms"
    POSITION = "position"
    NORM = "normalization"
    PLACEMENT = "place of the norms"
    ACTIVATION = "activation"
    BIAS = "bias"
    HEAD = "output head"
    EXPERTS = "experts"
    SCALING = "scaling"
    RESIDUAL = "residual"
    QUANTIZATION = "quantized matrices"
    VOCABULARY = "vocabulary"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that an engine has to compute for this model."""

    aspect: Aspect
    name: str
    """In snake case, such as ``grouped_query_attention``."""
    fact: str
    """What says so: a key of config.json with its value, or the source of a default."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An aspect that the configuration leaves open."""

    aspect: Aspect
    why: str
    """The keys that would have told."""


Findings: TypeAlias = Iterator[Operation | Unknown]
