"""The layout of an APR v2 file, for those that read it and those that write it: numbers, flags, parts, values.

Everything is little-endian. Header, metadata, tensor index, data and checksum follow one another; every section and
every tensor starts at a multiple of 64 bytes, with zeros between.
Opens no file; knows nothing of how values are stored, which is in `apr_types`.

Reference: the layout of ``aprender``'s ``format/v2`` writer; its older specification document describes another file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.safetensors import TensorEntry

MAGIC: Final = b"APR\0"
VERSION: Final = (2, 0)
ALIGNMENT: Final = 64
HEADER_BYTES: Final = 64
FOOTER_BYTES: Final = 4
MAX_METADATA_BYTES: Final = 16 << 20
"""The format's own limit."""
MAX_NAME_BYTES: Final = 256
MAX_RANK: Final = 8
MAX_TENSORS: Final = 200_000
"""The largest known model has fewer than 100,000."""
HEADER: Final = struct.Struct("<4sBBHIQIQQI20s")
"""magic, major, minor, flags, tensors, metadata offset and bytes, index offset, data offset, checksum, reserved."""

CHECKSUM_AT: Final = 40


class AprFlag(IntFlag):
    """The header's flags."""

    LZ4 = 0x0001
    ZSTD = 0x0002
    ENCRYPTED = 0x0004
    SIGNED = 0x0008
    SHARDED = 0x0010
    QUANTIZED = 0x0020
    FILTERBANK = 0x0040
    MODEL_CARD = 0x0080
    STREAMING = 0x0100
    VOCABULARY = 0x0200
    ROW_MAJOR = 0x0400
    COLUMN_MAJOR = 0x0800


_ASSIGNED: Final = 0x0FFF


class AprPart(StrEnum):
    """Which part of the format a problem breaks."""

    HEADER = "header"
    """Magic, version, flags, reserved bytes, section offsets, either checksum."""
    METADATA = "metadata"
    INDEX = "index"
    """Entries that cannot be parsed, names, order, shards that do not agree with their manifest."""
    DTYPE = "dtype"
    """An unknown dtype byte, or one that does not explain the tensor's bytes."""
    ALIGNMENT = "alignment"
    """A section or tensor off the 64-byte grid, or padding that is not zero."""
    DATA = "data"
    """Overlaps, holes, tensors or sections outside the file, a wrong end."""


@dataclass(frozen=True, slots=True)
class AprProblem:
    """One fault of an APR file."""

    part: AprPart
    message: str
    """What is wrong, with what was expected and found."""
    offset: int | None
    """Byte offset in the file, None where it has none."""
    file: Path
    """The file; of a manifest, the shard or the manifest itself."""

    @classmethod
    def of(cls, part: AprPart, error: ArtefactError) -> AprProblem:
        """An error of a shared reader as a problem of this format."""
        return cls(part, _sentence(error.problem, error.expected, error.found), error.offset, error.path)

    def error(self) -> ArtefactError:
        """The error to raise for it."""
        return ArtefactError(self.message, path=self.file, offset=self.offset)


@dataclass(frozen=True, slots=True)
class AprFile:
    """What one APR file, or all shards of a manifest, say before their data."""

    path: Path
    """The file, or the manifest."""
    version: tuple[int, int]
    flags: int
    """Bits of `AprFlag`; those of all shards together."""
    metadata: Mapping[str, Json]
    """In the file's order; of shards, without the key ``sharding``."""
    tensors: Mapping[str, TensorEntry]
    """By name, in the order of the index."""
    data_offset: int
    """Where the tensors' bytes start; 0 for a manifest."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header's fields that are not the same in every file."""

    flags: int
    tensors: int
    """How many."""
    metadata_bytes: int
    """Without padding; they start right after the header."""
    index_offset: int
    data_offset: int

    @property
    def metadata_end(self) -> int:
        """Offset past the metadata's last byte."""
        return HEADER_BYTES + self.metadata_bytes

    def pack(self) -> bytes:
        """The header's 64 bytes."""
        fields = (MAGIC, *VERSION, self.flags, self.tensors, HEADER_BYTES)
        places = (self.metadata_bytes, self.index_offset, self.data_offset)
        unsummed = HEADER.pack(*fields, *places, 0, b"")
        return HEADER.pack(*fields, *places, header_checksum(unsummed), b"")


@dataclass(frozen=True, slots=True)
class Source:
    """An open file of known length."""

    path: Path
    stream: BinaryIO
    file_bytes: int

    @property
    def data_end(self) -> int:
        """Where the checksum starts."""
        return self.file_bytes - FOOTER_BYTES

    def at(self, offset: int, count: int) -> bytes:
        """Exactly so many bytes; OSError where the file shrank meanwhile."""
        self.stream.seek(offset)
        found = self.stream.read(count)
        if len(found) != count:
            raise OSError(f"it ended at {offset + len(found):#x} while it was read")
        return found

    def problem(
        self, part: AprPart, problem: str, offset: int | None = None, *, expected: str = "", found: str = ""
    ) -> AprProblem:
        """A problem of this file."""
        return AprProblem(part, _sentence(problem, expected, found), offset, self.path)


def flag_problem(flags: int) -> str:
    """Why a file with these flags cannot be read or written; empty when it can.

    >>> flag_problem(AprFlag.ROW_MAJOR), flag_problem(AprFlag.ROW_MAJOR | AprFlag.COLUMN_MAJOR)
    ('', 'flags 0xc00: column-major layout is forbidden; make the file anew with a current writer')
    """
    if flags & ~_ASSIGNED:
        return f"flags {flags:#x}: bits {flags & ~_ASSIGNED:#x} have no meaning"
    if flags & AprFlag.ENCRYPTED:
        return f"flags {flags:#x}: the file is encrypted; decrypt it first"
    if flags & (AprFlag.LZ4 | AprFlag.ZSTD):
        return f"flags {flags:#x}: the file is compressed, which no writer of this format does; write it uncompressed"
    if flags & AprFlag.COLUMN_MAJOR:
        return f"flags {flags:#x}: column-major layout is forbidden; make the file anew with a current writer"
    return ""


def aligned(offset: int) -> int:
    """The next multiple of `ALIGNMENT`."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def header_checksum(header: bytes) -> int:
    """CRC-32 of the header without its checksum field."""
    return zlib.crc32(header[CHECKSUM_AT + 4 : HEADER_BYTES], zlib.crc32(header[:CHECKSUM_AT]))


def shown(name: str | bytes) -> str:
    """A tensor's name for a message, in bounded length."""
    text = name if isinstance(name, str) else name[:400].decode("utf-8", "replace")
    return repr(text[:80])


def _sentence(problem: str, expected: str, found: str) -> str:
    parts = (problem, f"expected {expected}" if expected else "", f"found {found}" if found else "")
    return "; ".join(part for part in parts if part)
