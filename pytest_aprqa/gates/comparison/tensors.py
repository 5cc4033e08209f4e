"""Every tensor of the artefact beside the ground truth's: one pass, one pair of tensors in memory at a time.

Knows no limit and no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.conversion import ModelView, TensorView
from pytest_aprqa.core import ArtefactError
from pytest_aprqa.gates.sizes import sizes_of
from pytest_aprqa.parity import (
    Fingerprint,
    Layout,
    Role,
    Stat,
    TensorError,
    compare_tensors,
    deviations,
    fingerprint,
    layout_of,
    role_of,
)

Values = NDArray[Any]

LOSSLESS: Final = ("F64", "F32", "F16", "BF16")
"""Types that keep a value, or round it to the nearest they have."""

_CLOSE: Final = 0.99
"""A cosine above says that the values lie as they should; whether they moved is only asked below, for it is dear."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One tensor of both."""

    name: str
    dtype: str
    """As the artefact stores it."""
    role: Role
    error: TensorError
    rounded: TensorError | None
    """Against the ground truth rounded to the artefact's type; None where the type is not lossless."""
    layout: Layout
    layout_numbers: Mapping[str, float]
    ours: Fingerprint
    """The ground truth's statistics."""
    theirs: Fingerprint

    @property
    def deviations(self) -> Mapping[Stat, float]:
        """How far each statistic moved."""
        return deviations(self.ours, self.theirs)


@dataclass(frozen=True, slots=True)
class TensorPass:
    """What one pass came to."""

    compared: tuple[Compared, ...]
    unreadable: tuple[str, ...]
    """Tensors that could not be decoded, with the reason."""
    wanted: int
    """Tensors that both have in the same shape."""


def compare_views(
    reference: ModelView, artefact: ModelView, names: Iterable[str], *, known: dict[str, Fingerprint] | None = None
) -> TensorPass:
    """Compares the named tensors, which both have.

    Args:
        reference: the ground truth.
        artefact: what was made of it.
        names: of the tensors.
        known: fingerprints of the ground truth's tensors, which are not taken again; what is taken is added.
    """
    prints = {} if known is None else known
    compared, unreadable, wanted = [], [], 0
    for name in names:
        ours, theirs = reference.tensors[name], artefact.tensors[name]
        if ours.shape != theirs.shape:
            continue
        wanted += 1
        try:
            compared.append(_compared(name, ours, theirs, reference, prints))
        except ArtefactError as exc:
            unreadable.append(str(exc))
    return TensorPass(tuple(compared), tuple(unreadable), wanted)


def _compared(
    name: str, ours: TensorView, theirs: TensorView, reference: ModelView, known: dict[str, Fingerprint]
) -> Compared:
    with np.errstate(all="ignore"):
        wanted, found = ours.values(), theirs.values()
        error = compare_tensors(wanted, found)
        dtype = theirs.entry.dtype
        rounded = against_rounded(wanted, found, dtype, offset=theirs.offset, error=error)
        if wanted.ndim > 1 and error.cosine > _CLOSE:
            layout, numbers = Layout.SAME, {"correlation": error.cosine}
        else:
            layout, numbers = layout_of(wanted, found, heads=heads_of(name, reference))
        if name not in known:
            known[name] = fingerprint(wanted)
        theirs_print = known[name] if error.identical else fingerprint(found)
        return Compared(name, dtype, role_of(name), error, rounded, layout, numbers, known[name], theirs_print)


def against_rounded(
    wanted: Values, found: Values, dtype: str, *, offset: float, error: TensorError
) -> TensorError | None:
    """The error beyond rounding to a lossless type; None for other types.

    Args:
        wanted: what was stored.
        found: what the file gives back.
        dtype: the type it is stored in.
        offset: what the file adds to each value, which costs a bit of its own.
        error: of the two as they are.
    """
    if dtype not in LOSSLESS:
        return None
    if not offset and error.identical:
        return error  # what equals a value of the type is that value rounded
    added = np.float32(offset)
    rounded = round_to(wanted + added if offset else wanted, dtype)
    if rounded is wanted:
        return error
    return compare_tensors(rounded, found + added if offset else found)


def heads_of(name: str, view: ModelView) -> int | None:
    """How many heads' rows a tensor holds; None for all but query and key projections."""
    sizes = sizes_of(view.config)
    if ".q_proj." in name:
        return sizes.heads
    return sizes.kv_heads if ".k_proj." in name else None


def round_to(values: Values, dtype: str) -> Values:
    """The values as a lossless type keeps them, as float32.

    >>> round_to(np.array([1 + 2**-12, 70000.0], np.float32), "BF16").tolist()
    [1.0, 70144.0]
    """
    if dtype == "F16":
        return values.astype(np.float16).astype(np.float32)
    if dtype != "BF16":
        return values
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    # To the nearest, ties to even; NaN is left alone, rounding could make it infinite.
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(values), values, rounded.view(np.float32))
