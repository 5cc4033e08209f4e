"""What instruments read off a computing model besides ids and arrays: how fast tokens come, what each module gives.

Plain values, which cross from the child to the supervisor as they are. Knows no engine and no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Pace:
    """When the tokens of one greedy continuation were known, from a fresh state, alone in the batch."""

    prefill_ms: float
    """From the start until the first token was known, in milliseconds."""
    token_ms: tuple[float, ...]
    """Time from each token to the one after it, in milliseconds; one less than there are tokens."""
    prompt_tokens: int
    rss_bytes: int
    """Resident set of the computing process when it was done."""
    peak_rss_bytes: int
    """Largest resident set of the computing process so far, loading included."""
    peak_vram_bytes: int | None = None
    """Largest memory taken on the GPU so far; None on the CPU and where the library does not tell."""


class ModuleKind(StrEnum):
    """What a module of a decoder is for, by its place and name."""

    EMBEDDING = "embedding"
    NORM = "norm"
    ATTENTION = "attention"
    MLP = "mlp"
    LAYER = "layer"
    HEAD = "head"
    OTHER = "other"
    """A part of a layer whose name says nothing that is known here."""


@dataclass(frozen=True, slots=True)
class ModuleTrace:
    """What one module gave for one row; a number that no value has a part in is 0.0."""

    name: str
    """As in the checkpoint, such as ``model.layers.0.self_attn``."""
    kind: ModuleKind
    shape: tuple[int, ...]
    """Of the output without its batch axis: (tokens, features) as a rule."""
    mean: float
    """Over the finite values, as are the next three."""
    std: float
    """Of the population."""
    rms: float
    max_abs: float
    nan: int
    """How many values are no number."""
    inf: int
    """How many values are infinite, of either sign."""
    zero_fraction: float
    """Share of all values that are exactly zero, 0.0 to 1.0."""
    spread: float
    """Largest standard deviation over the tokens of any feature whose values are all finite; 0.0 is the same output at
    every token, and means nothing for a row of one token."""
