"""What a child can be told to do: a value for each order, those of `Instruments` named as its methods are.

Knows nothing of how they travel; `wire` writes and reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_aprqa.core import Request, Target, Weights
from pytest_aprqa.engines.protocol import Limits


@dataclass(frozen=True, slots=True)
class Load:
    """To the child: load this model with the function `loader`, ``module:name``; the answer is Loaded or Failed."""

    loader: str
    target: Target
    weights: Weights
    limits: Limits


@dataclass(frozen=True, slots=True)
class Generate:
    """To the child: answer these together; the answer is Answered or Failed."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Encode:
    """To the child: the ids of these texts; the answer is Rows or Failed."""

    texts: tuple[str, ...]
    special: bool


@dataclass(frozen=True, slots=True)
class Decode:
    """To the child: the texts of these rows; the answer is Texts or Failed."""

    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Render:
    """To the child: these conversations through the chat template; the answer is Texts or Failed."""

    conversations: tuple[tuple[Mapping[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class Greedy:
    """To the child: continue these rows; the answer is Rows or Failed."""

    rows: tuple[tuple[int, ...], ...]
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Logits:
    """To the child: write the logits of this row into `folder`; the answer is Arrays with ``logits``, or Failed."""

    row: tuple[int, ...]
    last_only: bool
    folder: Path


@dataclass(frozen=True, slots=True)
class Activations:
    """To the child: write the activations of this row into `folder`; the answer is Arrays or Failed."""

    row: tuple[int, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Pace:
    """To the child: continue this row by exactly so many tokens, with a clock; the answer is Paced or Failed."""

    row: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Stepwise:
    """To the child: write the logits of this row, one step each, into `folder`; the answer is Arrays or Failed."""

    row: tuple[int, ...]
    given: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Together:
    """To the child: write the last logits of these rows, from one batch, into `folder`; the answer is Arrays or Failed.

    They are one array ``logits``, a row for each.
    """

    rows: tuple[tuple[int, ...], ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Sample:
    """To the child: draw a continuation of this row; the answer is Rows with one, or Failed."""

    row: tuple[int, ...]
    max_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True, slots=True)
class Trace:
    """To the child: what each module gives for this row; the answer is Traced or Failed."""

    row: tuple[int, ...]


Filed = Logits | Activations | Stepwise | Together
"""The orders whose answers are files."""
Measure = Encode | Decode | Render | Greedy | Pace | Sample | Trace | Filed
"""The orders that stand for `Instruments`."""
Order = Load | Generate | Measure
