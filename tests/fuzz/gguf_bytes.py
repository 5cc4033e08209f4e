"""GGUF files spelled byte by byte, right or wrong, independent of our writer and of the `gguf` package."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

CODES = {
    "u8": (0, "<B"),
    "i8": (1, "<b"),
    "u16": (2, "<H"),
    "i16": (3, "<h"),
    "u32": (4, "<I"),
    "i32": (5, "<i"),
    "f32": (6, "<f"),
    "bool": (7, "<B"),
    "string": (8, ""),
    "array": (9, ""),
    "u64": (10, "<Q"),
    "i64": (11, "<q"),
    "f64": (12, "<d"),
}


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def u64(number: int) -> bytes:
    return struct.pack("<Q", number)


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return u64(len(raw)) + raw


def scalar(kind: str, value: float | str) -> bytes:
    """A value without its type."""
    return text(value) if isinstance(value, str) else struct.pack(CODES[kind][1], value)


def array(kind: str, values: Sequence[float | str]) -> bytes:
    """An array's value, without the type that says it is one."""
    return u32(CODES[kind][0]) + u64(len(values)) + b"".join(scalar(kind, value) for value in values)


def field(key: str | bytes, kind: str, value: float | str | bytes) -> bytes:
    """A metadata field; `value` may be bytes already."""
    return text(key) + u32(CODES[kind][0]) + (value if isinstance(value, bytes) else scalar(kind, value))


def info(name: str | bytes, dims: Iterable[int], code: int, offset: int) -> bytes:
    """What the header says of a tensor; dims fastest-first."""
    axes = list(dims)
    return text(name) + u32(len(axes)) + b"".join(map(u64, axes)) + u32(code) + u64(offset)


def header(
    fields: Sequence[bytes] = (),
    infos: Sequence[bytes] = (),
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    """Everything before the padding; `counts` (tensors, fields) may lie."""
    tensors, keys = counts or (len(infos), len(fields))
    return b"GGUF" + u32(version) + u64(tensors) + u64(keys) + b"".join(fields) + b"".join(infos)


def file(
    fields: Sequence[bytes] = (),
    infos: Sequence[bytes] = (),
    data: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    alignment: int = 32,
) -> bytes:
    """A whole file."""
    head = header(fields, infos, version=version, counts=counts)
    return head + bytes(-len(head) % alignment) + data
