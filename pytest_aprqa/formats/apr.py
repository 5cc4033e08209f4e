"""APR v2 files, the container of Aprender: 64 bytes of header, JSON metadata, a tensor index, the data, a checksum.

Everything is little-endian; every section and every tensor starts at a multiple of 64 bytes, zeros between them; the
sections follow one another without a hole. All of it is checked before anything is allocated for a tensor. A reader
that finds a fault says which part of the format it breaks, so that dtype bytes, alignment and header are judged apart.
Knows nothing of architectures. Values are read in `tensors`, shard manifests in `apr_shards`.

Reference: the layout of ``aprender``'s ``format/v2`` writer; its older specification document describes another file.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.apr_index import walk_index
from pytest_aprqa.formats.apr_layout import (
    ALIGNMENT,
    CHECKSUM_AT,
    FOOTER_BYTES,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    MAX_METADATA_BYTES,
    VERSION,
    AprFile,
    AprFlag,
    AprPart,
    AprProblem,
    Header,
    Source,
    aligned,
    flag_problem,
    header_checksum,
    shown,
)
from pytest_aprqa.formats.apr_shards import Manifest, is_manifest, metadata_problems, read_manifest, shard_problems
from pytest_aprqa.formats.bounded_json import parse_object
from pytest_aprqa.formats.safetensors import TensorEntry

__all__ = ["MAX_PROBLEMS", "AprFile", "AprFlag", "AprPart", "AprProblem", "check_apr", "read_apr"]

MAX_PROBLEMS: Final = 100
"""A broken file is reported by its first problems, not by all of a million."""

_MAX_METADATA_VALUES: Final = 4_000_000
"""A vocabulary of 262,144 tokens with 514,906 merges, types and scores takes about 1.5 million."""
_CHUNK_BYTES: Final = 1 << 20

Walk = Generator[AprProblem, None, "AprFile | None"]
"""Yields the problems in the order of the file, then returns what it says; None where it could not be followed."""


def read_apr(path: Path, *, verify: bool = True) -> AprFile:
    """Reads one file, or a manifest and the headers of all its shards.

    Args:
        path: the ``.apr`` file or the JSON manifest of shards.
        verify: also check the checksum over all bytes, which reads the whole file once in bounded memory.

    Raises:
        ArtefactError: the first problem.
    """
    with closing(_walk(path, verify=verify)) as walk:
        try:
            problem = next(walk)
        except StopIteration as end:
            file: AprFile = end.value
            return file
    raise problem.error()


def check_apr(path: Path) -> tuple[AprProblem, ...]:
    """Every problem that can be found, at most `MAX_PROBLEMS`; empty for a sound file."""
    with closing(_walk(path, verify=True)) as walk:
        return tuple(islice(walk, MAX_PROBLEMS))


def _walk(path: Path, *, verify: bool) -> Walk:
    try:
        if path.is_file() and is_manifest(path):
            return (yield from _walk_manifest(path, verify=verify))
        return (yield from _walk_file(path, verify=verify))
    except OSError as exc:
        yield AprProblem(AprPart.DATA, f"cannot be read: {exc.strerror or exc}", None, path)
        return None


def _walk_manifest(path: Path, *, verify: bool) -> Walk:
    """Shards are never read as manifests, so that no manifest can lead back to itself."""
    try:
        manifest = read_manifest(path)
    except ArtefactError as exc:
        yield AprProblem.of(AprPart.INDEX, exc)
        return None
    shards: list[AprFile] = []
    for place, listed in enumerate(manifest.shards):
        shard = yield from _walk_file(listed.path, verify=verify)
        faults = [] if shard is None else list(shard_problems(manifest, place, shard))
        yield from faults
        if shard is not None and not faults:
            shards.append(shard)
    if len(shards) != len(manifest.shards):
        return None
    return (yield from _merge(manifest, shards))


def _merge(manifest: Manifest, shards: Sequence[AprFile]) -> Walk:
    flags = 0
    for shard in shards:
        flags |= shard.flags
        yield from metadata_problems(shards[0], shard)
    metadata = {key: value for key, value in shards[0].metadata.items() if key != "sharding"}
    tensors = {name: entry for shard in shards for name, entry in shard.tensors.items()}
    ordered = dict(sorted(tensors.items(), key=lambda item: item[0].encode()))
    return AprFile(manifest.path, VERSION, flags, metadata, ordered, 0)


def _walk_file(path: Path, *, verify: bool) -> Walk:
    if path.exists() and not path.is_file():
        yield AprProblem(AprPart.DATA, "cannot be read: it is no file", None, path)
        return None
    with path.open("rb") as stream:
        source = Source(path, stream, os.fstat(stream.fileno()).st_size)
        header = yield from _walk_header(source)
        if header is None:
            return None
        metadata = yield from _walk_metadata(source, header)
        entries = yield from walk_index(source, header)
        if entries is not None:
            yield from _data_problems(source, header, entries)
        if verify:
            yield from _checksum_problems(source)
    if metadata is None or entries is None:
        return None
    tensors = {entry.name: entry for entry in entries}
    return AprFile(path, VERSION, header.flags, metadata, tensors, header.data_offset)


def _walk_header(source: Source) -> Generator[AprProblem, None, Header | None]:
    raw = source.at(0, min(source.file_bytes, HEADER_BYTES))
    foreign = _foreign(raw)
    if foreign:
        yield source.problem(AprPart.HEADER, foreign, 0, expected="APR v2: 'APR', NUL, 2, 0", found=raw[:6].hex(" "))
        return None
    if source.file_bytes < HEADER_BYTES + FOOTER_BYTES:
        yield source.problem(
            AprPart.DATA,
            "the file is truncated",
            source.file_bytes,
            expected="at least 68 bytes",
            found=f"{source.file_bytes} bytes",
        )
        return None
    _, _, _, flags, tensors, metadata_at, metadata_bytes, index_at, data_at, checksum, reserved = HEADER.unpack(raw)
    if checksum != header_checksum(raw):
        yield source.problem(
            AprPart.HEADER,
            "the header's checksum does not match",
            CHECKSUM_AT,
            expected=f"{header_checksum(raw):#010x}",
            found=f"{checksum:#010x}",
        )
    if any(reserved):
        yield source.problem(AprPart.HEADER, "reserved bytes are not zero", CHECKSUM_AT + 4, found=reserved.hex())
    refused = flag_problem(flags)
    if refused:
        yield source.problem(AprPart.HEADER, refused, 6)
        if flags & (AprFlag.LZ4 | AprFlag.ZSTD | AprFlag.ENCRYPTED):
            return None
    header = Header(flags, tensors, metadata_bytes, index_at, data_at)
    usable = yield from _walk_sections(source, header, metadata_at)
    return header if usable else None


def _foreign(raw: bytes) -> str:
    """What a file is that is no APR v2; empty when it is one, or too short to tell."""
    magic = raw[:4]
    if magic in _FOREIGN:
        return _FOREIGN[magic]
    if magic.lstrip().startswith(b"{"):
        return "is a JSON file; a shard of a manifest is an APR file, never a manifest"
    if magic != MAGIC[: len(magic)] or not magic:
        return "is no APR file: wrong magic"
    if len(raw) >= 6 and (raw[4], raw[5]) != VERSION:
        if raw[4:8] == b"\1\0\0\0":
            return "is a small model of another tool (version 1), not a language model; this reads APR version 2.0"
        return f"has APR version {raw[4]}.{raw[5]}; this reads 2.0"
    return ""


_FOREIGN: Final[Mapping[bytes, str]] = {
    b"APRN": "is an APR version 1 file (classic machine-learning models, no tensor index); convert it to version 2",
    b"APR1": "is a whisper.apr file of the APR1 era; convert it to version 2",
    b"APR2": "has the magic of the unused draft specification; version 2 files have NUL after 'APR'",
    b"GGUF": "is a GGUF file, not APR",
}


def _walk_sections(source: Source, header: Header, metadata_at: int) -> Generator[AprProblem, None, bool]:
    """Checks where the sections lie; returns False where they cannot be read."""
    for section, field_at, found in (("index", 24, header.index_offset), ("data", 32, header.data_offset)):
        if found % ALIGNMENT:
            yield source.problem(
                AprPart.ALIGNMENT, f"the {section} is not at a multiple of 64", field_at, found=f"{found:#x}"
            )
    wanted = aligned(header.metadata_end)
    for section, field_at, found, place in (
        ("metadata", 12, metadata_at, HEADER_BYTES),
        ("index", 24, aligned(header.index_offset), wanted),
    ):
        if found != place:
            yield source.problem(
                AprPart.HEADER,
                f"the {section} is at the wrong place",
                field_at,
                expected=f"{place:#x}",
                found=f"{found:#x}",
            )
    ends = (
        ("metadata", 20, header.metadata_end),
        ("tensor index", 24, header.index_offset),
        ("data", 32, header.data_offset),
    )
    inside = True
    for section, field_at, end in ends:
        if end > source.data_end:
            inside = False
            yield source.problem(
                AprPart.DATA,
                f"the {section} leaves the file, which may be truncated",
                field_at,
                expected=f"at most {source.data_end:#x}",
                found=f"{end:#x}",
            )
    return inside


def _walk_metadata(source: Source, header: Header) -> Generator[AprProblem, None, Mapping[str, Json] | None]:
    if header.metadata_bytes > MAX_METADATA_BYTES:
        yield source.problem(
            AprPart.METADATA,
            "the metadata is too large",
            20,
            expected=f"at most {MAX_METADATA_BYTES} bytes",
            found=f"{header.metadata_bytes}",
        )
        return None
    text = source.at(HEADER_BYTES, header.metadata_bytes)
    yield from _padding_problems(source, header.metadata_end, "metadata")
    try:
        return parse_object(text, path=source.path, offset=HEADER_BYTES, max_values=_MAX_METADATA_VALUES)
    except ArtefactError as exc:
        yield AprProblem.of(AprPart.METADATA, exc)
        return None


def _data_problems(source: Source, header: Header, entries: Iterable[TensorEntry]) -> Iterator[AprProblem]:
    """The tensors follow one another, each on the 64-byte grid, zeros between, up to the footer."""
    end, all_inside = header.data_offset, True
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.stop))
    followers = [*(entry.start for entry in ordered), source.data_end][1:]
    for entry, follower in zip(ordered, followers, strict=True):
        name = shown(entry.name)
        if entry.start % ALIGNMENT:
            yield source.problem(AprPart.ALIGNMENT, f"tensor {name} is not at a multiple of 64", entry.start)
        if entry.stop > source.data_end:
            all_inside = False
            yield source.problem(
                AprPart.DATA,
                f"tensor {name} leaves the file, which may be truncated",
                entry.start,
                expected=f"at most {source.data_end:#x}",
                found=f"{entry.stop:#x}",
            )
            continue
        if entry.start < end:
            yield source.problem(
                AprPart.DATA, f"tensor {name} overlaps what is before it", entry.start, expected=f"{end:#x}"
            )
        elif entry.start >= end + ALIGNMENT or (entry.start > end and not entry.start % ALIGNMENT):
            yield source.problem(
                AprPart.DATA, f"there is a hole before tensor {name}", entry.start, expected=f"{end:#x}"
            )
        if follower >= min(aligned(entry.stop), source.data_end):
            yield from _padding_problems(source, entry.stop, f"tensor {name}")
        end = max(end, aligned(entry.stop))
    if all_inside and end != source.data_end:
        word = "the file is truncated" if end > source.data_end else "bytes that belong to no tensor follow"
        yield source.problem(
            AprPart.DATA,
            f"the tensors do not end with the file: {word}",
            min(end, source.file_bytes),
            expected=f"{end + FOOTER_BYTES} bytes",
            found=f"{source.file_bytes} bytes",
        )


def _padding_problems(source: Source, start: int, section: str) -> Iterator[AprProblem]:
    stop = min(aligned(start), source.data_end)
    if stop > start and any(source.at(start, stop - start)):
        yield source.problem(AprPart.ALIGNMENT, f"the padding after {section} is not zero", start)


def _checksum_problems(source: Source) -> Iterator[AprProblem]:
    checksum, left = 0, source.data_end
    source.stream.seek(0)
    while left:
        chunk = source.stream.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise OSError("it shrank while it was read")
        checksum = zlib.crc32(chunk, checksum)
        left -= len(chunk)
    found = int.from_bytes(source.at(source.data_end, FOOTER_BYTES), "little")
    if found != checksum:
        yield source.problem(
            AprPart.HEADER,
            "the file's checksum does not match: bytes were changed or lost",
            source.data_end,
            expected=f"{checksum:#010x}",
            found=f"{found:#010x}",
        )
