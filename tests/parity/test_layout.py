from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.parity import Layout, best_match, layout, layout_of, rope_permuted, rope_unpermuted

Floats = NDArray[np.float32]
SHAPE = (64, 256)


def weights(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32)


def norm(seed: int = 0) -> Floats:
    return (1 + 0.1 * np.random.default_rng(seed).normal(size=256)).astype(np.float32)


def two_bits(values: Floats) -> Floats:
    """Noise as strong as Q2_K's: four levels in every block of 16."""
    blocks = values.reshape(-1, 16)
    low, step = blocks.min(axis=1, keepdims=True), np.ptp(blocks, axis=1, keepdims=True) / 3
    result: Floats = (low + np.round((blocks - low) / step) * step).reshape(values.shape).astype(np.float32)
    return result


def swapped_rows(values: Floats) -> Floats:
    result = values.copy()
    result[[3, 40]] = result[[40, 3]]
    return result


def overwritten_row(values: Floats) -> Floats:
    result = values.copy()
    result[7] = weights(99)[7]
    return result


@pytest.mark.parametrize("pieces", [1, 3])
def test_sizes_of_blocks_are_those_of_whole_blocks_however_they_are_read(
    monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr(layout, "PIECE_ROWS_VALUES", 64 * 256 // pieces)
    reference = weights() * np.repeat(np.exp(weights(1).ravel()[:512] * 50), 32).reshape(SHAPE)
    other = reference.reshape(-1, 32)[:, np.random.default_rng(2).permutation(32)].reshape(SHAPE)
    found, numbers = layout_of(reference, other)
    assert found is Layout.UNRELATED
    assert numbers["block_likeness"] == pytest.approx(1.0)


def test_unrelated_tensors_are_held_in_float64_piece_by_piece() -> None:
    values = weights(shape=(1 << 22,))
    tracemalloc.start()
    try:
        assert layout_of(values, weights(1, shape=(1 << 22,)))[0] is Layout.UNRELATED
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * values.nbytes


PLANTED: dict[str, tuple[Callable[[Floats], Floats], Layout]] = {
    "same": (lambda w: w, Layout.SAME),
    "rolled down": (lambda w: np.roll(w, 1, axis=0), Layout.ROWS_SHIFTED),
    "rolled up": (lambda w: np.roll(w, -1, axis=0), Layout.ROWS_SHIFTED),
    "two rows swapped": (swapped_rows, Layout.ROWS_PERMUTED),
    "rows reversed": (lambda w: w[::-1], Layout.ROWS_PERMUTED),
    "one row overwritten": (overwritten_row, Layout.ROWS_DIFFERENT),
    "permuted": (lambda w: rope_permuted(w, 4), Layout.ROPE_PERMUTED),
    "unpermuted": (lambda w: rope_unpermuted(w, 4), Layout.ROPE_UNPERMUTED),
    "columns rolled": (lambda w: np.roll(w, 1, axis=1), Layout.COLUMNS_SHIFTED),
    "permuted for other heads": (lambda w: rope_unpermuted(rope_permuted(w, 4), 8), Layout.HEADS_REGROUPED),
    "bytes of the transpose": (lambda w: w.T.reshape(w.shape), Layout.TRANSPOSED),
    "negated": (lambda w: -w, Layout.NEGATED),
    "doubled": (lambda w: 2 * w, Layout.SCALED),
    "halved": (lambda w: np.float32(0.5) * w, Layout.SCALED),
    "zeroed": (np.zeros_like, Layout.ZEROED),
    "another": (lambda w: weights(5), Layout.UNRELATED),
}


def turned(values: Floats) -> Floats:
    """The bytes of the transpose, under the old shape."""
    return np.ascontiguousarray(values.T).reshape(values.shape)


TURNED: dict[str, tuple[Callable[[Floats], Floats], Layout]] = {
    "before": (turned, Layout.TRANSPOSED),
    "after": (lambda w: rope_unpermuted(turned(rope_permuted(w, 4)), 4), Layout.TRANSPOSED_AFTER_ROPE),
    "after, and read as stored": (lambda w: turned(rope_permuted(w, 4)), Layout.TRANSPOSED_AFTER_ROPE),
    "instead": (lambda w: rope_unpermuted(turned(w), 4), Layout.TRANSPOSED_WITHOUT_ROPE),
    "before a second one": (lambda w: rope_permuted(turned(w), 4), Layout.TRANSPOSED_BEFORE_ROPE),
}


@pytest.mark.parametrize("shape", [(96, 96), (32, 96)], ids=["square", "oblong"])
@pytest.mark.parametrize("name", TURNED)
def test_a_transpose_is_told_from_its_order_with_the_permutation(name: str, shape: tuple[int, int]) -> None:
    change, expected = TURNED[name]
    layout, numbers = layout_of(weights(shape=shape), two_bits(change(weights(shape=shape))), heads=4)
    assert layout is expected, numbers


@pytest.mark.parametrize("noise", [False, True], ids=["exact", "two bits"])
@pytest.mark.parametrize("name", PLANTED)
def test_what_was_done_to_a_matrix_is_named(name: str, noise: bool) -> None:
    change, expected = PLANTED[name]
    other = change(weights())
    if noise and name != "zeroed":
        other = two_bits(np.ascontiguousarray(other))
    layout, numbers = layout_of(weights(), other, heads=4)
    assert layout is expected, numbers


@pytest.mark.parametrize("word", ["Q4_0", "Q8_0", "BF16"])
def test_quantization_keeps_the_layout(word: str) -> None:
    kind = gguf.GGMLQuantizationType[word]
    other = gguf.dequantize(gguf.quantize(weights(), kind), kind).reshape(SHAPE)
    assert layout_of(weights(), other, heads=4)[0] is Layout.SAME


def test_a_square_transpose_is_named() -> None:
    square = weights(shape=(96, 96))
    assert layout_of(square, two_bits(np.ascontiguousarray(square.T)))[0] is Layout.TRANSPOSED


def test_a_transpose_with_its_own_shape_is_named() -> None:
    assert layout_of(weights(), weights().T)[0] is Layout.TRANSPOSED


def test_bytes_read_with_the_reversed_shape_are_named() -> None:
    reference = weights()
    read_wrongly = reference.reshape(SHAPE[::-1]).T
    assert layout_of(reference, np.ascontiguousarray(read_wrongly))[0] is Layout.TRANSPOSED


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_an_offset_norm_is_named(shift: float) -> None:
    layout, numbers = layout_of(norm(), norm() + np.float32(shift))
    assert layout is Layout.OFFSET_ONE
    assert numbers["shift"] == pytest.approx(shift, abs=1e-5)


def test_an_offset_norm_of_ones_is_an_offset_not_a_factor() -> None:
    ones = np.ones(64, np.float32)
    assert layout_of(ones, ones + 1)[0] is Layout.OFFSET_ONE


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (norm(), Layout.SAME),
        (norm().astype(np.float16).astype(np.float32), Layout.SAME),
        (1.5 * norm(), Layout.SCALED),
        (np.zeros(256, np.float32), Layout.ZEROED),
        (norm(3), Layout.UNRELATED),
        (np.roll(norm(), 1), Layout.ROWS_SHIFTED),
    ],
)
def test_what_was_done_to_a_norm_is_named(other: Floats, expected: Layout) -> None:
    assert layout_of(norm(), other)[0] is expected


def test_constant_norms_are_the_same() -> None:
    assert layout_of(np.ones(64), np.ones(64))[0] is Layout.SAME


def test_without_heads_no_rope_order_is_claimed() -> None:
    assert layout_of(weights(), rope_permuted(weights(), 4))[0] is Layout.ROWS_PERMUTED


def test_another_number_of_values_is_unrelated() -> None:
    assert layout_of(weights(), weights()[:32])[0] is Layout.UNRELATED


def test_nothing_is_unrelated_to_nothing() -> None:
    assert layout_of(np.zeros((0, 4)), np.zeros((0, 4)))[0] is Layout.UNRELATED


def test_nan_does_not_hide_the_layout() -> None:
    other = weights().T.copy()
    other[0, 0] = np.nan
    assert layout_of(weights(), other)[0] is Layout.TRANSPOSED


def test_permutations_are_inverse() -> None:
    assert np.array_equal(rope_unpermuted(rope_permuted(weights(), 4), 4), weights())


def test_the_tensor_it_is_instead_is_found() -> None:
    references = {str(seed): (lambda seed=seed: weights(seed)) for seed in range(4)}
    match = best_match(two_bits(weights(2)), references)
    assert match is not None
    assert match.name == "2"
    assert best_match(weights(9), references) is None
