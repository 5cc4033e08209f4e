from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import Values, blocks, read_header, read_tensor

GOOD = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}


def write(path: Path, header: object, data: bytes = bytes(24)) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_golden_bytes_are_read(tmp_path: Path) -> None:
    text = b'{"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},'
    text += b'"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   '
    path = write(tmp_path / "x.safetensors", text, b"\0\0\x80\x3f\0\0\0\xc0\x07\x09")
    header = read_header(path)
    assert header.metadata == {"format": "pt"}
    assert list(header.tensors) == ["a", "b"]
    assert header.tensors["a"].start == 8 + len(text)
    assert read_tensor(header.tensors["a"]).tolist() == [[1.0, -2.0]]
    assert read_tensor(header.tensors["b"]).tolist() == [7, 9]


def test_what_the_library_writes_comes_back_equal(tmp_path: Path) -> None:
    arrays: dict[str, Values] = {
        "matrix": np.arange(12, dtype=np.float16).reshape(3, 4),
        "empty": np.zeros((0, 5), np.float32),
        "scalar": np.array(3.5),
        "mask": np.array([True, False]),
    }
    path = tmp_path / "x.safetensors"
    path.write_bytes(save(arrays))
    header = read_header(path)
    for name, array in arrays.items():
        found = read_tensor(header.tensors[name])
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ([], "no JSON object"),
        (b'{"w": ', "JSON is broken"),
        (b'{"a":{},"a":{}}', "there twice"),
        (b'{"a":' * 40_000, "nested too deep"),
        (b"{" + b"[" * 4_000_001, "too many values"),
        (b'{"\xff":1}', "JSON is broken"),
        ({"w": 1}, "malformed entry"),
        ({"w": {"dtype": "F32", "shape": [2, 3]}}, "malformed entry"),
        ({"w": GOOD["w"] | {"extra": 1}}, "malformed entry"),
        ({"w": GOOD["w"] | {"dtype": "Q4_0"}}, "unknown dtype"),
        ({"w": GOOD["w"] | {"dtype": ["F32"]}}, "unknown dtype"),
        ({"w": GOOD["w"] | {"shape": [-2, -3]}}, "shape"),
        ({"w": GOOD["w"] | {"shape": [True, 6]}}, "shape"),
        ({"w": GOOD["w"] | {"shape": [1 << 64, 0]}}, "shape"),
        ({"w": GOOD["w"] | {"shape": [1] * 17}}, "shape"),
        ({"w": GOOD["w"] | {"shape": [1 << 40, 1 << 40]}}, "does not fill its bytes"),
        ({"w": GOOD["w"] | {"data_offsets": [0, 20]}}, "does not fill its bytes"),
        ({"w": GOOD["w"] | {"data_offsets": [24, 0]}}, "data_offsets"),
        ({"w": GOOD["w"] | {"data_offsets": [0]}}, "data_offsets"),
        ({"w": GOOD["w"] | {"data_offsets": [4, 28]}}, "leaves a hole"),
        ({**GOOD, "v": GOOD["w"]}, "overlaps"),
        ({"w" * 1025: GOOD["w"]}, "too long"),
        ({}, "belong to no tensor"),
        ({**GOOD, "v": {"dtype": "U8", "shape": [9], "data_offsets": [24, 33]}}, "truncated"),
        ({**GOOD, "__metadata__": []}, "__metadata__"),
        ({**GOOD, "__metadata__": {"format": 1}}, "__metadata__"),
    ],
)
def test_a_forbidden_header_is_refused(tmp_path: Path, header: object, problem: str) -> None:
    path = write(tmp_path / "x.safetensors", header)
    with pytest.raises(ArtefactError, match=problem):
        read_header(path)


@pytest.mark.parametrize("length", [0, 1, 33, 100_000_001, 1 << 63, (1 << 64) - 1])
def test_a_header_length_that_cannot_be_is_refused_before_reading(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", length) + bytes(32))
    with pytest.raises(ArtefactError, match="header's length") as caught:
        read_header(path)
    assert caught.value.offset == 0
    assert caught.value.found == str(length)


def test_the_error_names_the_offset(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"w": GOOD["w"] | {"data_offsets": [4, 28]}}, bytes(28))
    with pytest.raises(ArtefactError) as caught:
        read_header(path)
    start = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    assert caught.value.offset == start + 4
    assert caught.value.expected == f"{start:#x}"


def test_an_absent_file_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_header(tmp_path / "x.safetensors")


_HONEST = save({"a.weight": np.ones((3, 4), np.float32), "b": np.ones(5, np.float16)}, metadata={"format": "pt"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(data=st.data())
def test_mutated_bytes_end_in_our_error_or_in_sound_extents(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(_HONEST)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.safetensors"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        header = read_header(path)
    except ArtefactError:
        return
    for entry in header.tensors.values():
        assert 8 <= entry.start <= entry.stop <= path.stat().st_size
        read_tensor(entry)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(header=st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists, max_leaves=9))
@example(header={"w": {"dtype": "F32", "shape": {}, "data_offsets": None}})
def test_any_json_as_header_ends_in_our_error(tmp_path: Path, header: object) -> None:
    with pytest.raises(ArtefactError):
        read_header(write(tmp_path / "x.safetensors", {"w": header}))


def encode_one(path: Path, dtype: str, raw: bytes, size: int) -> Path:
    count = len(raw) // size
    return write(path, {"w": {"dtype": dtype, "shape": [count], "data_offsets": [0, len(raw)]}}, raw)


@pytest.mark.parametrize(
    ("dtype", "raw", "expected"),
    [
        ("BF16", struct.pack("<3H", 0x3F80, 0xC040, 0x7F80), [1.0, -3.0, np.inf]),
        ("F8_E4M3", bytes([0x38, 0xB8, 0x7E, 0x01, 0x7F]), [1.0, -1.0, 448.0, 2.0**-9, np.nan]),
        ("F8_E5M2", bytes([0x3C, 0xBC, 0x7B, 0x01, 0x7C]), [1.0, -1.0, 57344.0, 2.0**-16, np.inf]),
        ("F8_E4M3FNUZ", bytes([0x40, 0x7F, 0x80]), [1.0, 240.0, np.nan]),
        ("F8_E5M2FNUZ", bytes([0x40, 0x7F, 0x80]), [1.0, 57344.0, np.nan]),
        ("F8_E8M0", bytes([0, 127, 130, 255]), [2.0**-127, 1.0, 8.0, np.nan]),
    ],
)
def test_short_floats_are_decoded_exactly(tmp_path: Path, dtype: str, raw: bytes, expected: list[float]) -> None:
    path = encode_one(tmp_path / "x.safetensors", dtype, raw, 2 if dtype == "BF16" else 1)
    np.testing.assert_array_equal(read_tensor(read_header(path).tensors["w"]), np.array(expected, np.float32))


def test_four_bit_floats_are_counted_but_not_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"w": {"dtype": "F4", "shape": [2, 3], "data_offsets": [0, 3]}}, bytes(3))
    entry = read_header(path).tensors["w"]
    with pytest.raises(ArtefactError, match="cannot be decoded"):
        next(blocks(entry))


def test_blocks_are_bounded_and_cover_the_tensor(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(save({"w": np.arange(10, dtype=np.float32).reshape(2, 5)}))
    parts = list(blocks(read_header(path).tensors["w"], max_values=4))
    assert [part.size for part in parts] == [4, 4, 2]
    assert np.concatenate(parts).tolist() == list(range(10))


def test_a_file_that_shrank_after_its_header_was_read_is_our_error(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(save({"w": np.ones(10, np.float32)}))
    entry = read_header(path).tensors["w"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ArtefactError, match="ends inside"):
        list(blocks(entry, max_values=3))
