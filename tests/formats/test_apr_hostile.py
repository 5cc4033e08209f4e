from __future__ import annotations

import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats.apr import AprFile, check_apr, read_apr
from pytest_aprqa.formats.apr_types import stored_bytes
from pytest_aprqa.formats.apr_write import AprTensor, write_apr
from pytest_aprqa.formats.tensors import read_tensor
from tests.formats.test_apr_vector import TENSORS, resealed


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("apr") / "vector.apr"
    write_apr(path, {"model_type": "test"}, TENSORS)
    return path.read_bytes()


def outcome(path: Path) -> AprFile | None:
    """The file as it was read, None where it was refused; both doors agree."""
    problems = check_apr(path)
    if not problems:
        return read_apr(path)
    with pytest.raises(ArtefactError) as caught:
        read_apr(path)
    assert caught.value.problem == problems[0].message
    return None


def require_consistent(file: AprFile, file_bytes: int) -> None:
    """What was read may be another file than was written, but it must be a file that could have been."""
    end = file.data_offset
    assert list(file.tensors) == sorted(file.tensors)
    for entry in sorted(file.tensors.values(), key=lambda entry: entry.start):
        assert entry.start == end
        assert entry.start % 64 == 0
        assert entry.stop - entry.start == stored_bytes(entry.dtype, entry.values)
        end = -(-entry.stop // 64) * 64
        assert read_tensor(entry).shape == entry.shape
    assert end + 4 == file_bytes


def test_every_truncation_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    with path.open("r+b", buffering=0) as stream:
        for length in reversed(range(len(content))):
            stream.truncate(length)
            with pytest.raises(ArtefactError):
                read_apr(path)


def test_a_truncation_under_fitting_checksums_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    with path.open("r+b", buffering=0) as stream:
        for length in reversed(range(68, len(content))):
            stream.truncate(length)
            stream.seek(0)
            stream.write(resealed(content[:length]))
            with pytest.raises(ArtefactError):
                read_apr(path)


def test_every_single_bit_flip_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    with path.open("r+b", buffering=0) as stream:
        for place, byte in enumerate(content):
            for bit in range(8):
                stream.seek(place)
                stream.write(bytes((byte ^ 1 << bit,)))
                with pytest.raises(ArtefactError):
                    read_apr(path)
            stream.seek(place)
            stream.write(bytes((byte,)))
    assert outcome(path) is not None


def test_a_bit_flip_under_fitting_checksums_is_refused_or_gives_a_consistent_file(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content)
    read = refused = 0
    with path.open("r+b", buffering=0) as stream:
        # Header, metadata and index; a flip in the data makes other values.
        for place in range(384):
            for bit in range(8):
                flipped = bytearray(content)
                flipped[place] ^= 1 << bit
                stream.seek(0)
                stream.write(resealed(flipped))
                if check_apr(path):
                    refused += 1
                else:
                    require_consistent(read_apr(path), len(content))
                    read += 1
    # Letters of names and metadata, free flags, two types of the same width.
    assert 0 < read < 300
    assert refused + read == 384 * 8


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60, derandomize=True)
@given(data=st.data())
def test_mutations_are_refused_or_give_a_consistent_file(content: bytes, tmp_path: Path, data: st.DataObject) -> None:
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        layout = data.draw(st.sampled_from(("<B", "<H", "<I", "<Q")))
        bits = struct.calcsize(layout) * 8
        place = data.draw(st.integers(4, 380 - bits // 8))
        number = data.draw(st.integers(0, (1 << bits) - 1) | st.integers(0, 1000) | st.sampled_from((64, 128, 384)))
        struct.pack_into(layout, mutated, place, number % (1 << bits))
    path = tmp_path / "x.apr"
    path.write_bytes(resealed(mutated))
    file = outcome(path)
    if file is not None:
        require_consistent(file, len(content))


def header(tensors: int, metadata_bytes: int, index_at: int, data_at: int) -> bytes:
    return struct.pack("<4sBBHIQIQQI20s", b"APR\0", 2, 0, 0x400, tensors, 64, metadata_bytes, index_at, data_at, 0, b"")


def entry(name: bytes, offset: int, code: int = 7) -> bytes:
    return struct.pack(f"<H{len(name)}sBBQQQ", len(name), name, code, 1, 1, offset, 1)


def with_metadata(text: bytes) -> bytes:
    after = -(-(64 + len(text)) // 64) * 64
    return resealed(header(0, len(text), after, after) + text.ljust(after - 64) + bytes(4))


def with_index(index: bytes, tensors: int) -> bytes:
    index = index.ljust(-(-len(index) // 64) * 64, b"\0")
    return resealed(header(tensors, 2, 128, 128 + len(index)) + b"{}".ljust(64, b"\0") + index + bytes(4))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "billions of tensors": lambda: with_index(bytes(640), 0xFFFFFFFF),
    "as many entries as fit": lambda: with_index(bytes(4 << 20), (4 << 20) // 21),
    "the same tensor many times": lambda: with_index(entry(b"a", 0) * 100_000, 100_000),
    "many tensors in one place": lambda: with_index(b"".join(entry(b"%06d" % n, 0) for n in range(5_000)), 5_000),
    "a name of no bytes": lambda: with_index(entry(b"", 0), 1),
    "a name of 257 bytes": lambda: with_index(entry(b"a" * 257, 0), 1),
    "unknown dtypes": lambda: with_index(b"".join(entry(b"%06d" % n, 0, 99) for n in range(5_000)), 5_000),
    "far offsets": lambda: with_index(b"".join(entry(b"%06d" % n, 1 << 63) for n in range(5_000)), 5_000),
    "metadata of brackets": lambda: with_metadata(b'{"a":' + b"[" * (15 << 20)),
    "deep metadata": lambda: with_metadata(b'{"a":' * 30_000),
    "metadata of empty objects": lambda: with_metadata(b'{"a":[' + b"{}," * (5 << 20) + b"0]}"),
    "a long number": lambda: with_metadata(b'{"a":' + b"9" * (15 << 20) + b"}"),
    "metadata beyond the file": lambda: resealed(header(0, 0xFFFFFFFF, 1 << 32, 1 << 32) + bytes(68)),
    "metadata over the limit": lambda: with_metadata(b'{"a":"' + b"x" * (16 << 20) + b'"}'),
    "a name twice in the metadata": lambda: with_metadata(b'{"a":1,"a":2}'),
    "an empty shape that no array can have": lambda: with_index(
        struct.pack("<H1sBBQQQQ", 1, b"a", 0, 2, 0, 1 << 62, 0, 0), 1
    ),
    "axes whose product is astronomic": lambda: with_index(
        struct.pack("<H1sBB8QQQ", 1, b"a", 0, 8, *[(1 << 64) - 1] * 8, 0, 4), 1
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_bounded_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(HOSTILE[name]())
    tracemalloc.start()
    try:
        problems = check_apr(path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert problems
    assert peak_bytes < 96 << 20
    with pytest.raises(ArtefactError):
        read_apr(path)


def test_a_large_file_is_checked_in_small_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.apr"
    one = np.zeros(32 << 20, np.uint8)
    write_apr(path, {}, [AprTensor("w", "U8", one.shape, lambda: one)])
    tracemalloc.start()
    try:
        assert check_apr(path) == ()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 << 20


def test_a_file_that_shrinks_while_it_is_read_is_our_error(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(content[:700])
    claimed = os.stat_result((0o100644, 0, 0, 1, 0, 0, len(content), 0, 0, 0))
    monkeypatch.setattr("pytest_aprqa.formats.apr.os.fstat", lambda _: claimed)
    with pytest.raises(ArtefactError, match="while it was read"):
        read_apr(path)
    path.write_bytes(content[:-4])
    with pytest.raises(ArtefactError, match="while it was read"):
        read_apr(path)
