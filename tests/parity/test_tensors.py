from __future__ import annotations

import math

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.core import AprqaError
from pytest_aprqa.parity import Quantity, compare_tensors, limit_for
from pytest_aprqa.parity import tensors as module

Floats = NDArray[np.float32]


def weights(rows: int = 64, columns: int = 512, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(0, 0.02, (rows, columns)).astype(np.float32)


def stored(values: Floats, word: str) -> Floats:
    kind = gguf.GGMLQuantizationType[word]
    result: Floats = gguf.dequantize(gguf.quantize(values, kind), kind).reshape(values.shape)
    return result


def test_a_copy_is_identical() -> None:
    error = compare_tensors(weights(), weights().copy())
    assert error.identical
    assert (error.nmse, error.max_abs, error.scale) == (0.0, 0.0, 1.0)
    assert error.cosine == pytest.approx(1.0)
    assert error.values == 64 * 512


def test_one_changed_value_is_not_identical() -> None:
    other = weights()
    other[3, 5] = np.nextafter(other[3, 5], np.float32(1))
    assert compare_tensors(weights(), other).different == 1


def test_nan_and_infinity_are_counted_and_never_equal() -> None:
    reference, other = weights(), weights()
    reference[0, 0] = other[0, 0] = np.nan
    other[0, 1] = np.inf
    error = compare_tensors(reference, other)
    assert (error.nan_count, error.inf_count, error.reference_not_finite) == (1, 1, 1)
    assert error.different == 2
    assert not error.identical
    assert error.values == 64 * 512 - 2
    assert error.nmse == 0.0


def test_infinities_in_the_same_place_are_not_equal() -> None:
    reference = np.array([np.inf, 1.0])
    assert compare_tensors(reference, reference.copy()).different == 1


def test_nothing_but_nan_compares_nothing() -> None:
    error = compare_tensors(weights(), np.full((64, 512), np.nan, np.float32))
    assert error.values == 0
    assert not error.identical


def test_an_empty_tensor_compares_nothing() -> None:
    error = compare_tensors(np.zeros((0, 4)), np.zeros((0, 4)))
    assert error.values == 0
    assert not error.identical


def test_zeros_against_values_are_infinitely_far() -> None:
    error = compare_tensors(np.zeros((2, 32)), np.ones((2, 32)))
    assert math.isinf(error.nmse)
    assert error.cosine == 0.0


def test_values_lost_to_zero_cost_everything() -> None:
    error = compare_tensors(weights(), np.zeros_like(weights()))
    assert error.nmse == pytest.approx(1.0)
    assert error.cosine == 0.0
    assert error.scale == 0.0


def test_the_factor_is_found() -> None:
    assert compare_tensors(weights(), 1.5 * weights()).scale == pytest.approx(1.5)


def test_shapes_must_agree() -> None:
    with pytest.raises(AprqaError, match=r"expected \(64, 512\); found \(512, 64\)"):
        compare_tensors(weights(), weights().T)


def test_pieces_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, other = weights(33, 300), stored(weights(33, 320)[:, :320], "Q4_0")[:, :300]
    whole = compare_tensors(reference, other)
    monkeypatch.setattr(module, "PIECE", 256)
    pieces = compare_tensors(reference, other)
    assert pieces.nmse == pytest.approx(whole.nmse)
    assert pieces.small.nmse == pytest.approx(whole.small.nmse)
    assert (pieces.small.nmse_index, pieces.large.nmse_index) == (whole.small.nmse_index, whole.large.nmse_index)


@pytest.mark.parametrize("word", ["Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "F16", "BF16"])
def test_healthy_quantization_is_within_its_limits(word: str) -> None:
    error = compare_tensors(weights(), stored(weights(), word))
    assert limit_for(word, Quantity.TENSOR_NMSE).holds(1.5 * error.nmse)
    assert limit_for(word, Quantity.TENSOR_COSINE).holds(error.cosine)
    assert limit_for(word, Quantity.BLOCK_NMSE).holds(error.block_nmse)
    assert limit_for(word, Quantity.BLOCK_SCALE).holds(error.block_scale_error)


@pytest.mark.parametrize("word", ["Q8_0", "Q6_K", "Q5_0", "Q4_K", "Q4_0", "Q3_K", "Q2_K"])
@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("block", [32, 256])
def test_one_wrong_block_scale_cannot_hide(word: str, factor: float, block: int) -> None:
    reference = weights(256, 512)
    other = stored(reference, "Q4_0" if word.endswith("K") else word).reshape(-1)
    start = 40 * block
    other[start : start + block] *= factor
    error = compare_tensors(reference, other.reshape(reference.shape))
    assert limit_for("Q4_0", Quantity.TENSOR_NMSE).holds(error.nmse)  # the tensor's mean does not see it
    assert not limit_for(word, Quantity.BLOCK_SCALE).holds(error.block_scale_error)
    worst = error.small if block == 32 else error.large
    assert worst.scale_index == 40
    assert worst.scale == pytest.approx(factor, rel=0.1)


def test_one_overwritten_block_cannot_hide() -> None:
    reference = weights(256, 512)
    other = stored(reference, "Q4_0").reshape(-1)
    other[320:352] = other[3200:3232]
    error = compare_tensors(reference, other.reshape(reference.shape))
    assert not limit_for("Q2_K", Quantity.BLOCK_NMSE).holds(error.block_nmse)
    assert error.small.nmse_index == 10


def test_a_silent_sub_block_is_forgiven_its_relative_error() -> None:
    reference = weights(1, 256)
    reference[0, :32] *= 1e-3
    other = reference.copy()
    other[0, :32] = 0
    assert compare_tensors(reference, other).small.nmse < 1e-4
