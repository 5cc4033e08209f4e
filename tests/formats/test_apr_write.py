from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.apr import AprFlag, check_apr, read_apr
from pytest_aprqa.formats.apr_types import STORED_TYPES, stored_bytes
from pytest_aprqa.formats.apr_write import AprTensor, write_apr
from pytest_aprqa.formats.tensors import read_tensor

DTYPES = sorted(STORED_TYPES)


def stored(path: Path, name: str = "w") -> bytes:
    entry = read_apr(path).tensors[name]
    return path.read_bytes()[entry.start : entry.stop]


def write_one(path: Path, dtype: str, data: bytes | NDArray[Any], shape: tuple[int, ...]) -> bytes:
    write_apr(path, {}, [AprTensor("w", dtype, shape, lambda: data)])
    return stored(path)


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60, derandomize=True)
@given(
    metadata=st.dictionaries(NAMES, JSON, max_size=4),
    tensors=st.dictionaries(NAMES, st.tuples(st.sampled_from(DTYPES), SHAPES), max_size=6),
    flags=st.sampled_from((0x0400, 0, 0x0400 | 0x0220)),
)
def test_what_is_written_is_read(
    tmp_path: Path, metadata: dict[str, Json], tensors: dict[str, tuple[str, tuple[int, ...]]], flags: int
) -> None:
    path = tmp_path / "x.apr"
    contents: dict[str, bytes] = {}
    wanted = []
    for name, (dtype, axes) in tensors.items():
        shape = (*axes, 256) if STORED_TYPES[dtype].whole_rows else axes
        size = stored_bytes(dtype, math.prod(shape))
        contents[name] = bytes((len(name) + place) % 256 for place in range(size))
        wanted.append(AprTensor(name, dtype, shape, lambda name=name: contents[name]))  # type: ignore[misc]  # bound
    write_apr(path, metadata, wanted, flags=flags)
    file = read_apr(path)
    assert check_apr(path) == ()
    assert file.metadata == metadata
    assert list(file.metadata) == list(metadata)
    assert file.flags == flags
    assert list(file.tensors) == sorted(tensors, key=str.encode)
    for tensor in wanted:
        assert (file.tensors[tensor.name].dtype, file.tensors[tensor.name].shape) == (tensor.dtype, tensor.shape)
        assert stored(path, tensor.name) == contents[tensor.name]


def test_metadata_is_compact_utf8_in_the_given_order(tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    text = '{"z":"é","a":[1,2.5],"tokenizer.merges":["Ġ t"]}'.encode()
    write_apr(path, {"z": "é", "a": [1, 2.5], "tokenizer.merges": ["Ġ t"]}, [])
    assert path.read_bytes()[64 : 64 + len(text)] == text
    assert len(path.read_bytes()) == 128 + 4


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("F32", np.array([1, 0.1], np.float64), np.array([1, 0.1], "<f4")),
        ("F32", np.array([1, -2], np.float16), np.array([1, -2], "<f4")),
        ("F16", np.array([1, 0.1, 1 + 2**-11], np.float32), np.array([1, 0.1, 1], "<f2")),
        ("F16", np.array([np.inf, np.nan], np.float32), np.array([np.inf, np.nan], "<f2")),
        ("F64", np.array([0.5], np.float32), np.array([0.5], "<f8")),
        ("I32", np.array([-5, 7], np.int64), np.array([-5, 7], "<i4")),
        ("I64", np.array([-5], np.int8), np.array([-5], "<i8")),
        ("I8", np.array([-128, 127], np.int64), np.array([-128, 127], "i1")),
        ("U8", np.array([0, 255], np.uint8), np.array([0, 255], "u1")),
        ("F32", np.array([1, 0.1], ">f4"), np.array([1, 0.1], "<f4")),
    ],
)
def test_values_are_stored_in_the_dtype(
    tmp_path: Path, dtype: str, values: NDArray[Any], expected: NDArray[Any]
) -> None:
    assert write_one(tmp_path / "x.apr", dtype, values, values.shape) == expected.tobytes()


def test_bfloat16_is_rounded_to_nearest_even(tmp_path: Path) -> None:
    bits = np.arange(0, 1 << 32, 99_991, dtype=np.uint64).astype(np.uint32)
    ties = np.arange(0x3F800000, 0x3F900000, 1 << 15, dtype=np.uint32)
    values = np.concatenate((bits, ties)).view(np.float32)
    values = values[np.isfinite(values) & (np.abs(values) < 3.38e38)]
    found = np.frombuffer(write_one(tmp_path / "x.apr", "BF16", values, values.shape), "<u2").astype(np.uint32)
    below = values.view(np.uint32) >> 16
    to_below, to_above = (
        np.abs((neighbor << 16).view(np.float32).astype(np.float64) - values) for neighbor in (below, below + 1)
    )
    even = below + (below & 1)
    np.testing.assert_array_equal(found, np.where(to_below == to_above, even, below + (to_above < to_below)))
    assert (to_below == to_above).any()


def test_bfloat16_keeps_infinity_and_nan(tmp_path: Path) -> None:
    bits = np.array([0x7F800000, 0xFF800000, 0x7F800001, 0xFFFFFFFF], np.uint32)
    raw = write_one(tmp_path / "x.apr", "BF16", bits.view(np.float32), (4,))
    assert np.frombuffer(raw, "<u2").tolist() == [0x7F80, 0xFF80, 0x7FC0, 0xFFFF]


def test_an_array_is_stored_row_by_row_whatever_its_memory(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2).T
    assert write_one(tmp_path / "x.apr", "F32", values, (2, 3)) == np.array([0, 2, 4, 1, 3, 5], "<f4").tobytes()


@pytest.mark.parametrize(
    ("tensor", "problem"),
    [
        (AprTensor("w", "Q4_0", (32,), lambda: bytes(18)), "stores no Q4_0"),
        (AprTensor("w", "Q4_K", (2, 128), lambda: bytes(144)), "rows of a multiple of 256"),
        (AprTensor("w", "Q6_K", (), lambda: bytes(210)), "rows of a multiple of 256"),
        (AprTensor("w", "Q4_K", (256,), lambda: np.ones(256, np.float32)), "float32 cannot be stored as Q4_K"),
        (AprTensor("", "F32", (1,), lambda: bytes(4)), "1 to 256 bytes"),
        (AprTensor("é" * 129, "F32", (1,), lambda: bytes(4)), "1 to 256 bytes"),
        (AprTensor("\ud800", "F32", (1,), lambda: bytes(4)), "1 to 256 bytes"),
        (AprTensor("w", "F32", (1,) * 9, lambda: bytes(4)), "at most 8 axes"),
        (AprTensor("w", "F32", (-1,), lambda: bytes(4)), "shape"),
        (AprTensor("w", "F32", (0, 1 << 62), lambda: b""), "shape"),
        (AprTensor("w", "F32", (2,), lambda: bytes(4)), "expected 8 bytes as F32; found 4"),
        (AprTensor("w", "F32", (1,), lambda: bytes(8)), "expected 4 bytes as F32; found 8"),
        (AprTensor("w", "F32", (2, 3), lambda: np.ones((3, 2), np.float32)), "its values"),
        (AprTensor("w", "F32", (1,), lambda: np.ones(1, np.int32)), "int32 cannot be stored as F32"),
        (AprTensor("w", "I32", (1,), lambda: np.ones(1, np.float32)), "float32 cannot be stored as I32"),
        (AprTensor("w", "I8", (1,), lambda: np.full(1, 128)), "out of range"),
        (AprTensor("w", "F16", (1,), lambda: np.full(1, 7e4, np.float32)), "too large"),
        (AprTensor("w", "BF16", (1,), lambda: np.full(1, 3.4e38, np.float32)), "too large"),
        (AprTensor("w", "APR_Q8", (1,), lambda: np.full(1, np.nan, np.float32)), "NaN"),
        (AprTensor("w", "APR_Q4", (1,), lambda: np.full(1, np.inf, np.float32)), "NaN and infinite"),
    ],
)
def test_a_tensor_that_cannot_be_stored_is_refused_and_leaves_nothing(
    tmp_path: Path, tensor: AprTensor, problem: str
) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(b"what was there")
    with pytest.raises(ArtefactError, match=problem):
        write_apr(path, {}, [tensor])
    assert [each.name for each in tmp_path.iterdir()] == ["x.apr"]
    assert path.read_bytes() == b"what was there"


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    twice = [AprTensor("w", "U8", (1,), lambda: b"a"), AprTensor("w", "U8", (1,), lambda: b"b")]
    with pytest.raises(ArtefactError, match="there twice"):
        write_apr(tmp_path / "x.apr", {}, twice)


def test_too_many_tensors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aprqa.formats.apr_write.MAX_TENSORS", 1)
    with pytest.raises(ArtefactError, match="too many tensors"):
        write_apr(tmp_path / "x.apr", {}, [AprTensor(name, "U8", (1,), lambda: b"a") for name in "ab"])


@pytest.mark.parametrize("flags", [0x1, 0x2, 0x4, AprFlag.COLUMN_MAJOR, 0x8000, 1 << 20])
def test_flags_that_no_reader_takes_are_not_written(tmp_path: Path, flags: int) -> None:
    with pytest.raises(ArtefactError, match="flags"):
        write_apr(tmp_path / "x.apr", {}, [], flags=flags)


@pytest.mark.parametrize("value", [math.nan, object(), "\ud800", "x" * (16 << 20)])
def test_metadata_that_no_reader_takes_is_not_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(ArtefactError, match="metadata"):
        write_apr(tmp_path / "x.apr", {"a": cast("Json", value)}, [])
    assert not list(tmp_path.iterdir())


def test_an_absent_folder_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be written"):
        write_apr(tmp_path / "absent" / "x.apr", {}, [])


def test_data_is_asked_for_once_in_the_order_of_the_names(tmp_path: Path) -> None:
    asked: list[str] = []

    def asking(name: str) -> Callable[[], bytes]:
        def data() -> bytes:
            asked.append(name)
            return b"\x07"

        return data

    write_apr(tmp_path / "x.apr", {}, [AprTensor(name, "U8", (1,), asking(name)) for name in "cab"])
    assert asked == ["a", "b", "c"]


@pytest.mark.parametrize("dtype", ["Q4_K", "Q6_K"])
def test_blocks_of_ggml_are_carried_unchanged(tmp_path: Path, dtype: str) -> None:
    raw = np.random.default_rng(0).integers(0, 60, stored_bytes(dtype, 1024), np.uint8)
    write_apr(tmp_path / "x.apr", {}, [AprTensor("w", dtype, (2, 512), lambda: raw)])
    found = read_tensor(read_apr(tmp_path / "x.apr").tensors["w"])
    expected = gguf.dequantize(raw.reshape(2, -1), gguf.GGMLQuantizationType[dtype])
    assert expected.any()
    np.testing.assert_array_equal(found, expected)


def test_one_tensor_at_a_time_is_held(tmp_path: Path) -> None:
    tensors = [
        AprTensor(f"{dtype} {place}", dtype, (1 << 20,), lambda: np.ones(1 << 20, np.float32))
        for dtype in ("F32", "BF16", "APR_Q4", "APR_Q8")
        for place in range(8)
    ]
    tracemalloc.start()
    try:
        write_apr(tmp_path / "x.apr", {}, tensors)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A tensor is 4 MiB as float32; converting it takes a few more such arrays.
    assert peak_bytes < 40 << 20
