"""The 900-byte vector whose bytes the format's own writer gives too, and what the other APR tests make of it."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import apr
from pytest_aprqa.formats.apr import AprFile, AprPart, check_apr, read_apr
from pytest_aprqa.formats.apr_write import AprTensor, write_apr
from pytest_aprqa.formats.tensors import read_tensor

CURRENT = "7cc175d016f0dae33354ce8d1e7a3cd0266b79deb6ab5a46ffc96e0c4c6b9e90"
BEFORE_GH_438 = "36f77485835776e55283554396a07878408bd3c0e904cdccc7b980f6f2d40210"
HEADER_BEFORE = "41505200020000040500000040000000000000001500000080000000000000008001000000000000fae4b6d7" + "00" * 20

MATRIX: NDArray[np.float32] = ((np.arange(70) - 35) * 0.125).astype(np.float32).reshape(7, 10)
BIAS: NDArray[np.float32] = np.array([0.1, 0.2, 0.3], np.float32)
WEIGHT: NDArray[np.float32] = np.arange(1, 7, dtype=np.float32).reshape(2, 3)


def tensor(name: str, dtype: str, values: NDArray[np.float32]) -> AprTensor:
    return AprTensor(name, dtype, values.shape, lambda: values)


TENSORS = (
    tensor("weight", "F32", WEIGHT),
    tensor("a.half", "F16", MATRIX),
    tensor("b.q8", "APR_Q8", MATRIX),
    tensor("c.q4", "APR_Q4", MATRIX),
    tensor("bias", "F32", BIAS),
)


@pytest.fixture(scope="module")
def vector(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("apr") / "vector.apr"
    write_apr(path, {"model_type": "test"}, TENSORS)
    return path.read_bytes()


def resealed(content: bytes | bytearray) -> bytes:
    """The same file with checksums that fit."""
    sealed = bytearray(content)
    sealed[40:44] = struct.pack("<I", zlib.crc32(bytes(sealed[:40] + sealed[44:64])))
    sealed[-4:] = struct.pack("<I", zlib.crc32(bytes(sealed[:-4])))
    return bytes(sealed)


def code_at(content: bytes, name: str) -> int:
    """Offset of a tensor's dtype byte."""
    return content.index(name.encode(), 128) + len(name)


def values(file: AprFile, name: str) -> NDArray[np.float32]:
    return read_tensor(file.tensors[name]).astype(np.float32)


def test_the_writer_gives_the_golden_bytes(vector: bytes) -> None:
    assert len(vector) == 900
    assert hashlib.sha256(vector).hexdigest() == CURRENT


def test_with_the_old_dtype_bytes_they_are_the_bytes_of_the_old_writer(vector: bytes) -> None:
    old = bytearray(vector)
    old[code_at(vector, "c.q4")] = 8
    old[code_at(vector, "b.q8")] = 9
    assert hashlib.sha256(resealed(old)).hexdigest() == BEFORE_GH_438
    assert resealed(old)[:64].hex() == HEADER_BEFORE


def test_the_vector_is_read(vector: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(vector)
    file = read_apr(path)
    assert (file.version, file.flags, file.data_offset) == ((2, 0), 0x0400, 384)
    assert file.metadata == {"model_type": "test"}
    assert {
        name: (entry.dtype, entry.start - 384, entry.stop - entry.start) for name, entry in file.tensors.items()
    } == {
        "a.half": ("F16", 0, 140),
        "b.q8": ("APR_Q8", 192, 74),
        "bias": ("F32", 320, 12),
        "c.q4": ("APR_Q4", 384, 54),
        "weight": ("F32", 448, 24),
    }
    assert list(file.tensors) == sorted(file.tensors)
    np.testing.assert_array_equal(values(file, "a.half"), MATRIX)
    np.testing.assert_array_equal(values(file, "bias"), BIAS)
    np.testing.assert_array_equal(values(file, "weight"), WEIGHT)
    assert np.abs(values(file, "b.q8") - MATRIX).max() <= 4.375 / 127 / 2 * 1.001
    assert np.abs(values(file, "c.q4") - MATRIX).max() <= 4.375 / 7 / 2 * 1.01
    assert check_apr(path) == ()


def test_old_dtype_bytes_are_read_as_the_current_types(vector: bytes, tmp_path: Path) -> None:
    old = bytearray(vector)
    old[code_at(vector, "c.q4")] = 8
    old[code_at(vector, "b.q8")] = 9
    path = tmp_path / "x.apr"
    path.write_bytes(resealed(old))
    file = read_apr(path)
    assert (file.tensors["c.q4"].dtype, file.tensors["b.q8"].dtype) == ("APR_Q4", "APR_Q8")


Edit = Callable[[bytearray], object]


def put(at: int, layout: str, *fields: int) -> Edit:
    return lambda content: struct.pack_into(layout, content, at, *fields)


def magic(word: bytes) -> Edit:
    return lambda content: content.__setitem__(slice(0, 4), word)


def of(name: str, at: int, layout: str, *fields: int) -> Edit:
    """An edit at a place behind a tensor's name: 0 is the dtype byte, 1 the rank, 2 the first axis."""
    return lambda content: struct.pack_into(layout, content, code_at(bytes(content), name) + at, *fields)


def rename(old: bytes, new: bytes) -> Edit:
    def edit(content: bytearray) -> None:
        at = content.index(old, 128)
        content[at : at + len(old)] = new

    return edit


HEADER, DTYPE, ALIGNMENT, INDEX, DATA = (
    AprPart.HEADER,
    AprPart.DTYPE,
    AprPart.ALIGNMENT,
    AprPart.INDEX,
    AprPart.DATA,
)
METADATA = AprPart.METADATA


@pytest.mark.parametrize(
    ("edit", "part", "message", "offset"),
    [
        (magic(b"APRN"), HEADER, "version 1 file", 0),
        (magic(b"APR1"), HEADER, "whisper.apr", 0),
        (magic(b"APR2"), HEADER, "draft", 0),
        (magic(b"GGUF"), HEADER, "GGUF file", 0),
        (magic(b"ZIP!"), HEADER, "wrong magic", 0),
        (put(4, "<4B", 1, 0, 0, 0), HEADER, "another tool", 0),
        (put(4, "<B", 3), HEADER, r"version 3\.0", 0),
        (put(5, "<B", 1), HEADER, r"version 2\.1", 0),
        (put(6, "<H", 0x0401), HEADER, "compressed", 6),
        (put(6, "<H", 0x0402), HEADER, "compressed", 6),
        (put(6, "<H", 0x0404), HEADER, "encrypted", 6),
        (put(6, "<H", 0x0C00), HEADER, "column-major", 6),
        (put(6, "<H", 0x0800), HEADER, "column-major", 6),
        (put(6, "<H", 0x1400), HEADER, "bits 0x1000 have no meaning", 6),
        (put(8, "<I", 6), INDEX, "the name is not 1 to 256 bytes", None),
        (put(8, "<I", 4), INDEX, "does not end where the data starts", 32),
        (put(8, "<I", 0xFFFFFFFF), INDEX, "tensor count cannot be", 8),
        (put(12, "<Q", 128), HEADER, "metadata is at the wrong place", 12),
        (put(20, "<I", 20), ALIGNMENT, "padding after metadata", 84),
        (put(20, "<I", 22), METADATA, "JSON is broken", None),
        (put(20, "<I", 0xFFFFFFFF), HEADER, "index is at the wrong place", 24),
        (put(20, "<I", 0), HEADER, "index is at the wrong place", 24),
        (put(24, "<Q", 192), HEADER, "index is at the wrong place", 24),
        (put(24, "<Q", 120), ALIGNMENT, "index is not at a multiple of 64", 24),
        (put(24, "<Q", 1 << 63), HEADER, "index is at the wrong place", 24),
        (put(32, "<Q", 64), INDEX, "tensor count cannot be", 8),
        (put(32, "<Q", 448), INDEX, "does not end where the data starts", 32),
        (put(32, "<Q", 392), ALIGNMENT, "data is not at a multiple of 64", 32),
        (put(32, "<Q", (1 << 64) - 64), DATA, "data leaves the file", 32),
        (put(44, "<B", 1), HEADER, "reserved", 44),
        (put(63, "<B", 1), HEADER, "reserved", 44),
        (put(64, "<B", 0x5B), METADATA, "JSON is broken", None),
        (put(90, "<B", 1), ALIGNMENT, "padding after metadata is not zero", 85),
        (of("weight", 0, "<B", 2), DTYPE, "wrote 2 for bfloat16", None),
        (of("weight", 0, "<B", 13), DTYPE, "unknown dtype byte 13", None),
        (of("weight", 0, "<B", 255), DTYPE, "unknown dtype byte 255", None),
        (of("weight", 0, "<B", 1), DTYPE, "F16 .* does not fill its bytes; expected 12 bytes; found 24", None),
        (of("weight", 0, "<B", 12), DTYPE, "rows of a multiple of 256", None),
        (of("weight", 1, "<B", 9), INDEX, "too many axes", None),
        (of("weight", 2, "<Q", 3), DTYPE, "does not fill its bytes", None),
        (of("weight", 2, "<QQ", 1 << 63, 1 << 63), INDEX, "the shape is too large", None),
        (of("weight", 18, "<Q", 449), ALIGNMENT, "not at a multiple of 64", 384 + 449),
        (of("weight", 18, "<Q", 384), DATA, "overlaps", 384 + 384),
        (of("weight", 18, "<Q", 512), DATA, "leaves the file", 384 + 512),
        (of("weight", 18, "<Q", (1 << 64) - 64), DATA, "leaves the file", None),
        (of("weight", 26, "<Q", 1 << 63), DTYPE, "does not fill its bytes", None),
        (rename(b"a.half", b"b.zalf"), INDEX, "'b.q8' is out of order", None),
        (rename(b"bias", b"b.q8"), INDEX, "'b.q8' is there twice", None),
        (rename(b"weight", b"\xffeight"), INDEX, "UTF-8", None),
        (put(128, "<H", 0), INDEX, "entry 0 leaves the index or has too many axes", 128),
        (put(128, "<H", 0xFFFF), INDEX, "entry 0 leaves the index", 128),
        (put(383, "<B", 1), ALIGNMENT, "padding after the index is not zero", None),
        (put(384 + 140, "<B", 1), ALIGNMENT, "padding after tensor 'a.half' is not zero", 384 + 140),
        (put(895, "<B", 1), ALIGNMENT, "padding after tensor 'weight' is not zero", 856),
    ],
)
def test_a_changed_field_is_refused_even_under_fitting_checksums(
    vector: bytes, tmp_path: Path, edit: Edit, part: AprPart, message: str, offset: int | None
) -> None:
    content = bytearray(vector)
    edit(content)
    path = tmp_path / "x.apr"
    path.write_bytes(resealed(content))
    with pytest.raises(ArtefactError, match=message) as caught:
        read_apr(path)
    first = check_apr(path)[0]
    assert first.part == part, first
    assert caught.value.problem == first.message
    assert caught.value.offset == first.offset
    assert caught.value.path == path
    if offset is not None:
        assert first.offset == offset


def test_a_wrong_checksum_is_named(vector: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    content = bytearray(vector)
    content[600] ^= 1
    path.write_bytes(content)
    assert [(problem.part, problem.offset) for problem in check_apr(path)] == [(HEADER, 896)]
    content = bytearray(vector)
    content[40] ^= 1
    path.write_bytes(content)
    assert [(problem.part, problem.offset) for problem in check_apr(path)] == [(HEADER, 40), (HEADER, 896)]


def test_unverified_reading_leaves_the_data_unread(vector: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    content = bytearray(vector)
    content[600] ^= 1
    path.write_bytes(content)
    assert len(read_apr(path, verify=False).tensors) == 5
    with pytest.raises(ArtefactError, match="checksum"):
        read_apr(path)


def test_all_problems_are_collected(vector: bytes, tmp_path: Path) -> None:
    content = bytearray(vector)
    edits = (
        put(6, "<H", 0x1400),
        put(90, "<B", 1),
        of("weight", 0, "<B", 99),
        of("b.q8", 18, "<Q", 0),
        rename(b"bias", b"b.q8"),
    )
    for edit in edits:
        edit(content)
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    found = [problem.part for problem in check_apr(path)]
    assert found[:4] == [HEADER, HEADER, ALIGNMENT, INDEX]
    assert {DTYPE, DATA} < set(found)
    assert found[-1] == HEADER


def test_no_more_problems_are_collected_than_anyone_reads(tmp_path: Path) -> None:
    many = [tensor(f"{place:04}", "F32", BIAS) for place in range(300)]
    path = tmp_path / "x.apr"
    write_apr(path, {}, many)
    content = bytearray(path.read_bytes())
    for one in many:
        of(one.name, 0, "<B", 99)(content)
    path.write_bytes(content)
    assert len(check_apr(path)) == apr.MAX_PROBLEMS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # A logistic regression of the first version: header, MessagePack metadata, payload, checksum.
        (b"APRN\x01\x00\x05\x00" + struct.pack("<III", 30, 3180, 3180) + bytes(12) + bytes(3216), "version 1 file"),
        # A small model of the tsp tool: the same magic, a 32-bit version.
        (b"APR\0\x01\0\0\0\0PST" + bytes(65), "another tool"),
        (b"APR1" + struct.pack("<I", 2) + b"{}" + bytes(90), "whisper.apr"),
        (b"", "wrong magic"),
        (b"APR", "truncated"),
        (b"APR\0\x02\0\0\x04" + bytes(56), "truncated"),
        (b"PK\3\4" + bytes(100), "wrong magic"),
    ],
)
def test_files_of_the_same_name_are_refused_by_what_they_are(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=message):
        read_apr(path)
    assert len(check_apr(path)) == 1


def test_what_is_no_file_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be read: No such file"):
        read_apr(tmp_path / "absent.apr")
    with pytest.raises(ArtefactError, match="it is no file"):
        read_apr(tmp_path)
    assert [problem.part for problem in check_apr(tmp_path / "absent.apr")] == [DATA]
