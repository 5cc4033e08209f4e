"""The order of the rows of q and k: Hugging Face rotates two halves of a head, llama.cpp adjacent pairs.

GGUF of the llama family stores the rows interleaved; rows are independent also in quantized tensors, so the bytes of a
row move as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def interleaved(rows: NDArray[Any], heads: int) -> NDArray[Any]:
    """Hugging Face's order into GGUF's.

    Args:
        rows: (heads · dim, ...): values, or the bytes of each row.
        heads: how many heads the rows make up; dim is even.

    >>> interleaved(np.arange(4), 1)
    array([0, 2, 1, 3])
    """
    return _regrouped(rows, heads, halves_first=True)


def halved(rows: NDArray[Any], heads: int) -> NDArray[Any]:
    """GGUF's order into Hugging Face's; undoes `interleaved`.

    >>> halved(np.array([0, 2, 1, 3]), 1)
    array([0, 1, 2, 3])
    """
    return _regrouped(rows, heads, halves_first=False)


def divisible(rows: int, heads: int) -> bool:
    """True when so many rows are that many heads of an even dimension."""
    return heads > 0 and rows % (2 * heads) == 0


def _regrouped(rows: NDArray[Any], heads: int, *, halves_first: bool) -> NDArray[Any]:
    pairs = rows.shape[0] // heads // 2
    inner = (2, pairs) if halves_first else (pairs, 2)
    grouped = rows.reshape(heads, *inner, *rows.shape[1:])
    return np.ascontiguousarray(grouped.swapaxes(1, 2)).reshape(rows.shape)
