"""A reading position in a GGUF header: numbers, texts and arrays, each checked against the bytes that are left.

Nothing is allocated for a count before it is known that the file can hold so much. Knows the field types of GGUF, but
neither the order of its header nor the meaning of a key.

Reference: the GGUF specification (ggml, docs/gguf.md).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from pytest_aprqa.core import ArtefactError, Json

MAX_HEADER_BYTES: Final = 128 << 20
"""Gemma 3 with 262,144 tokens and 514,906 merges takes about 16 MB."""

_MAX_ITEMS: Final = 4_000_000
"""Values in all arrays together; Gemma 3 has about 1.3 million."""

_MAX_NESTING: Final = 4
"""Arrays in arrays; llama.cpp reads none, the specification sets no limit."""

_FIRST_READ: Final = 1 << 16


class GgufType(StrEnum):
    """Types of metadata values, and how a field's type is written: ``u32``, ``[string]``."""

    U8 = "u8"
    I8 = "i8"
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    F32 = "f32"
    BOOL = "bool"
    STRING = "string"
    ARRAY = "array"
    U64 = "u64"
    I64 = "i64"
    F64 = "f64"


TYPES: Final = tuple(GgufType)
"""A type's number is its place."""

FORMATS: Final[Mapping[GgufType, struct.Struct]] = {
    GgufType.U8: struct.Struct("<B"),
    GgufType.I8: struct.Struct("<b"),
    GgufType.U16: struct.Struct("<H"),
    GgufType.I16: struct.Struct("<h"),
    GgufType.U32: struct.Struct("<I"),
    GgufType.I32: struct.Struct("<i"),
    GgufType.F32: struct.Struct("<f"),
    GgufType.BOOL: struct.Struct("<B"),
    GgufType.U64: struct.Struct("<Q"),
    GgufType.I64: struct.Struct("<q"),
    GgufType.F64: struct.Struct("<d"),
}
"""How the types of fixed size are packed."""

_LENGTH: Final = FORMATS[GgufType.U64]


class GgufCursor:
    """Walks a header from the front; its offsets are the file's."""

    __slots__ = ("_data", "_items", "_stream", "at", "file_bytes", "path")

    def __init__(self, stream: BinaryIO, path: Path, *, file_bytes: int) -> None:
        self._stream = stream
        self._data = b""
        self._items = 0
        self.path = path
        self.file_bytes = file_bytes
        self.at = 0

    def error(self, problem: str, *, at: int, expected: str = "", found: str = "") -> ArtefactError:
        """An error of this file."""
        return ArtefactError(problem, path=self.path, offset=at, expected=expected, found=found)

    def raw(self, size: int, what: str) -> bytes:
        """So many bytes."""
        at = self._step(size, what)
        return self._data[at : self.at]

    def number(self, kind: GgufType, what: str) -> int | float:
        """One number, little-endian; a Boolean is 0 or 1 and comes as such."""
        form = FORMATS[kind]
        at = self._step(form.size, what)
        (value,) = form.unpack_from(self._data, at)
        if kind is GgufType.BOOL and value > 1:
            raise self.error(f"{what}: no Boolean", at=at, expected="0 or 1", found=f"{value}")
        assert isinstance(value, int | float)
        return value

    def integer(self, kind: GgufType, what: str) -> int:
        """One integer."""
        return int(self.number(kind, what))

    def text(self, what: str) -> str:
        """A length of 8 bytes and so many bytes of UTF-8."""
        size = self.integer(GgufType.U64, f"{what}: length")
        at = self._step(size, what)
        return self._decoded(at, self.at, what)

    def kind(self, what: str) -> GgufType:
        """The number of a field type."""
        at = self.at
        code = self.integer(GgufType.U32, f"{what}: type")
        if code >= len(TYPES):
            raise self.error(f"{what}: unknown type", at=at, expected=f"0 to {len(TYPES) - 1}", found=f"{code}")
        return TYPES[code]

    def value(self, kind: GgufType, what: str, *, depth: int = 0) -> tuple[Json, str]:
        """A field's value and its type in words."""
        match kind:
            case GgufType.STRING:
                return self.text(what), kind.value
            case GgufType.ARRAY:
                return self._array(what, depth=depth + 1)
            case GgufType.BOOL:
                return bool(self.number(kind, what)), kind.value
            case _:
                return self.number(kind, what), kind.value

    def count(self, what: str, *, least_bytes: int, most: int) -> int:
        """How many things follow, each of which takes at least so many bytes."""
        at = self.at
        count = self.integer(GgufType.U64, what)
        left = self.file_bytes - self.at
        if count > min(most, left // least_bytes):
            raise self.error(
                f"{what}: more than a file of {self.file_bytes} bytes can hold"
                if count > left // least_bytes
                else f"{what}: too many",
                at=at,
                expected=f"at most {min(most, left // least_bytes)}",
                found=f"{count}",
            )
        return count

    def _array(self, what: str, *, depth: int) -> tuple[list[Json], str]:
        at = self.at
        if depth > _MAX_NESTING:
            raise self.error(f"{what}: arrays are nested too deep", at=at, expected=f"at most {_MAX_NESTING} levels")
        kind = self.kind(f"{what}: items")
        least = {GgufType.STRING: 8, GgufType.ARRAY: 12}.get(kind) or FORMATS[kind].size
        count = self.count(f"{what}: number of items", least_bytes=least, most=_MAX_ITEMS - self._items)
        self._items += count
        if kind is GgufType.STRING:
            return list(self._texts(count, what)), f"[{kind}]"
        if kind is GgufType.ARRAY:
            return [self._array(what, depth=depth + 1)[0] for _ in range(count)], f"[{kind}]"
        return self._numbers(kind, count, what), f"[{kind}]"

    def _numbers(self, kind: GgufType, count: int, what: str) -> list[Json]:
        form = FORMATS[kind]
        at = self._step(count * form.size, what)
        values = np.frombuffer(self._data, form.format, count, at)
        if kind is GgufType.BOOL:
            if count and values.max() > 1:
                raise self.error(f"{what}: an item is no Boolean", at=at, expected="0 or 1")
            values = values.astype(np.bool_)
        items: list[Json] = values.tolist()
        return items

    def _texts(self, count: int, what: str) -> list[str]:
        """The hot loop of the reader: vocabularies have some 100,000 texts."""
        texts: list[str] = []
        data, at, loaded, unpack = self._data, self.at, len(self._data), _LENGTH.unpack_from
        for index in range(count):
            self.at = at
            if at + 8 > loaded:
                self._load(at + 8, f"{what}[{index}]")
                data, loaded = self._data, len(self._data)
            stop = at + 8 + unpack(data, at)[0]
            if stop > loaded:
                self._load(stop, f"{what}[{index}]")
                data, loaded = self._data, len(self._data)
            try:
                texts.append(data[at + 8 : stop].decode())
            except UnicodeDecodeError:
                self._decoded(at + 8, stop, f"{what}[{index}]")
            at = stop
        self.at = at
        return texts

    def _decoded(self, start: int, stop: int, what: str) -> str:
        try:
            return self._data[start:stop].decode()
        except UnicodeDecodeError as exc:
            raise self.error(f"{what}: the text is not UTF-8", at=start + exc.start) from exc

    def _step(self, size: int, what: str) -> int:
        """Moves past so many bytes, which are there; returns where they start."""
        start = self.at
        if start + size > len(self._data):
            self._load(start + size, what)
        self.at = start + size
        return start

    def _load(self, stop: int, what: str) -> None:
        """Has all bytes before `stop` in memory, or says why not."""
        if stop > self.file_bytes:
            raise self.error(
                f"{what}: the file ends before it does; it is truncated or a length is wrong",
                at=self.at,
                expected=f"at least {stop} bytes",
                found=f"{self.file_bytes} bytes",
            )
        if stop > MAX_HEADER_BYTES:
            raise self.error(f"{what}: the header is too large", at=self.at, expected=f"at most {MAX_HEADER_BYTES}")
        target = min(max(stop, 2 * len(self._data), _FIRST_READ), self.file_bytes, MAX_HEADER_BYTES)
        self._data += self._stream.read(target - len(self._data))
        if len(self._data) < stop:
            raise self.error(f"{what}: the file shrank while it was read", at=len(self._data))
