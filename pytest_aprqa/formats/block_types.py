"""Block-quantized types of GGML: how many values and bytes a block has, and its values as float32.

The sizes are the format's and are written down here, so that a header can be judged without the `gguf` package; the
arithmetic is that package's and is imported when values are asked for. APR's own types are in `apr_types`.

Reference: ggml, ggml-common.h (the block structures) and ggml.h (the type numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.formats.safetensors import BITS

_DECODED_AT_ONCE: Final = 1 << 16
"""Values whose intermediate arrays fit a processor's cache, a multiple of every block."""


@dataclass(frozen=True, slots=True)
class BlockType:
    """A type that stores a fixed number of values in a block of bytes."""

    code: int
    """GGML's number of the type."""
    values: int
    """Values in a block."""
    bytes: int
    """Bytes of a block."""
    lossless: bool = False
    """True when every float32 survives; of a block type, never."""

    @property
    def bits_per_value(self) -> float:
        """Bits that one value takes, scales included."""
        return self.bytes * 8 / self.values


BLOCK_TYPES: Final[Mapping[str, BlockType]] = {
    "Q4_0": BlockType(2, 32, 18),
    "Q4_1": BlockType(3, 32, 20),
    "Q5_0": BlockType(6, 32, 22),
    "Q5_1": BlockType(7, 32, 24),
    "Q8_0": BlockType(8, 32, 34),
    "Q8_1": BlockType(9, 32, 40),
    "Q2_K": BlockType(10, 256, 84),
    "Q3_K": BlockType(11, 256, 110),
    "Q4_K": BlockType(12, 256, 144),
    "Q5_K": BlockType(13, 256, 176),
    "Q6_K": BlockType(14, 256, 210),
    "Q8_K": BlockType(15, 256, 292),
    "IQ2_XXS": BlockType(16, 256, 66),
    "IQ2_XS": BlockType(17, 256, 74),
    "IQ3_XXS": BlockType(18, 256, 98),
    "IQ1_S": BlockType(19, 256, 50),
    "IQ4_NL": BlockType(20, 32, 18),
    "IQ3_S": BlockType(21, 256, 110),
    "IQ2_S": BlockType(22, 256, 82),
    "IQ4_XS": BlockType(23, 256, 136),
    "IQ1_M": BlockType(29, 256, 56),
    "TQ1_0": BlockType(34, 256, 54),
    "TQ2_0": BlockType(35, 256, 66),
    "MXFP4": BlockType(39, 32, 17),
    "NVFP4": BlockType(40, 64, 36),
    "Q1_0": BlockType(41, 128, 18),
    "Q2_0": BlockType(42, 64, 18),
}
"""By the name that the `gguf` package gives the type."""


def stored_bytes(dtype: str, values: int) -> int:
    """Bytes that so many values take; a last block that is not full is stored whole.

    Args:
        dtype: a key of `BLOCK_TYPES`, or of `safetensors.BITS`.
        values: how many.

    >>> stored_bytes("Q8_0", 64), stored_bytes("Q8_0", 65), stored_bytes("F16", 3)
    (68, 102, 6)
    """
    if dtype not in BLOCK_TYPES:
        return -(-values * BITS[dtype] // 8)
    block = BLOCK_TYPES[dtype]
    return -(-values // block.values) * block.bytes


def decodable(dtype: str) -> bool:
    """True when the installed `gguf` package can turn the type into float32."""
    from gguf import GGMLQuantizationType, quants

    if dtype not in BLOCK_TYPES or dtype not in GGMLQuantizationType.__members__:
        return False
    block = np.zeros((1, BLOCK_TYPES[dtype].bytes), np.uint8)
    try:
        quants.dequantize(block, GGMLQuantizationType[dtype])
    except NotImplementedError:
        return False
    return True


def decode(dtype: str, raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Dequantizes whole blocks.

    Args:
        dtype: a key of `BLOCK_TYPES` that is `decodable`.
        raw: uint8 (blocks · bytes of a block,).

    Returns:
        float32 (blocks · values of a block,).
    """
    from gguf import GGMLQuantizationType, quants

    block = BLOCK_TYPES[dtype]
    out = np.empty(raw.size // block.bytes * block.values, np.float32)
    step = _DECODED_AT_ONCE // block.values * block.bytes
    # A random scale may be NaN or infinite; that is for the gates to find.
    with np.errstate(all="ignore"):
        for at in range(0, raw.size, step):
            values = quants.dequantize(raw[at : at + step].reshape(1, -1), GGMLQuantizationType[dtype])
            first = at // block.bytes * block.values
            out[first : first + values.size] = values.reshape(-1)
    return out


def encode(dtype: str, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Quantizes rows as the `gguf` package does.

    Args:
        dtype: a key of `BLOCK_TYPES`.
        values: float32 (..., a multiple of the block's values).

    Raises:
        NotImplementedError: the package decodes the type but does not encode it, as with the K-quants.
    """
    from gguf import GGMLQuantizationType, quants

    encoded: NDArray[np.uint8] = quants.quantize(values, GGMLQuantizationType[dtype])
    return encoded
