"""Safetensors files and shard indexes made to hurt: refused within a second and a few megabytes, or read soundly."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import INDEX_FILE, open_checkpoint, read_gguf, read_header, read_json, read_tensor
from tests.fuzz.bounded import refused, within_bounds
from tests.fuzz.readers import try_bytes
from tests.fuzz.seeds import safetensors_bytes, safetensors_seeds, shard

HONEST = safetensors_seeds()[0]
SHARDS = ("one.safetensors", "two.safetensors")


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    with within_bounds(files=len(HONEST)):
        for size in range(len(HONEST)):
            with pytest.raises(ArtefactError):
                read_header(put(tmp_path / "x.safetensors", HONEST[:size]))
    assert read_header(put(tmp_path / "x.safetensors", HONEST)).tensors


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100, derandomize=True
)
@given(
    content=st.sampled_from(safetensors_seeds()),
    bits=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
)
def test_flipped_bits_end_in_our_error_or_in_sound_tensors(tmp_path: Path, content: bytes, bits: list[float]) -> None:
    raw = bytearray(content)
    for place in bits:
        bit = int(place * len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
    with within_bounds():
        try_bytes("safetensors", tmp_path, bytes(raw))


@pytest.mark.parametrize("shape", [[0, 1 << 62], [0, (1 << 63) - 1, (1 << 63) - 1], [1 << 60, 0]])
def test_an_empty_tensor_of_a_shape_that_no_array_has_is_refused(tmp_path: Path, shape: list[int]) -> None:
    header = {"w": {"dtype": "U8", "shape": shape, "data_offsets": [0, 0]}}
    path = put(tmp_path / "x.safetensors", safetensors_bytes(header, b""))
    assert "shape is too large" in refused(read_header, path).problem


def test_the_largest_empty_shape_can_be_made(tmp_path: Path) -> None:
    header = {"w": {"dtype": "C64", "shape": [0, (1 << 60) - 1], "data_offsets": [0, 0]}}
    path = put(tmp_path / "x.safetensors", safetensors_bytes(header, b""))
    assert read_tensor(read_header(path).tensors["w"]).size == 0


def test_a_header_of_one_huge_number_or_of_deep_lists_ends_soon(tmp_path: Path) -> None:
    for text in (
        b'{"a":' + b"9" * 1_000_000 + b"}",
        b'{"a":' + b"[" * 1_000_000,
        b'{"a":"' + b"\\u0000" * 100_000 + b'"}',
    ):
        refused(read_header, put(tmp_path / "x.safetensors", struct.pack("<Q", len(text)) + text))


@pytest.mark.parametrize("read", [read_header, read_json])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "x")
    assert "no file" in refused(read, tmp_path / "x").problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
@pytest.mark.parametrize("read", [read_header, read_json, read_gguf])
def test_a_file_that_may_not_be_read_is_our_error(tmp_path: Path, read: Callable[[Path], object]) -> None:
    put(tmp_path / "x", b"").chmod(0)
    assert "cannot be read" in refused(read, tmp_path / "x").problem


def test_a_small_json_file_takes_little_memory_whatever_is_allowed(tmp_path: Path) -> None:
    path = put(tmp_path / "x.json", b'{"a": 1}')
    with within_bounds():
        assert read_json(path, max_bytes=1 << 34) == {"a": 1}


def indexed(folder: Path, weight_map: object, *, total: object = 16) -> Path:
    """A folder of two honest shards and an index."""
    for name, tensor in zip(SHARDS, "ab", strict=True):
        put(folder / name, shard(tensor))
    put(folder / INDEX_FILE, json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}).encode())
    return folder


@pytest.mark.parametrize(
    ("weight_map", "problem"),
    [
        ({"a": INDEX_FILE}, "no safe file"),
        ({"a": "../one.safetensors"}, "no safe file"),
        ({"a": "one.safetensors\0"}, "no safe file"),
        ({"a": "one\0.safetensors"}, "no safe file"),
        ({"a": "x" * 300 + ".safetensors"}, "no safe file"),
        ({"a": "~.safetensors"}, "shards are missing"),
        ({"a": "\ud800.safetensors"}, ""),
        ({"a" * 5000: "one.safetensors"}, "not where it should be"),
    ],
)
def test_an_index_that_leads_elsewhere_is_refused(tmp_path: Path, weight_map: object, problem: str) -> None:
    assert problem in refused(open_checkpoint, indexed(tmp_path, weight_map)).problem


def test_an_index_that_names_itself_through_a_link_is_refused(tmp_path: Path) -> None:
    indexed(tmp_path, {"a": "loop.safetensors"})
    (tmp_path / "loop.safetensors").symlink_to(INDEX_FILE)
    assert "header" in refused(open_checkpoint, tmp_path).problem


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    indexed(tmp_path, {"a": "x.safetensors", "b": "y.safetensors"})
    (tmp_path / "x.safetensors").symlink_to("y.safetensors")
    (tmp_path / "y.safetensors").symlink_to("x.safetensors")
    refused(open_checkpoint, tmp_path)


def test_the_same_shard_under_two_names_is_refused(tmp_path: Path) -> None:
    indexed(tmp_path, {"a": "one.safetensors", "b": "again.safetensors"})
    (tmp_path / "again.safetensors").symlink_to("one.safetensors")
    assert "in two files" in refused(open_checkpoint, tmp_path).problem


def test_another_index_as_a_shard_is_refused(tmp_path: Path) -> None:
    indexed(tmp_path, {"a": "other.safetensors"})
    put(tmp_path / "other.safetensors", (tmp_path / INDEX_FILE).read_bytes())
    assert "header" in refused(open_checkpoint, tmp_path).problem


_NAMES = st.sampled_from((*SHARDS, INDEX_FILE, "..", ".", "/", "\0", "../one.safetensors")) | st.text(max_size=12)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100, derandomize=True
)
@given(
    weight_map=st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), _NAMES | st.none() | st.integers()),
    total=st.none() | st.integers() | st.floats(allow_nan=False) | st.booleans(),
)
def test_any_index_ends_in_our_error_or_in_the_honest_shards(
    tmp_path: Path, weight_map: dict[str, object], total: object
) -> None:
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    with within_bounds():
        refusal = try_bytes("safetensors", tmp_path, json.dumps(index).encode())
    assert refusal or weight_map == dict(zip("ab", SHARDS, strict=True)) or set(weight_map) < {"a", "b"}
