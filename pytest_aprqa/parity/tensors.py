"""How far one tensor is from another: normalized error, cosine, scale factor, and the block that is worst.

Pure NumPy, in float64 sums over pieces of bounded size; knows no file, no format and no limit (`limits` has those).
A value that is NaN or infinite on either side is counted and left out of the sums, and it never counts as equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import AprqaError

Values = NDArray[Any]
Float64s = NDArray[np.float64]

PIECE = 1 << 16
"""Values held in float64 at a time, which stay in a core's cache; a multiple of both block sizes."""
SMALL_BLOCK = 32
"""Values that share one scale in Q4_0 … Q8_0, and a sub-scale in the K types."""
SUPER_BLOCK = 256
"""Values that share one float16 scale in the K types."""
NEIGHBOR_SHARE = 0.1
"""Share of its super-block's mean energy that a small block is credited with: a K type stores a sub-block's scale in 4
or 6 bits of its super-block's, so a nearly silent sub-block is rightly stored with a large relative error."""
TENSOR_SHARE = 1e-3
"""The same for a super-block within its tensor, whose scale is a float16 of its own."""


@dataclass(frozen=True, slots=True)
class BlockError:
    """The worst blocks of one size; block numbers count from the tensor's first value, in row-major order."""

    block_values: int
    """32 or 256."""
    nmse: float
    """Largest error energy of a block over its own energy (plus a small share of its neighbors')."""
    nmse_index: int
    """The block of `nmse`."""
    scale_error: float
    """Largest |s - 1|, s the block's least-squares factor: 1.0 where a block's scale was doubled, 0.5 where halved."""
    scale_index: int
    """The block of `scale_error`."""
    scale: float
    """That block's plain least-squares factor of the other on the reference."""


@dataclass(frozen=True, slots=True)
class TensorError:
    """What separates `other` from `reference`; every number is scale-free except `max_abs`."""

    values: int
    """Values compared: those finite on both sides. Zero means that nothing was compared."""
    different: int
    """Values that are not equal, the non-finite ones included. Zero means identical."""
    nmse: float
    """Σ(other − reference)² / Σ reference²; infinite where only the reference is all zero."""
    cosine: float
    """Cosine of the angle between the two; 1.0 where both are all zero, 0.0 where one is."""
    max_abs: float
    """Largest |other − reference|."""
    max_rel: float
    """`max_abs` over the largest |reference|."""
    scale: float
    """Least-squares factor of the other on the reference: 1.0 when nothing was scaled."""
    nan_count: int
    """NaN in the other."""
    inf_count: int
    """Infinities in the other."""
    reference_not_finite: int
    """NaN and infinities in the reference."""
    small: BlockError
    """The worst block of 32 values."""
    large: BlockError
    """The worst block of 256 values."""

    @property
    def identical(self) -> bool:
        """Every value is equal, and there was at least one."""
        return self.values > 0 and self.different == 0

    @property
    def block_scale_error(self) -> float:
        """The worse of the two block sizes' scale errors."""
        return max(self.small.scale_error, self.large.scale_error)

    @property
    def block_nmse(self) -> float:
        """The worse of the two block sizes' errors."""
        return max(self.small.nmse, self.large.nmse)


def compare_tensors(reference: Values, other: Values) -> TensorError:
    """Compares two tensors of the same shape, value by value.

    >>> x = np.arange(1.0, 65.0)
    >>> error = compare_tensors(x, np.where(np.arange(64) < 32, 2 * x, x))
    >>> error.small.scale_error > 0.8, error.small.scale_index
    (True, 0)
    """
    if reference.shape != other.shape:
        raise AprqaError(
            f"tensors of different shapes cannot be compared value by value; expected {reference.shape}; "
            f"found {other.shape}; compare the shapes first"
        )
    totals = _Totals(reference.size)
    left, right = reference.reshape(-1), other.reshape(-1)
    for start in range(0, left.size, PIECE):
        totals.add(left[start : start + PIECE], right[start : start + PIECE], start)
    return totals.result()


class _Totals:
    """Sums over the pieces seen so far, and the energies of all super-blocks."""

    def __init__(self, size: int) -> None:
        blocks = -(-size // SUPER_BLOCK)
        self.values = self.different = self.nan = self.inf = self.reference_not_finite = 0
        self.rr = self.oo = self.ro = self.ee = 0.0
        self.max_abs = self.max_reference = 0.0
        self.energy: Float64s = np.zeros(blocks)
        self.projection: Float64s = np.zeros(blocks)
        self.error: Float64s = np.zeros(blocks)
        self.small = BlockError(SMALL_BLOCK, 0.0, 0, 0.0, 0, 1.0)

    def add(self, reference: Values, other: Values, start: int) -> None:
        """Takes one piece that begins at value `start`."""
        different = int(np.count_nonzero(reference != other))
        self.different += different
        r = reference.astype(np.float64)
        rr = float(r @ r)
        if not different and math.isfinite(rr):
            self._equal(r, rr, start)
            return
        o = other.astype(np.float64)
        oo = float(o @ o)
        kept = r.size
        if not math.isfinite(rr + oo):
            keep = np.isfinite(r) & np.isfinite(o)
            kept = int(np.count_nonzero(keep))
            self.nan += int(np.count_nonzero(np.isnan(o)))
            self.inf += int(np.count_nonzero(np.isinf(o)))
            self.reference_not_finite += int(np.count_nonzero(~np.isfinite(r)))
            self.different += int(np.count_nonzero(~keep & (reference == other)))
            r, o = np.where(keep, r, 0.0), np.where(keep, o, 0.0)
            rr, oo = float(r @ r), float(o @ o)
        self.values += kept
        difference = o - r
        self.max_abs = max(self.max_abs, _largest(difference))
        self.max_reference = max(self.max_reference, _largest(r))
        self.rr += rr
        self.oo += oo
        self.ro += float(r @ o)
        self.ee += float(difference @ difference)
        self._blocks(r, difference, start)

    def _equal(self, r: Float64s, rr: float, start: int) -> None:
        """Takes a piece of equal and finite values: their blocks have no error, but energy."""
        self.values += r.size
        self.max_reference = max(self.max_reference, _largest(r))
        self.rr += rr
        self.oo += rr
        self.ro += rr
        rows = _in_blocks(r).reshape(-1, SUPER_BLOCK)
        first = start // SUPER_BLOCK
        self.energy[first : first + len(rows)] = np.einsum("bv,bv->b", rows, rows)

    def _blocks(self, r: Float64s, difference: Float64s, start: int) -> None:
        rows = _in_blocks(r), _in_blocks(difference)
        energy = np.einsum("bsv,bsv->bs", rows[0], rows[0])
        error = np.einsum("bsv,bsv->bs", rows[1], rows[1])
        projection = np.einsum("bsv,bsv->bs", rows[0], rows[1])
        first = start // SUPER_BLOCK
        span = slice(first, first + len(energy))
        self.energy[span] = energy.sum(axis=1)
        self.error[span] = error.sum(axis=1)
        self.projection[span] = projection.sum(axis=1)
        floor = NEIGHBOR_SHARE * energy.mean(axis=1, keepdims=True)
        worst = _worst(SMALL_BLOCK, energy.ravel(), projection.ravel(), error.ravel(), (energy * 0 + floor).ravel())
        self.small = _worse(self.small, worst, start // SMALL_BLOCK)

    def result(self) -> TensorError:
        floor = np.full(len(self.energy), TENSOR_SHARE * float(self.energy.mean()) if len(self.energy) else 0.0)
        large = _worst(SUPER_BLOCK, self.energy, self.projection, self.error, floor)
        return TensorError(
            values=self.values,
            different=self.different,
            nmse=_ratio(self.ee, self.rr),
            cosine=_cosine(self.rr, self.oo, self.ro),
            max_abs=self.max_abs,
            max_rel=_ratio(self.max_abs, self.max_reference),
            scale=self.ro / self.rr if self.rr > 0 else (1.0 if self.oo == 0 else math.inf),
            nan_count=self.nan,
            inf_count=self.inf,
            reference_not_finite=self.reference_not_finite,
            small=self.small,
            large=large,
        )


def _largest(values: Float64s) -> float:
    """The largest magnitude."""
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))


def _in_blocks(values: Float64s) -> Float64s:
    """Values as (super-blocks, small blocks in each, values), the last super-block padded with zeros."""
    missing = -values.size % SUPER_BLOCK
    whole = np.concatenate([values, np.zeros(missing)]) if missing else values
    return whole.reshape(-1, SUPER_BLOCK // SMALL_BLOCK, SMALL_BLOCK)


def _worst(size: int, energy: Float64s, projection: Float64s, error: Float64s, floor: Float64s) -> BlockError:
    if not energy.size:
        return BlockError(size, 0.0, 0, 0.0, 0, 1.0)
    base = energy + floor
    with np.errstate(divide="ignore", invalid="ignore"):
        nmse = np.where(error > 0, error / base, 0.0)
        scale_error = np.where(error > 0, np.abs(projection) / base, 0.0)
        scale_error = np.where(base > 0, scale_error, 0.0)
    by_error, by_scale = int(nmse.argmax()), int(scale_error.argmax())
    scale = 1.0 + (float(projection[by_scale] / energy[by_scale]) if energy[by_scale] > 0 else 0.0)
    return BlockError(size, float(nmse[by_error]), by_error, float(scale_error[by_scale]), by_scale, scale)


def _worse(first: BlockError, second: BlockError, offset: int) -> BlockError:
    """The worse of both for each criterion; `offset` is added to the second's block numbers."""
    error = (first.nmse, first.nmse_index)
    if second.nmse > first.nmse:
        error = (second.nmse, second.nmse_index + offset)
    scale = (first.scale_error, first.scale_index, first.scale)
    if second.scale_error > first.scale_error:
        scale = (second.scale_error, second.scale_index + offset, second.scale)
    return BlockError(first.block_values, error[0], error[1], *scale)


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return 0.0 if part == 0 else math.inf


def _cosine(rr: float, oo: float, ro: float) -> float:
    if rr == 0 or oo == 0:
        return 1.0 if rr == oo else 0.0
    return max(-1.0, min(1.0, ro / (math.sqrt(rr) * math.sqrt(oo))))
