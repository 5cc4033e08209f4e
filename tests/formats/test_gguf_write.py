from __future__ import annotations

import gc
import weakref
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats import GgufTensor, GgufValue, block_types, read_gguf, read_tensor, write_gguf

WEIGHT = GgufTensor("w", "F32", (2, 3), lambda: np.arange(6, dtype=np.float32))


def test_values_come_back_with_their_types(tmp_path: Path) -> None:
    fields: dict[str, Json | GgufValue] = {
        "general.architecture": "llama",
        "a.count": 7,
        "a.minus": -7,
        "a.long": 1 << 40,
        "a.low": -(1 << 40),
        "a.eps": 0.5,
        "a.yes": True,
        "a.texts": ["", "é"],
        "a.numbers": [1, -2],
        "a.mixed": [1, 0.5],
        "a.flags": [True, False],
        "a.none": [],
        "a.named": GgufValue(3, "u16"),
        "a.exact": GgufValue(0.1, "f64"),
        "a.bytes": GgufValue([1, 255], "[u8]"),
    }
    write_gguf(tmp_path / "x.gguf", fields, [WEIGHT])
    file = read_gguf(tmp_path / "x.gguf")
    plain = {key: value.value if isinstance(value, GgufValue) else value for key, value in fields.items()}
    del plain["a.none"]
    assert file.fields == plain
    assert list(file.types.values()) == [
        *("string", "u32", "i32", "u64", "i64", "f32", "bool"),
        *("[string]", "[i32]", "[f32]", "[bool]", "u16", "f64", "[u8]"),
    ]
    assert read_tensor(file.tensors["w"]).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_package_reads_what_we_write(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 192, dtype=np.float32).reshape(2, 96)
    tensors = [
        GgufTensor("q", "Q8_0", (2, 96), lambda: block_types.encode("Q8_0", values)),
        GgufTensor("b", "BF16", (2, 96), lambda: block_types.encode("BF16", values)),
        GgufTensor("h", "F16", (192,), lambda: values.astype(np.float16)),
        GgufTensor("big", "F32", (192,), lambda: values.astype(">f4")),
        GgufTensor("e", "F32", (0, 3), lambda: np.empty((0, 3), np.float32)),
        GgufTensor("s", "F32", (), lambda: np.array(3, np.float32)),
    ]
    path = tmp_path / "x.gguf"
    write_gguf(path, {"general.alignment": 64}, tensors)
    theirs = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    assert theirs["q"].tensor_type.name == "Q8_0"
    np.testing.assert_allclose(gguf.quants.dequantize(theirs["q"].data, theirs["q"].tensor_type), values, atol=0.005)
    np.testing.assert_array_equal(theirs["h"].data, values.reshape(-1).astype(np.float16))
    np.testing.assert_array_equal(theirs["big"].data, values.reshape(-1))
    ours = read_gguf(path)
    assert all(entry.start % 64 == 0 for entry in ours.tensors.values())
    assert ours.tensors["e"].shape == (0, 3)
    assert read_tensor(ours.tensors["s"]) == 3
    np.testing.assert_allclose(read_tensor(ours.tensors["b"]), values, rtol=0.004)


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=9)
_VALUES = st.one_of(
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(width=32, allow_nan=False),
    _TEXTS,
    st.lists(_TEXTS, min_size=1),
    st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=1),
    st.lists(st.floats(width=32, allow_nan=False), min_size=1),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60, derandomize=True)
@given(fields=st.dictionaries(_TEXTS.filter(bool).map("k.".__add__), _VALUES, max_size=5))
def test_any_fields_come_back_equal_and_their_copy_is_the_same_file(tmp_path: Path, fields: dict[str, Json]) -> None:
    path, copy = tmp_path / "x.gguf", tmp_path / "y.gguf"
    write_gguf(path, fields, [])
    file = read_gguf(path)
    assert file.fields == fields
    write_gguf(copy, {key: GgufValue(value, file.types[key]) for key, value in file.fields.items()}, [])
    assert copy.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "cannot store NoneType"),
        ({"a": 1}, "cannot store dict"),
        ([1, "a"], "must have one type"),
        ([True, 1], "must have one type"),
        ([[1]], "cannot be stored as array"),
        (1 << 64, "cannot be stored as i64"),
        (GgufValue(256, "u8"), "cannot be stored as u8"),
        (GgufValue(True, "u8"), "cannot be stored as u8"),
        (GgufValue(1, "bool"), "cannot be stored as bool"),
        (GgufValue(1, "string"), "cannot be stored as string"),
        (GgufValue("1", "f32"), "cannot be stored as f32"),
        (GgufValue(1, "[u8]"), "does not suit"),
        (GgufValue([1], "u8"), "does not suit"),
        (GgufValue(1, "u7"), "u7"),
        (GgufValue(1.5, "u8"), "cannot be stored as u8"),
        (1e300, "cannot be stored as f32"),
        (GgufValue(10**400, "f64"), "cannot be stored as f64"),
        ("\ud800", "surrogates"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(tmp_path: Path, value: Json | GgufValue, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        write_gguf(tmp_path / "x.gguf", {"k": value}, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("alignment", [0, 4, 24, 1 << 32, "32", True])
def test_an_alignment_that_is_none_is_refused(tmp_path: Path, alignment: Json) -> None:
    with pytest.raises(ValueError, match="no power of two"):
        write_gguf(tmp_path / "x.gguf", {"general.alignment": alignment}, [])


@pytest.mark.parametrize(
    ("tensor", "problem"),
    [
        (GgufTensor("w", "F32", (7,), WEIGHT.data), "24 bytes of data where"),
        (GgufTensor("w", "APR_Q4", (6,), WEIGHT.data), "no type APR_Q4"),
        (GgufTensor("w", "Q8_0", (6,), WEIGHT.data), "do not divide"),
        (GgufTensor("w" * 64, "F32", (6,), WEIGHT.data), "at most 63 bytes"),
        (GgufTensor("w", "F32", (1, 1, 1, 1, 6), WEIGHT.data), "at most 4 axes"),
    ],
)
def test_a_tensor_that_gguf_cannot_hold_is_refused(tmp_path: Path, tensor: GgufTensor, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        write_gguf(tmp_path / "x.gguf", {}, [tensor])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "k" * 65536])
def test_a_key_that_gguf_cannot_hold_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="a key has"):
        write_gguf(tmp_path / "x.gguf", {key: 1}, [])


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Duplicated"):
        write_gguf(tmp_path / "x.gguf", {}, [WEIGHT, WEIGHT])


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def broken() -> NDArray[np.float32]:
        raise RuntimeError("the source is gone")

    path = tmp_path / "x.gguf"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="gone"):
        write_gguf(path, {}, [WEIGHT, GgufTensor("v", "F32", (6,), broken)])
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x.gguf", b"old")]


def test_a_folder_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtefactError, match="cannot be written"):
        write_gguf(tmp_path / "file" / "x.gguf", {}, [WEIGHT])


def test_one_tensor_is_in_memory_at_a_time(tmp_path: Path) -> None:
    made: list[weakref.ref[NDArray[np.float32]]] = []
    alive: list[int] = []

    def data() -> NDArray[np.float32]:
        gc.collect()
        alive.append(sum(reference() is not None for reference in made))
        array = np.ones(1000, np.float32)
        made.append(weakref.ref(array))
        return array

    write_gguf(tmp_path / "x.gguf", {}, [GgufTensor(f"t{number}", "F32", (1000,), data) for number in range(5)])
    assert alive == [0, 0, 0, 0, 0]
