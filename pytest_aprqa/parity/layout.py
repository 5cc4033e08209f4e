"""What was done to a tensor on its way: nothing, transposed, rows permuted, rescaled, shifted by one, zeroed.

Pure NumPy. Judges by correlation and not by equality, so that it sees through the noise of quantization down to Q2_K.
Each hypothesis is a rearrangement of the reference; the one that correlates best with the other tensor wins, if it
correlates at all and clearly better than leaving the reference as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

MATCH = 0.7
"""Correlation from which a hypothesis explains the other tensor. Q2_K keeps 0.95 and more; chance gives 1/√values."""
GAP = 0.05
"""A rearrangement must correlate by this much better than the reference as it is."""
ROW_MATCH = 0.5
"""Correlation below which one row is not the reference's row."""
SCALED = 0.25
"""|scale − 1| from which a tensor counts as rescaled; the least-squares factor of healthy Q2_K stays within 0.1."""
SCALED_NOISE = 0.25
"""Error that may remain after the factor; Q2_K leaves 0.1 of its own."""
FINE_SCALE = 0.02
"""The same for one-dimensional tensors, which every format stores as F32 or F16."""
OTHER_MAGNITUDE = 0.9
"""Error from which values that correlate are not the same ones: bytes read as another type may keep their order."""
BLOCK = 32
"""Values that have a scale of their own in most quantized types."""
COLUMNS = 128
"""Columns that a row is recognized by."""
ROWS = 64
"""Rows that are looked for at other places."""
PIECE_ROWS_VALUES = 1 << 20
"""Values held in float64 at a time."""


class Layout(StrEnum):
    """What the other tensor is, seen from the reference."""

    SAME = "same"
    TRANSPOSED = "transposed"
    """The transpose, or the transpose's bytes read with the reference's shape."""
    TRANSPOSED_AFTER_ROPE = "transposed_after_rope"
    """The transpose of rows that were in llama.cpp's interleaved order by then."""
    TRANSPOSED_WITHOUT_ROPE = "transposed_without_rope"
    """The transpose, whose rows were taken out of an order in which they were not."""
    TRANSPOSED_BEFORE_ROPE = "transposed_before_rope"
    """The transpose, whose rows were put into llama.cpp's order once too often."""
    ROPE_PERMUTED = "rope_permuted"
    """Rows of every head in llama.cpp's interleaved order."""
    ROPE_UNPERMUTED = "rope_unpermuted"
    """Rows of every head in the inverse order: taken out of llama.cpp's without having been in it."""
    HEADS_REGROUPED = "heads_regrouped"
    """Permuted for one number of heads and un-permuted for another; the numbers name it."""
    ROWS_SHIFTED = "rows_shifted"
    """All rows (or values of a vector) moved by one place."""
    COLUMNS_SHIFTED = "columns_shifted"
    """The values of all rows moved by one place."""
    ROWS_PERMUTED = "rows_permuted"
    """The same rows in another order; the numbers say how many moved."""
    ROWS_DIFFERENT = "rows_different"
    """Some rows are not the reference's, and stand nowhere else either; the numbers say how many."""
    NEGATED = "negated"
    SCALED = "scaled"
    """The reference times a factor; the numbers give it."""
    OFFSET_ONE = "offset_one"
    """The reference plus or minus one; the numbers give which."""
    ZEROED = "zeroed"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class _Seen:
    """Least squares of the other on the reference, with and without an added constant."""

    correlation: float
    scale: float
    nmse: float
    """Error of the reference as it is."""
    scaled_nmse: float
    """What remains after the best factor."""
    shift: float
    """Mean of other − reference."""
    shifted_nmse: float
    """What remains after the mean is taken away from other − reference."""
    energy: float
    other_energy: float


def layout_of(reference: Values, other: Values, *, heads: int | None = None) -> tuple[Layout, dict[str, float]]:
    """Says what the other tensor is, seen from the reference, and the numbers that say so.

    Args:
        reference: the ground truth.
        other: the same number of values, in the same or the reversed shape.
        heads: heads whose rows the tensor holds, for query and key projections (and their biases).
    """
    if reference.size != other.size or not reference.size:
        return Layout.UNRELATED, {"values": float(reference.size), "other_values": float(other.size)}
    numbers: dict[str, float] = {}
    same = _seen(reference.reshape(-1), other.reshape(-1))
    numbers.update(correlation=same.correlation, scale=same.scale, nmse=same.nmse)
    if same.other_energy == 0 and same.energy > 0:
        return Layout.ZEROED, numbers
    plain = _plain(same, reference, numbers)
    if plain is not None:
        return plain, numbers
    moved = _rearranged(reference, other, heads, same, numbers)
    if moved is not None:
        return moved, numbers
    rows = _rows(reference, other, numbers)
    if rows is not None:
        return rows, numbers
    if same.correlation >= MATCH and same.nmse < OTHER_MAGNITUDE:
        return Layout.SAME, numbers
    if same.correlation <= -MATCH:
        return Layout.NEGATED, numbers
    numbers.update(
        energy_ratio=same.other_energy / same.energy if same.energy > 0 else math.inf,
        block_likeness=_block_likeness(reference, other),
    )
    return Layout.UNRELATED, numbers


def _plain(same: _Seen, reference: Values, numbers: dict[str, float]) -> Layout | None:
    """Explanations that move no value to another place."""
    vector = reference.ndim < 2 or 1 in reference.shape
    if abs(abs(same.shift) - 1.0) < 0.1 and same.shifted_nmse < min(0.1 * same.nmse, same.scaled_nmse + 1e-9):
        numbers.update(shift=same.shift, shifted_nmse=same.shifted_nmse)
        return Layout.OFFSET_ONE
    off = abs(same.scale - 1.0) > (FINE_SCALE if vector else SCALED)
    if off and same.scale > 0 and same.scaled_nmse < (0.01 if vector else SCALED_NOISE):
        numbers.update(scaled_nmse=same.scaled_nmse)
        return Layout.SCALED
    # a vector of nearly equal values correlates poorly with itself after rounding; its error tells more
    return Layout.SAME if same.nmse < 1e-4 and vector and same.correlation > MATCH else None


def _rearranged(
    reference: Values, other: Values, heads: int | None, same: _Seen, numbers: dict[str, float]
) -> Layout | None:
    best: tuple[float, Layout] | None = None
    for layout, name, values in _hypotheses(reference, other, heads):
        seen = _seen(values[0], values[1])
        key = name if name not in numbers else f"{name}_2"
        numbers[key] = seen.correlation
        if (
            seen.correlation >= MATCH
            and seen.correlation > same.correlation + GAP
            and (best is None or seen.correlation > best[0] + 1e-3)
        ):
            best = (seen.correlation, layout)
            if layout is Layout.HEADS_REGROUPED:
                numbers["other_heads"] = float(name.rpartition("_")[2])
    return best[1] if best else None


def _hypotheses(
    reference: Values, other: Values, heads: int | None
) -> Iterator[tuple[Layout, str, tuple[Values, Values]]]:
    """Rearrangements of the reference beside the other tensor, both flat."""
    flat = other.reshape(-1)
    if reference.ndim == 2 and 1 not in reference.shape:
        yield Layout.TRANSPOSED, "transposed", (reference.T.reshape(-1), flat)
        if reference.shape[0] != reference.shape[1]:
            yield Layout.TRANSPOSED, "transposed_bytes", (reference.reshape(reference.shape[::-1]).T.reshape(-1), flat)
    if heads and reference.shape[0] % (2 * heads) == 0:
        yield Layout.ROPE_PERMUTED, "rope_permuted", (rope_permuted(reference, heads).reshape(-1), flat)
        yield Layout.ROPE_UNPERMUTED, "rope_unpermuted", (rope_unpermuted(reference, heads).reshape(-1), flat)
        yield from _regrouped(reference, other, heads)
        yield from _transposed_heads(reference, other, heads)
    if reference.shape[0] > 2 and reference.shape == other.shape:
        for step in (1, -1):
            yield Layout.ROWS_SHIFTED, f"rows_shifted_{step}", (np.roll(reference, step, axis=0).reshape(-1), flat)
            if reference.ndim == 2 and reference.shape[1] > 2:
                shifted = np.roll(reference, step, axis=1)
                yield Layout.COLUMNS_SHIFTED, f"columns_shifted_{step}", (shifted.reshape(-1), flat)


def _transposed_heads(
    reference: Values, other: Values, heads: int
) -> Iterator[tuple[Layout, str, tuple[Values, Values]]]:
    """Transposed before or after the rows of the heads were permuted, or left, or taken apart again on reading."""
    if reference.ndim != 2 or other.shape[0] % (2 * heads):
        return
    few = _few_columns(other).reshape(-1)
    turned = _few_columns(reference.T.reshape(other.shape))
    turned_after = _few_columns(rope_permuted(reference, heads).T.reshape(other.shape))
    for layout, name, values in (
        (Layout.TRANSPOSED_AFTER_ROPE, "permuted_transposed_unpermuted", rope_unpermuted(turned_after, heads)),
        (Layout.TRANSPOSED_AFTER_ROPE, "permuted_transposed", turned_after),
        (Layout.TRANSPOSED_WITHOUT_ROPE, "transposed_unpermuted", rope_unpermuted(turned, heads)),
        (Layout.TRANSPOSED_BEFORE_ROPE, "transposed_permuted", rope_permuted(turned, heads)),
    ):
        yield layout, name, (values.reshape(-1), few)


def _regrouped(reference: Values, other: Values, heads: int) -> Iterator[tuple[Layout, str, tuple[Values, Values]]]:
    rows = reference.shape[0]
    few_r, few_o = _few_columns(reference), _few_columns(other.reshape(reference.shape))
    for count in range(1, rows // 2 + 1):
        if count == heads or rows % (2 * count) or count > 4 * heads or (heads % count and count % heads):
            continue
        wrong = rope_unpermuted(rope_permuted(few_r, heads), count)
        yield Layout.HEADS_REGROUPED, f"heads_{count}", (wrong.reshape(-1), few_o.reshape(-1))


def rope_permuted(values: Values, heads: int) -> Values:
    """Rows of every head from Hugging Face's two halves to llama.cpp's pairs.

    >>> rope_permuted(np.arange(8), 2).tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    rows = values.shape[0]
    shaped = values.reshape(heads, 2, rows // heads // 2, *values.shape[1:])
    result: Values = shaped.swapaxes(1, 2).reshape(values.shape)
    return result


def rope_unpermuted(values: Values, heads: int) -> Values:
    """The inverse of `rope_permuted`."""
    rows = values.shape[0]
    shaped = values.reshape(heads, rows // heads // 2, 2, *values.shape[1:])
    result: Values = shaped.swapaxes(1, 2).reshape(values.shape)
    return result


def _rows(reference: Values, other: Values, numbers: dict[str, float]) -> Layout | None:
    """Rows that are not the reference's: found elsewhere (permuted), or nowhere (different)."""
    if reference.ndim != 2 or reference.shape != other.shape or reference.shape[1] < 8 or reference.shape[0] < 2:
        return None
    bad = np.flatnonzero(_row_correlations(reference, other) < ROW_MATCH)
    numbers["rows_off"] = float(bad.size)
    if not bad.size:
        return None
    wanted = bad[:: -(-bad.size // ROWS)]
    left, right = _unit_rows(_few_columns(reference)), _unit_rows(_few_columns(other)[wanted])
    found = 0
    for at, row in enumerate(right):
        likeness = left @ row
        best = int(likeness.argmax())
        found += int(best != wanted[at] and likeness[best] >= MATCH)
    numbers.update(rows_looked_for=float(wanted.size), rows_found_elsewhere=float(found), first_row_off=float(bad[0]))
    if found >= 0.8 * wanted.size:
        return Layout.ROWS_PERMUTED
    return Layout.ROWS_DIFFERENT if bad.size < 0.5 * len(reference) else None


def _row_correlations(reference: Values, other: Values) -> NDArray[np.float64]:
    """Per row; rows that hardly speak (below a thousandth of the mean energy) count as equal."""
    rows, columns = reference.shape
    step = max(1, PIECE_ROWS_VALUES // columns)
    products, energies, others = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    for start in range(0, rows, step):
        span = slice(start, start + step)
        r, o = _finite(reference[span]), _finite(other[span])
        products[span] = np.einsum("rc,rc->r", r, o)
        energies[span] = np.einsum("rc,rc->r", r, r)
        others[span] = np.einsum("rc,rc->r", o, o)
    loud = np.maximum(energies, others) > 1e-3 * energies.mean()
    size = np.sqrt(energies) * np.sqrt(others)
    result: NDArray[np.float64] = np.where(loud, products / np.where(size > 0, size, 1.0), 1.0)
    return result


def _block_likeness(reference: Values, other: Values) -> float:
    """Correlation of the sizes of the blocks, which a block keeps whose values are read in another way."""
    sizes = _block_sizes(reference), _block_sizes(other)
    return _seen(*sizes).correlation if sizes[0].size > 1 else 0.0


def _block_sizes(values: Values) -> NDArray[np.float64]:
    """Root of each whole block's energy."""
    flat, count = values.reshape(-1), values.size // BLOCK
    sizes, step = np.zeros(count), PIECE_ROWS_VALUES // BLOCK
    for start in range(0, count, step):
        end = min(start + step, count)
        blocks = _finite(flat[start * BLOCK : end * BLOCK]).reshape(-1, BLOCK)
        sizes[start:end] = np.sqrt(np.einsum("bv,bv->b", blocks, blocks))
    return sizes


def _few_columns(values: Values) -> Values:
    """At most `COLUMNS` columns, taken evenly."""
    if values.ndim < 2:
        return values
    wide = values.reshape(len(values), -1)
    return wide[:, :: -(-wide.shape[1] // COLUMNS)]


def _unit_rows(values: Values) -> NDArray[np.float32]:
    wide = _finite(values)
    size = np.sqrt(np.einsum("rc,rc->r", wide, wide))[:, None]
    return (wide / np.where(size > 0, size, 1.0)).astype(np.float32)


def _finite(values: Values) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    return np.where(np.isfinite(wide), wide, 0.0)


def _seen(reference: Values, other: Values) -> _Seen:
    """Sums over values finite on both sides, in pieces; a second pass is saved by shifting with the first value."""
    count = 0
    sr = so = rr = oo = ro = 0.0
    for start in range(0, reference.size, PIECE_ROWS_VALUES):
        r = reference[start : start + PIECE_ROWS_VALUES].astype(np.float64)
        o = other[start : start + PIECE_ROWS_VALUES].astype(np.float64)
        keep = np.isfinite(r) & np.isfinite(o)
        if not keep.all():
            r, o = r[keep], o[keep]
        count += r.size
        sr, so = sr + float(r.sum()), so + float(o.sum())
        rr, oo, ro = rr + float(r @ r), oo + float(o @ o), ro + float(r @ o)
    return _fitted(count, sr, so, rr, oo, ro)


def _fitted(count: int, sr: float, so: float, rr: float, oo: float, ro: float) -> _Seen:
    if not count:
        return _Seen(0.0, 0.0, math.inf, math.inf, 0.0, math.inf, 0.0, 1.0)
    vr, vo, cro = rr - sr * sr / count, oo - so * so / count, ro - sr * so / count
    # below this the variance is rounding: the tensor is constant
    constant_r, constant_o = vr <= 1e-12 * rr, vo <= 1e-12 * oo
    if constant_r or constant_o:
        correlation = 1.0 if constant_r and constant_o and sr * so > 0 else 0.0
    else:
        correlation = cro / math.sqrt(vr * vo)
    shift, error = (so - sr) / count, max(0.0, oo - 2 * ro + rr)
    scale = ro / rr if rr > 0 else 0.0
    base = rr if rr > 0 else 1.0
    return _Seen(
        correlation=max(-1.0, min(1.0, correlation)),
        scale=scale,
        nmse=error / base,
        scaled_nmse=max(0.0, oo - scale * ro) / (oo if oo > 0 else 1.0),
        shift=shift,
        shifted_nmse=max(0.0, error - count * shift * shift) / base,
        energy=rr,
        other_energy=oo,
    )


@dataclass(frozen=True, slots=True)
class Match:
    """The reference tensor that a tensor looks most like."""

    name: str
    correlation: float


def best_match(other: Values, references: Mapping[str, Callable[[], Values]]) -> Match | None:
    """Which of the references (read one at a time) a tensor is, if any: for tensors found in another's place."""
    best: Match | None = None
    for name, read in references.items():
        candidate = read()
        if candidate.shape != other.shape:
            continue
        correlation = _seen(candidate.reshape(-1), other.reshape(-1)).correlation
        if best is None or correlation > best.correlation:
            best = Match(name, correlation)
    return best if best is not None and best.correlation >= MATCH else None
