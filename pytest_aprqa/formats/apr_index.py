"""The tensor index of an APR v2 file: packed entries, sorted by name, each checked against its dtype and shape.

Where the tensors' bytes lie in the file is checked by `apr`, not here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.formats.apr_layout import (
    MAX_NAME_BYTES,
    MAX_RANK,
    MAX_TENSORS,
    AprPart,
    AprProblem,
    Header,
    Source,
    aligned,
    shown,
)
from pytest_aprqa.formats.apr_types import AMBIGUOUS_CODES, CODES, STORED_TYPES, stored_bytes
from pytest_aprqa.formats.safetensors import TensorEntry, oversized

_SMALLEST_ENTRY: Final = 2 + 1 + 1 + 1 + 8 + 8
_MAX_INDEX_BYTES: Final = 64 << 20


def walk_index(source: Source, header: Header) -> Generator[AprProblem, None, list[TensorEntry] | None]:
    """Yields the problems, then returns the entries in their order; None where they cannot be parsed."""
    index_bytes = header.data_offset - header.index_offset
    most = min(MAX_TENSORS, max(index_bytes, 0) // _SMALLEST_ENTRY)
    if header.tensors > most or index_bytes > _MAX_INDEX_BYTES:
        yield source.problem(
            AprPart.INDEX,
            "the tensor count cannot be",
            8,
            expected=f"at most {most} in an index of {index_bytes} bytes",
            found=f"{header.tensors}",
        )
        return None
    raw = source.at(header.index_offset, max(index_bytes, 0))
    entries: list[TensorEntry] = []
    position, previous = 0, b""
    for _ in range(header.tensors):
        record = _record(raw, position)
        at = header.index_offset + position
        if record is None:
            yield source.problem(AprPart.INDEX, f"entry {len(entries)} leaves the index or has too many axes", at)
            return None
        yield from _record_problems(source, record, previous, at)
        entries.append(_entry(source, header, record))
        position, previous = record.end, record.name
    if aligned(position) != index_bytes:
        yield source.problem(
            AprPart.INDEX,
            "the index does not end where the data starts",
            32,
            expected=f"{aligned(header.index_offset + position):#x}",
            found=f"{header.data_offset:#x}",
        )
    elif any(raw[position:]):
        yield source.problem(
            AprPart.ALIGNMENT, "the padding after the index is not zero", header.index_offset + position
        )
    return entries


@dataclass(frozen=True, slots=True)
class _Record:
    """An index entry as it is stored."""

    name: bytes
    code: int
    shape: tuple[int, ...]
    offset: int
    stored_bytes: int
    end: int
    """Position of the next entry."""


def _record(raw: bytes, position: int) -> _Record | None:
    """The entry at a position; None where it leaves the index or has more axes than the format allows."""
    try:
        (name_bytes,) = struct.unpack_from("<H", raw, position)
        position += 2 + name_bytes
        code, rank = struct.unpack_from("<BB", raw, position)
        if rank > MAX_RANK:
            return None
        *shape, offset, stored = struct.unpack_from(f"<{rank + 2}Q", raw, position + 2)
    except struct.error:
        return None
    name = raw[position - name_bytes : position]
    return _Record(name, code, tuple(shape), offset, stored, position + 2 + 8 * (rank + 2))


def _record_problems(source: Source, record: _Record, previous: bytes, at: int) -> Iterator[AprProblem]:
    name = shown(record.name)
    if not 0 < len(record.name) <= MAX_NAME_BYTES or not _is_text(record.name):
        yield source.problem(AprPart.INDEX, f"tensor {name}: the name is not 1 to {MAX_NAME_BYTES} bytes of UTF-8", at)
    elif record.name <= previous:
        word = "is there twice" if record.name == previous else "is out of order; the index is sorted by name"
        yield source.problem(AprPart.INDEX, f"tensor {name} {word}", at, found=f"after {shown(previous)}")
    if oversized(record.shape):
        yield source.problem(
            AprPart.INDEX, f"tensor {name}: the shape is too large", at, found=repr(list(record.shape))
        )
    code_at = at + 2 + len(record.name)
    dtype = CODES.get(record.code)
    if dtype is None:
        why = AMBIGUOUS_CODES.get(record.code, "it is not guessed; a newer writer may know it")
        known = ", ".join(f"{name} {stored.code}" for name, stored in STORED_TYPES.items())
        yield source.problem(
            AprPart.DTYPE, f"tensor {name}: unknown dtype byte {record.code}: {why}", code_at, expected=known
        )
        return
    values = math.prod(record.shape)
    stored = STORED_TYPES[dtype]
    if stored.whole_rows and (not record.shape or record.shape[-1] % stored.block_values):
        yield source.problem(
            AprPart.DTYPE,
            f"tensor {name}: {dtype} {list(record.shape)}",
            code_at,
            expected=f"rows of a multiple of {stored.block_values} values",
        )
    elif stored_bytes(dtype, values) != record.stored_bytes:
        yield source.problem(
            AprPart.DTYPE,
            f"tensor {name}: {dtype} {list(record.shape)} does not fill its bytes",
            code_at,
            expected=f"{stored_bytes(dtype, values)} bytes",
            found=f"{record.stored_bytes} bytes",
        )


def _entry(source: Source, header: Header, record: _Record) -> TensorEntry:
    start = header.data_offset + record.offset
    dtype = CODES.get(record.code, f"unknown {record.code}")
    name = record.name.decode("utf-8", "replace")
    return TensorEntry(name, dtype, record.shape, source.path, start, start + record.stored_bytes)


def _is_text(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
