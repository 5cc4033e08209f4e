"""GGUF files made to hurt: each is refused within a second and a few megabytes, or read soundly."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import gguf_cursor, read_gguf, read_tensor
from tests.fuzz import gguf_bytes as g
from tests.fuzz.bounded import refused, within_bounds
from tests.fuzz.readers import try_bytes
from tests.fuzz.seeds import EVERY_FIELD, GGUF_HONEST, gguf_part, gguf_seeds

INFO = g.info("w", [2], 0, 0)
HUGE = ((1 << 32) - 1, (1 << 61) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    # The last tensor's last byte is the file's last.
    with within_bounds(files=len(GGUF_HONEST)):
        for size in range(len(GGUF_HONEST)):
            with pytest.raises(ArtefactError):
                read_gguf(put(tmp_path / "x.gguf", GGUF_HONEST[:size]))
    assert read_gguf(put(tmp_path / "x.gguf", GGUF_HONEST)).tensors


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100, derandomize=True
)
@given(content=st.sampled_from(gguf_seeds()), bits=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4))
def test_flipped_bits_end_in_our_error_or_in_sound_tensors(tmp_path: Path, content: bytes, bits: list[float]) -> None:
    raw = bytearray(content)
    for place in bits:
        bit = int(place * len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
    with within_bounds():
        try_bytes("gguf", tmp_path, bytes(raw))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100, derandomize=True
)
@given(st.integers(0, len(GGUF_HONEST) - 8), st.sampled_from(HUGE), st.sampled_from((4, 8)))
def test_huge_numbers_anywhere_end_in_our_error_or_in_sound_tensors(
    tmp_path: Path, at: int, number: int, size: int
) -> None:
    raw = bytearray(GGUF_HONEST)
    raw[at : at + size] = number.to_bytes(8, "little")[:size]
    with within_bounds():
        try_bytes("gguf", tmp_path, bytes(raw))


@pytest.mark.parametrize("number", HUGE)
def test_a_huge_count_is_refused_wherever_it_stands(tmp_path: Path, number: int) -> None:
    hostile = {
        "tensors": g.file([], [INFO], bytes(8), counts=(number, 0)),
        "fields": g.file(EVERY_FIELD, counts=(0, number)),
        "key": b"GGUF" + g.u32(3) + g.u64(0) + g.u64(1) + g.u64(number) + bytes(64),
        "text": g.file([g.field("k", "string", g.u64(number))], [INFO], bytes(64)),
        "numbers": g.file([g.field("k", "array", g.u32(12) + g.u64(number))], [INFO], bytes(64)),
        "texts": g.file([g.field("k", "array", g.u32(8) + g.u64(number))], [INFO], bytes(64)),
        "arrays": g.file([g.field("k", "array", g.u32(9) + g.u64(number))], [INFO], bytes(64)),
        "dims": g.file([], [g.info("w", [number], 0, 0)], bytes(64)),
        "offset": g.file([], [g.info("w", [2], 0, number & ~31)], bytes(64)),
        "rank": g.file([], [g.text("w") + g.u32(min(number, (1 << 32) - 1))], bytes(64)),
    }
    for content in hostile.values():
        refused(read_gguf, put(tmp_path / "x.gguf", content))


def sparse(path: Path, content: bytes, size: int) -> Path:
    """A file that claims to be large and takes no room."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.truncate(size)
    return path


@pytest.mark.parametrize("kind", ["u8", "f64", "string", "array"])
def test_a_large_file_cannot_make_a_large_list(tmp_path: Path, kind: str) -> None:
    content = g.header([g.field("k", "array", g.u32(g.CODES[kind][0]) + g.u64(1 << 30))])
    error = refused(read_gguf, sparse(tmp_path / "x.gguf", content, 1 << 40))
    assert "too many" in error.problem


def test_many_small_arrays_share_one_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_cursor, "_MAX_ITEMS", 100)
    fields = [g.field(key, "array", g.array("u8", [0] * 70)) for key in "ab"]
    error = refused(read_gguf, put(tmp_path / "x.gguf", g.file(fields)))
    assert "too many" in error.problem
    assert (error.expected, error.found) == ("at most 30", "70")


def test_a_large_file_cannot_have_a_large_text(tmp_path: Path) -> None:
    content = g.header([g.field("k", "string", g.u64(1 << 35))])
    assert "too large" in refused(read_gguf, sparse(tmp_path / "x.gguf", content, 1 << 40)).problem


def test_a_large_file_cannot_have_millions_of_tensors_or_fields(tmp_path: Path) -> None:
    for counts in ((1 << 20, 0), (0, 1 << 20)):
        content = g.header(counts=counts)
        assert "too many" in refused(read_gguf, sparse(tmp_path / "x.gguf", content, 1 << 40)).problem


def test_arrays_in_arrays_end_soon(tmp_path: Path) -> None:
    deep = (g.u32(9) + g.u64(1)) * 10_000
    assert (
        "nested too deep" in refused(read_gguf, put(tmp_path / "x.gguf", g.file([g.field("k", "array", deep)]))).problem
    )


def test_wide_nests_of_empty_arrays_are_counted(tmp_path: Path) -> None:
    empty = g.u32(0) + g.u64(0)
    row = g.u32(9) + g.u64(100) + empty * 100
    with within_bounds():
        value = read_gguf(put(tmp_path / "x.gguf", g.file([g.field("k", "array", row)]))).fields["k"]
    assert value == [[]] * 100


def test_a_tensor_that_starts_in_the_header_cannot_be_said(tmp_path: Path) -> None:
    # Offsets count from the data's start and are unsigned: the largest wraps nothing around.
    error = refused(read_gguf, put(tmp_path / "x.gguf", g.file([], [g.info("w", [2], 0, (1 << 64) - 32)], bytes(64))))
    assert "does not end inside" in error.problem


def test_tensors_that_share_bytes_are_refused_in_any_order(tmp_path: Path) -> None:
    for offsets in ((0, 32), (32, 0)):
        infos = [g.info(name, [16], 0, offset) for name, offset in zip("ab", offsets, strict=True)]
        assert "overlaps" in refused(read_gguf, put(tmp_path / "x.gguf", g.file([], infos, bytes(128)))).problem


def test_a_part_that_names_itself_is_no_second_part(tmp_path: Path) -> None:
    first = put(tmp_path / "m-00001-of-00002.gguf", gguf_part(0))
    first.with_name("m-00002-of-00002.gguf").symlink_to(first.name)
    assert "not part 2 of 2" in refused(read_gguf, first).problem


def test_a_count_of_parts_that_are_not_there_is_refused_at_the_first(tmp_path: Path) -> None:
    path = put(tmp_path / "m-00001-of-65535.gguf", gguf_part(0, count=65535))
    assert "not there" in refused(read_gguf, path).problem


def test_a_name_that_could_leave_the_folder_is_only_a_name(tmp_path: Path) -> None:
    content = g.file([], [g.info("../../etc/passwd", [2], 0, 0)], struct.pack("<2f", 1, 2))
    entry = read_gguf(put(tmp_path / "x.gguf", content)).tensors["../../etc/passwd"]
    assert entry.file == tmp_path / "x.gguf"
    assert read_tensor(entry).tolist() == [1, 2]


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.gguf")
    assert "no file" in refused(read_gguf, tmp_path / "x.gguf").problem
