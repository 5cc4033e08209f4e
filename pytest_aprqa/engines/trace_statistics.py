"""What is told of one module's output: `describe` makes a `ModuleTrace` of its values. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.engines.readings import ModuleKind, ModuleTrace

_BLOCK_VALUES = 2**20
"""Values that are made float64 at a time: the logits of a long row would take gigabytes."""


def describe(name: str, kind: ModuleKind, values: NDArray[np.floating[Any]]) -> ModuleTrace:
    """The statistics of `values`, (tokens, ...), summed in float64.

    >>> trace = describe("model.norm", ModuleKind.NORM, np.array([[1.0, 0.0], [3.0, np.nan]]))
    >>> trace.nan, trace.max_abs, trace.zero_fraction, trace.spread
    (1, 3.0, 0.25, 1.0)
    """
    table = values.reshape(values.shape[0] if values.ndim else 1, math.prod(values.shape[1:]))
    finite = np.isfinite(table)
    count = int(np.count_nonzero(finite))
    nan = int(np.count_nonzero(np.isnan(table)))
    # Shifted by one of the values, what is the same everywhere has a deviation of exactly zero.
    shift = float(table[finite][0]) if count else 0.0
    total = squares = shifted_squares = max_abs = spread = 0.0
    for block in _blocks(table):
        kept = block[np.isfinite(block)]
        if kept.size:
            total += float((kept - shift).sum())
            shifted_squares += float(((kept - shift) ** 2).sum())
            squares += float((kept**2).sum())
            max_abs = max(max_abs, float(np.abs(kept).max()))
        spread = max(spread, _spread(block))
    count_or_one = max(count, 1)
    return ModuleTrace(
        name=name,
        kind=kind,
        shape=tuple(values.shape),
        mean=shift + total / count_or_one,
        std=_root((shifted_squares - total**2 / count_or_one) / count_or_one),
        rms=_root(squares / count_or_one),
        max_abs=max_abs,
        nan=nan,
        inf=table.size - count - nan,
        zero_fraction=float(np.count_nonzero(table == 0)) / max(table.size, 1),
        spread=spread,
    )


def _blocks(table: NDArray[np.floating[Any]]) -> Iterator[NDArray[np.float64]]:
    """Runs of whole columns, as float64."""
    width = max(1, _BLOCK_VALUES // max(1, table.shape[0]))
    for start in range(0, table.shape[1], width):
        yield table[:, start : start + width].astype(np.float64)


def _spread(block: NDArray[np.float64]) -> float:
    """Largest standard deviation down any column that is finite from top to bottom."""
    columns = block[:, np.isfinite(block).all(axis=0)]
    if columns.size == 0:
        return 0.0
    return float((columns - columns[0]).std(axis=0).max())


def _root(variance: float) -> float:
    return float(np.sqrt(max(variance, 0.0)))
