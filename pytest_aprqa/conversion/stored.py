"""A tensor on its way into another file: as plain numbers of a type, or its quantized blocks as they are.

Rows of a quantized tensor are independent, so blocks can be reordered row by row without being decoded.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.conversion.rows import divisible, halved, interleaved
from pytest_aprqa.conversion.view import TensorView
from pytest_aprqa.core import ArtefactError

PLAIN: Final = frozenset({"F32", "F16", "BF16"})
"""Types that every format stores."""


def plain(values: NDArray[np.float32], dtype: str, tensor: TensorView) -> NDArray[Any]:
    """Float32 values as an array of a plain type.

    Args:
        values: float32, any shape.
        dtype: one of `PLAIN`.
        tensor: where they come from, for errors.

    Returns:
        float32, float16, or the upper halves of float32 as uint16, rounded to the nearest even.

    Raises:
        ArtefactError: a value is finite and float16 has no such large one.
    """
    if dtype == "F32":
        return values.astype("<f4", copy=False)
    if dtype == "BF16":
        return _bfloat16(values)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        halves = values.astype("<f2")
    infinite = np.isinf(halves)
    if infinite.any() and not np.isinf(values[infinite]).all():
        raise ArtefactError(
            f"tensor {tensor.name[:80]!r} has values that F16 cannot store; convert to BF16 or F32",
            path=tensor.entry.file,
            expected="at most 65504",
            found=f"{np.abs(values[np.isfinite(values)]).max():g}",
        )
    return halves


def _bfloat16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    bits = np.ascontiguousarray(values, "<f4").view(np.uint32)
    rounded = (bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16
    quiet = (bits >> 16) | 64  # a NaN must not become an infinity by losing its low bits
    upper: NDArray[np.uint16] = np.where(np.isnan(values), quiet, rounded).astype("<u2")
    return upper


def survives(values: NDArray[np.float32], dtype: str) -> bool:
    """True when a narrower plain type stores the values exactly."""
    if dtype == "F32":
        return True
    if dtype == "BF16":
        return not (np.ascontiguousarray(values, "<f4").view(np.uint32) & 0xFFFF).any()
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return bool(np.array_equal(values.astype("<f2").astype(np.float32), values, equal_nan=True))


def stored_rows(tensor: TensorView, *, interleave_heads: int | None) -> NDArray[np.uint8]:
    """The bytes of a tensor, in the row order that is wanted.

    Args:
        tensor: one without an offset.
        interleave_heads: heads whose rows are wanted in GGUF's order; None for Hugging Face's.

    Returns:
        uint8 (rows, bytes of a row).
    """
    entry = tensor.entry
    with entry.file.open("rb") as stream:
        stream.seek(entry.start)
        raw = np.fromfile(stream, np.uint8, entry.stop - entry.start)
    if raw.size != entry.stop - entry.start:
        raise ArtefactError(f"the file ends inside tensor {entry.name[:80]!r}", path=entry.file)
    rows = raw.reshape(tensor.shape[0], -1)
    if tensor.interleaved_heads == interleave_heads:
        return rows
    heads = tensor.interleaved_heads or interleave_heads or 1
    require_heads(tensor, heads)
    return halved(rows, heads) if tensor.interleaved_heads else interleaved(rows, heads)


def require_heads(tensor: TensorView, heads: int) -> None:
    """The rows of q and k are whole heads of an even size, or they cannot be reordered."""
    if not tensor.shape or not divisible(tensor.shape[0], heads):
        raise ArtefactError(
            f"tensor {tensor.name[:80]!r}: the rows are no whole heads of an even size",
            path=tensor.entry.file,
            expected=f"a multiple of {2 * heads}",
            found=f"{list(tensor.shape)}",
        )
