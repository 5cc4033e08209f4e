from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_aprqa.formats import apr_types
from pytest_aprqa.formats.apr_types import APR_TYPES, CODES, STORED_TYPES, decode, encode, stored_bytes

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e5, max_value=1e5)
single = np.float32


def rounded(value: np.float32) -> int:
    """Halves away from zero, one value at a time in exact arithmetic."""
    whole = math.floor(abs(float(value)))
    whole += abs(float(value)) - whole >= 0.5
    return whole if value >= 0 else -whole


def q8_by_hand(values: list[float]) -> bytes:
    numbers = [single(value) for value in values]
    scale = single(max(map(abs, numbers), default=single(0)) / single(127))
    scale = scale if scale > 0 else single(1)
    codes = [max(-127, min(127, rounded(number / scale))) for number in numbers]
    return struct.pack(f"<f{len(codes)}b", scale, *codes)


def q4_by_hand(values: list[float]) -> bytes:
    stored = b""
    for start in range(0, len(values), 32):
        block = [single(value) for value in values[start : start + 32]]
        scale = single(max(map(abs, block)) / single(7))
        scale = scale if scale > 0 else single(1)
        codes = [max(-8, min(7, rounded(number / scale))) + 8 for number in block]
        codes += [0] * (32 - len(codes))
        stored += struct.pack("<e", scale) + bytes(
            low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True)
        )
    return stored


@settings(deadline=None, max_examples=100, derandomize=True)
@given(values=st.lists(FINITE, max_size=100))
@example(values=[0.0] * 33)
@example(values=[7.0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, -0.49999997])
@example(values=[127.0, 0.5, -0.5, 126.5, 0.49999997])
@example(values=[1e-45, 0.0, -1e-45])
def test_the_bytes_are_those_of_the_definition(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert encode("APR_Q8", array) == q8_by_hand(values)
    assert encode("APR_Q4", array) == q4_by_hand(values)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(values=st.lists(st.floats(width=32, min_value=-1e4, max_value=1e4), min_size=1, max_size=100))
def test_a_value_comes_back_within_half_a_step(values: list[float]) -> None:
    array = np.array(values, np.float32)
    raw = np.frombuffer(encode("APR_Q8", array), np.uint8)
    step = max(float(np.abs(array).max()) / 127, 1e-30)
    assert np.abs(decode("APR_Q8", raw, array.size) - array).max() <= step * 0.50001
    raw = np.frombuffer(encode("APR_Q4", array), np.uint8)
    decoded = decode("APR_Q4", raw, array.size)
    for start in range(0, array.size, 32):
        block = array[start : start + 32]
        # Half a step, the scale's rounding to float16 on seven steps, and the scales that count as 0.
        allowed = float(np.abs(block).max()) * (0.5 / 7 + 2**-11) * 1.0001 + 7 * 2**-14
        assert np.abs(decoded[start : start + 32] - block).max() <= allowed


def test_even_places_are_low_nibbles() -> None:
    values = np.zeros(32, np.float32)
    values[:4] = 7, -7, 1, 2
    raw = encode("APR_Q4", values)
    assert raw[:4] == struct.pack("<e", 1.0) + bytes((15 | 1 << 4, 9 | 10 << 4))
    np.testing.assert_array_equal(decode("APR_Q4", np.frombuffer(raw, np.uint8), 32), values)


@pytest.mark.parametrize(
    ("scale", "decoded"),
    [
        (b"\x00\x3c", 7.0),
        (b"\x00\xbc", -7.0),
        (b"\x00\x04", 7 * 2.0**-14),
        (b"\xff\x03", 0.0),
        (b"\xff\x83", 0.0),
        (b"\x00\x7c", 0.0),
        (b"\x00\xfc", 0.0),
        (b"\x01\x7e", 0.0),
        (b"\x00\x00", 0.0),
    ],
)
def test_a_scale_that_is_not_normal_counts_as_zero(scale: bytes, decoded: float) -> None:
    raw = np.frombuffer(scale + b"\xff" * 16, np.uint8)
    with np.errstate(all="raise"):
        assert decode("APR_Q4", raw, 3).tolist() == [decoded] * 3


def test_the_smallest_code_has_no_positive_mirror() -> None:
    raw = np.frombuffer(b"\x00\x3c" + bytes(16), np.uint8)
    assert decode("APR_Q4", raw, 32).tolist() == [-8.0] * 32
    raw = np.frombuffer(struct.pack("<f3b", 0.5, -128, 127, -1), np.uint8)
    assert decode("APR_Q8", raw, 3).tolist() == [-64.0, 63.5, -0.5]


def test_a_broken_scale_of_q8_shows_in_its_values() -> None:
    raw = np.frombuffer(struct.pack("<f2b", math.nan, 1, 0), np.uint8)
    assert np.isnan(decode("APR_Q8", raw, 2)).all()


@pytest.mark.parametrize("dtype", sorted(APR_TYPES))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(dtype: str, value: float) -> None:
    values = np.ones(70, np.float32)
    values[40] = value
    with pytest.raises(ValueError, match="NaN and infinite"):
        encode(dtype, values)


def test_a_scale_beyond_float16_is_refused() -> None:
    with pytest.raises(ValueError, match="too large for APR_Q4"):
        encode("APR_Q4", np.array([1e6], np.float32))
    assert decode("APR_Q8", np.frombuffer(encode("APR_Q8", np.array([1e38], np.float32)), np.uint8), 1)[0] > 9e37


@pytest.mark.parametrize("dtype", sorted(APR_TYPES))
def test_any_shape_and_many_chunks_give_the_same_bytes(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values: NDArray[np.float32] = np.sin(np.arange(1000, dtype=np.float32)).reshape(10, 100)
    whole = encode(dtype, values)
    monkeypatch.setattr(apr_types, "_CHUNK_VALUES", 96)
    assert encode(dtype, values.reshape(-1)) == whole
    assert len(whole) == stored_bytes(dtype, 1000)


@pytest.mark.parametrize("dtype", sorted(APR_TYPES))
def test_no_values_are_no_blocks(dtype: str) -> None:
    raw = encode(dtype, np.empty((0, 5), np.float32))
    assert len(raw) == stored_bytes(dtype, 0)
    assert decode(dtype, np.frombuffer(raw, np.uint8), 0).size == 0


def test_the_wrong_number_of_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="33 values of APR_Q4 are 36 bytes"):
        decode("APR_Q4", np.zeros(18, np.uint8), 33)
    with pytest.raises(ValueError, match="not one of"):
        decode("F32", np.zeros(4, np.uint8), 1)
    with pytest.raises(ValueError, match="stores no Q5_K"):
        stored_bytes("Q5_K", 256)


def test_the_dtype_bytes_are_those_of_the_format() -> None:
    assert {name: stored.code for name, stored in STORED_TYPES.items()} == {
        "F32": 0,
        "F16": 1,
        "F64": 3,
        "I32": 4,
        "I64": 5,
        "I8": 6,
        "U8": 7,
        "Q4_K": 12,
        "Q6_K": 14,
        "BF16": 30,
        "APR_Q4": 128,
        "APR_Q8": 129,
    }
    assert {code: CODES[code] for code in (8, 9)} == {8: "APR_Q4", 9: "APR_Q8"}
    assert 2 not in CODES
    assert stored_bytes("Q4_K", 512) == 288
    assert stored_bytes("Q6_K", 256) == 210
