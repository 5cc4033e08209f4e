"""One tensor as a file stores it, and what a careless converter may do to its bytes.

A stored row is a whole number of blocks, so rows move as bytes; the numbers of a block all hang on its scales, so a
block type is scaled, negated, zeroed or made NaN through these. What needs other values is stored anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import gguf
import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.formats import BLOCK_TYPES, apr_types

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SCALES: Final[dict[str, tuple[int, ...]]] = {
    "Q4_0": (0,),
    "Q5_0": (0,),
    "Q8_0": (0,),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
    "APR_Q4": (0,),
}
"""Where in a block its float16 scales lie: of the K types with minimums, the values' and the minimums'."""

PLAIN: Final = {"F32": "<f4", "F16": "<f2"}
SMALL_BLOCK: Final = 32
"""What counts as a block of a type without blocks, and APR_Q4's."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A tensor: its type, its shape as PyTorch has it, and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    raw: Bytes

    @property
    def values(self) -> Floats:
        """Its numbers, dequantized, in its shape."""
        if self.dtype in PLAIN:
            flat = self.raw.view(PLAIN[self.dtype]).astype(np.float32)
        elif self.dtype == "BF16":
            flat = (self.raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
        elif self.dtype in apr_types.APR_TYPES:
            flat = apr_types.decode(self.dtype, self.raw, math.prod(self.shape))
        else:
            blocks = self.raw.reshape(-1, BLOCK_TYPES[self.dtype].bytes)
            flat = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType[self.dtype])
        return np.asarray(flat, np.float32).reshape(self.shape)

    @property
    def loudest_block(self) -> slice:
        """The block whose numbers weigh most."""
        energy = np.square(self.values.reshape(-1, self._block_values)).sum(axis=1)
        return slice(int(energy.argmax()), int(energy.argmax()) + 1)

    @property
    def _block_values(self) -> int:
        return BLOCK_TYPES[self.dtype].values if self.dtype in BLOCK_TYPES else SMALL_BLOCK

    def holding(self, values: NDArray[Any]) -> Stored:
        """The same type with other values, and their shape."""
        return stored(values, self.dtype)

    def of_shape(self, *shape: int) -> Stored:
        """The same bytes, said to have another shape."""
        return replace(self, shape=shape)

    def rows(self, order: Sequence[int] | NDArray[Any]) -> Stored:
        """Its rows in another order, bytes unchanged."""
        return replace(
            self, raw=np.ascontiguousarray(self.raw.reshape(self.shape[0], -1)[np.asarray(order)]).reshape(-1)
        )

    def times(self, factor: float, *, blocks: slice = slice(None)) -> Stored:
        """All numbers of some blocks times a factor, as exactly as the type can."""
        raw = self.raw.copy()
        if self.dtype == "APR_Q8":
            raw[:4] = (raw[:4].view("<f4") * np.float32(factor)).view(np.uint8)
        elif self.dtype in SCALES:
            by_block = raw.reshape(-1, _block_bytes(self.dtype))[blocks]
            for at in SCALES[self.dtype]:
                scales = np.ascontiguousarray(by_block[:, at : at + 2]).view("<f2")
                by_block[:, at : at + 2] = (scales * np.float16(factor)).astype("<f2").view(np.uint8)
        else:
            return self._plain_times(factor, blocks)
        return replace(self, raw=raw)

    def spoiled(self, number: float) -> Stored:
        """One number, or the scale of one block, becomes NaN or infinite."""
        raw = self.raw.copy()
        if self.dtype == "APR_Q8":
            raw[:4] = np.array([number], "<f4").view(np.uint8)
        elif self.dtype in SCALES:
            at = SCALES[self.dtype][0]
            raw.reshape(-1, _block_bytes(self.dtype))[-1, at : at + 2] = np.array([number], "<f2").view(np.uint8)
        else:
            values = self.values.copy()
            values.reshape(-1)[-1] = number
            return self.holding(values)
        return replace(self, raw=raw)

    def _plain_times(self, factor: float, blocks: slice) -> Stored:
        values = self.values.copy()
        by_block = values.reshape(-1, SMALL_BLOCK)
        by_block[blocks] *= np.float32(factor)
        return self.holding(values)


def stored(values: NDArray[Any], dtype: str) -> Stored:
    """Values in a type that NumPy, or the `gguf` package, can write."""
    numbers = np.ascontiguousarray(values, np.float32)
    if dtype in PLAIN:
        with np.errstate(over="ignore", under="ignore"):
            raw = numbers.astype(PLAIN[dtype]).reshape(-1).view(np.uint8)
    elif dtype in apr_types.APR_TYPES:
        raw = np.frombuffer(apr_types.encode(dtype, numbers), np.uint8)
    elif dtype == "BF16":
        raw = (rounded_to_bf16(numbers).view(np.uint32) >> 16).astype("<u2").reshape(-1).view(np.uint8)
    else:
        raw = gguf.quants.quantize(numbers, gguf.GGMLQuantizationType[dtype]).reshape(-1)
    return Stored(dtype, numbers.shape, raw)


def rounded_to_bf16(values: Floats) -> Floats:
    """To the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def _block_bytes(dtype: str) -> int:
    return 18 if dtype == "APR_Q4" else BLOCK_TYPES[dtype].bytes
