"""A model file of any format, seen in the words of Hugging Face: configuration, tensors, tokenizer.

Values only. `open_model` makes them; a tensor's values are read when they are asked for, one tensor at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.conversion.families import Family
from pytest_aprqa.conversion.rows import divisible, halved
from pytest_aprqa.conversion.tokens import TokenizerFacts
from pytest_aprqa.core import ArtefactError, Format, Json
from pytest_aprqa.formats import TensorEntry, read_tensor


@dataclass(frozen=True, slots=True)
class TensorView:
    """One tensor as Hugging Face has it."""

    name: str
    """Hugging Face's."""
    entry: TensorEntry
    """As stored: raw name, type, shape and place."""
    shape: tuple[int, ...]
    """As Hugging Face has it."""
    interleaved_heads: int | None = None
    """How many heads' rows are stored in GGUF's order; None where the rows are Hugging Face's."""
    offset: float = 0.0
    """What the file adds to each value."""

    def values(self) -> NDArray[np.float32]:
        """The values, dequantized, in Hugging Face's order; takes as much memory as they need.

        Raises:
            ArtefactError: the file ends early, the type cannot be decoded, or the rows are no whole heads.
        """
        values = np.asarray(read_tensor(self.entry), np.float32)
        if self.offset:
            values = values - np.float32(self.offset)
        if self.interleaved_heads is None:
            return values
        if not values.ndim or not divisible(values.shape[0], self.interleaved_heads):
            raise ArtefactError(
                f"tensor {self.entry.name[:80]!r}: the rows are no whole heads of an even size",
                path=self.entry.file,
                expected=f"a multiple of {2 * self.interleaved_heads}",
                found=f"{list(self.shape)}",
            )
        return halved(values, self.interleaved_heads)


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model file of any format."""

    path: Path
    """The Hugging Face folder, or the .gguf or .apr file."""
    format: Format
    config: Mapping[str, Json]
    """What the file says, in the words of config.json; a key is absent where the file does not say."""
    tensors: Mapping[str, TensorView]
    """By Hugging Face's names."""
    foreign: tuple[str, ...]
    """Stored names that are no tensor of the architecture."""
    tokenizer: TokenizerFacts | None
    """None where the file holds none."""
    raw: Mapping[str, Json]
    """The container's own metadata."""
    family: Family | None = None
    """How the architecture is converted; None for one that is not in our table."""
    stored: Mapping[str, TensorEntry] = field(default_factory=dict)
    """Every tensor of the container by its own name."""

    @property
    def tied(self) -> bool:
        """Whether the embedding is also the head; where the file does not say, whether there is no head."""
        stated = self.config.get("tie_word_embeddings")
        return stated if isinstance(stated, bool) else "lm_head.weight" not in self.tensors
