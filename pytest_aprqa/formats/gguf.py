"""The header of a GGUF file, versions 2 and 3, little-endian, checked before anything is allocated for its tensors.

Layout: magic, version, number of tensors and of fields; the fields; name, dims, type and offset of each tensor; padding
to the alignment; the tensors' bytes. GGUF lists dims fastest-first; a `TensorEntry` has them reversed, as PyTorch does,
and the bytes are the same. The `gguf` package's own reader maps the file and allocates what a header claims.
Knows nothing of architectures or of the meaning of keys, other than ``general.alignment`` and ``split.*``.

Reference: the GGUF specification (ggml, docs/gguf.md).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.block_types import BLOCK_TYPES, stored_bytes
from pytest_aprqa.formats.folder import inside
from pytest_aprqa.formats.gguf_cursor import GgufCursor, GgufType
from pytest_aprqa.formats.safetensors import TensorEntry, oversized

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
DEFAULT_ALIGNMENT: Final = 32

PLAIN_TYPES: Final[Mapping[str, int]] = {
    "F32": 0,
    "F16": 1,
    "I8": 24,
    "I16": 25,
    "I32": 26,
    "I64": 27,
    "F64": 28,
    "BF16": 30,
}
"""GGML's numbers of the types that store each value by itself."""

_TYPES_BY_CODE: Final[Mapping[int, str]] = {code: dtype for dtype, code in PLAIN_TYPES.items()} | {
    block.code: dtype for dtype, block in BLOCK_TYPES.items()
}

MAX_NAME_BYTES: Final = 64
"""GGML_MAX_NAME."""
MAX_RANK: Final = 4
"""GGML_MAX_DIMS."""

MAX_KEY_BYTES: Final = 65535
_MAX_FIELDS: Final = 1 << 16
_MAX_TENSORS: Final = 1 << 17
_LEAST_FIELD_BYTES: Final = 8 + 1 + 4 + 1
_LEAST_TENSOR_BYTES: Final = 8 + 4 + 4 + 8
_PART: Final = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GgufFile:
    """The header of a GGUF file, or of all parts of a split one."""

    path: Path
    """The file, or the first part."""
    version: int
    alignment: int
    """Of the tensors' offsets, in bytes; a power of two."""
    fields: Mapping[str, Json]
    """The metadata in the file's order; of a split file, the first part's."""
    tensors: Mapping[str, TensorEntry]
    """By GGUF name, in the order of their bytes."""
    types: Mapping[str, str] = field(default_factory=dict)
    """How each field is stored: ``u32``, ``f32``, ``string``, ``[i32]``, ``[string]`` ..."""


def read_gguf(path: Path) -> GgufFile:
    """Reads and checks a header, and those of the parts beside a first part.

    Raises:
        ArtefactError: anything that the format forbids, or a part that is missing or not what the first says.
    """
    first = _read_part(path)
    count = _whole(first, "split.count")
    if count is None or count <= 1:
        return first
    tensors = dict(first.tensors)
    for number, part_path in enumerate(_part_paths(first, count)):
        part = first if number == 0 else _read_part(part_path)
        _require_part(part, number, count)
        if number:
            _add(tensors, part)
    total = _whole(first, "split.tensors.count")
    if total not in (None, len(tensors)):
        raise ArtefactError(
            "split.tensors.count is not the number of tensors in all parts",
            path=path,
            expected=f"{len(tensors)}",
            found=f"{total}",
        )
    return GgufFile(path, first.version, first.alignment, first.fields, tensors, first.types)


def _part_paths(first: GgufFile, count: int) -> Iterable[Path]:
    name = _PART.fullmatch(first.path.name)
    if name is None or int(name["number"]) != 1 or int(name["count"]) != count:
        raise ArtefactError(
            f"the file says that it is one of {count} parts, and is not named like the first of them; open that one",
            path=first.path,
            expected=f"a name that ends in -00001-of-{count:05d}.gguf",
        )
    yield first.path
    for number in range(2, count + 1):
        yield inside(first.path.parent, f"{name['stem']}-{number:05d}-of-{count:05d}.gguf")


def _require_part(part: GgufFile, number: int, count: int) -> None:
    found = (_whole(part, "split.no"), _whole(part, "split.count"))
    if found != (number, count):
        raise ArtefactError(
            f"is not part {number + 1} of {count}",
            path=part.path,
            expected=f"split.no {number}, split.count {count}",
            found=f"split.no {found[0]}, split.count {found[1]}",
        )


def _add(tensors: dict[str, TensorEntry], part: GgufFile) -> None:
    for name, entry in part.tensors.items():
        if name in tensors:
            raise ArtefactError(
                f"tensor {name!r} is in two parts", path=part.path, found=f"also in {tensors[name].file.name}"
            )
        tensors[name] = entry


def _whole(file: GgufFile, key: str) -> int | None:
    """A field that is a natural number; None where it is absent."""
    value = file.fields.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ArtefactError(f"{key} is no natural number", path=file.path, found=repr(value)[:80])
    return value


def _read_part(path: Path) -> GgufFile:
    try:
        if not path.is_file():
            raise ArtefactError("cannot be read: it is absent or no file", path=path, expected="a GGUF file")
        with path.open("rb") as stream:
            return _walk(GgufCursor(stream, path, file_bytes=os.fstat(stream.fileno()).st_size))
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc


def _walk(cursor: GgufCursor) -> GgufFile:
    version = _version(cursor)
    tensor_count = cursor.count("number of tensors", least_bytes=_LEAST_TENSOR_BYTES, most=_MAX_TENSORS)
    field_count = cursor.count("number of fields", least_bytes=_LEAST_FIELD_BYTES, most=_MAX_FIELDS)
    fields: dict[str, Json] = {}
    types: dict[str, str] = {}
    for _ in range(field_count):
        key = _key(cursor, fields)
        fields[key], types[key] = cursor.value(cursor.kind(f"field {key[:80]!r}"), f"field {key[:80]!r}")
    alignment = _alignment(cursor, fields, types)
    infos: dict[str, _Info] = {}
    for _ in range(tensor_count):
        info = _info(cursor, alignment)
        if info.name in infos:
            raise cursor.error(f"tensor {info.name!r} is there twice", at=info.at)
        infos[info.name] = info
    data_start = -(-cursor.at // alignment) * alignment
    entries = sorted((info.entry(cursor.path, data_start) for info in infos.values()), key=_extent)
    _require_room(cursor, entries)
    return GgufFile(cursor.path, version, alignment, fields, {entry.name: entry for entry in entries}, types)


def _version(cursor: GgufCursor) -> int:
    magic = cursor.raw(4, "magic")
    if magic != MAGIC:
        raise cursor.error("no GGUF file: wrong magic", at=0, expected=repr(MAGIC), found=repr(magic))
    version = cursor.integer(GgufType.U32, "version")
    if version and not version & 0xFFFF:
        raise cursor.error(
            "the file is big-endian, which is not read; convert it with gguf-convert-endian",
            at=4,
            found=f"{version:#x}",
        )
    if version not in VERSIONS:
        raise cursor.error("GGUF version that is not read", at=4, expected="2 or 3", found=f"{version}")
    return version


def _key(cursor: GgufCursor, fields: Mapping[str, Json]) -> str:
    at = cursor.at
    key = cursor.text("key of a field")
    if not 0 < cursor.at - at - 8 <= MAX_KEY_BYTES:
        raise cursor.error("a key's length", at=at, expected=f"1 to {MAX_KEY_BYTES} bytes", found=f"{len(key)}")
    if key in fields:
        raise cursor.error(f"field {key[:80]!r} is there twice", at=at)
    return key


def _alignment(cursor: GgufCursor, fields: Mapping[str, Json], types: Mapping[str, str]) -> int:
    value = fields.get("general.alignment", DEFAULT_ALIGNMENT)
    kind = types.get("general.alignment", GgufType.U32)
    if kind != GgufType.U32 or not isinstance(value, int) or value.bit_count() != 1:
        raise cursor.error(
            "general.alignment", at=cursor.at, expected="u32, a power of two", found=f"{kind} {value!r}"[:80]
        )
    return value


@dataclass(frozen=True, slots=True)
class _Info:
    """What the header says of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    """Slowest first."""
    offset: int
    """From the start of the tensors' bytes."""
    at: int
    """Where in the header it stands."""

    def entry(self, path: Path, data_start: int) -> TensorEntry:
        start = data_start + self.offset
        stop = start + stored_bytes(self.dtype, math.prod(self.shape))
        return TensorEntry(self.name, self.dtype, self.shape, path, start, stop)


def _info(cursor: GgufCursor, alignment: int) -> _Info:
    at = cursor.at
    name = cursor.text("name of a tensor")
    what = f"tensor {name[:80]!r}"
    if cursor.at - at - 8 > MAX_NAME_BYTES:
        raise cursor.error(f"{what}: the name is too long", at=at, expected=f"at most {MAX_NAME_BYTES} bytes")
    shape = _shape(cursor, what)
    dtype = _dtype(cursor, what, shape)
    offset_at = cursor.at
    offset = cursor.integer(GgufType.U64, f"{what}: offset")
    if offset % alignment:
        raise cursor.error(
            f"{what}: the offset is not aligned", at=offset_at, expected=f"a multiple of {alignment}", found=f"{offset}"
        )
    return _Info(name, dtype, shape, offset, at)


def _shape(cursor: GgufCursor, what: str) -> tuple[int, ...]:
    at = cursor.at
    rank = cursor.integer(GgufType.U32, f"{what}: rank")
    if rank > MAX_RANK:
        raise cursor.error(f"{what}: the rank is too high", at=at, expected=f"at most {MAX_RANK}", found=f"{rank}")
    dims = [cursor.integer(GgufType.U64, f"{what}: dims") for _ in range(rank)]
    if oversized(dims):
        raise cursor.error(f"{what}: the shape is too large", at=at, found=f"{dims}")
    return tuple(reversed(dims))


def _dtype(cursor: GgufCursor, what: str, shape: tuple[int, ...]) -> str:
    at = cursor.at
    code = cursor.integer(GgufType.U32, f"{what}: type")
    if code not in _TYPES_BY_CODE:
        raise cursor.error(f"{what}: unknown type", at=at, expected=", ".join(_TYPES_BY_CODE.values()), found=f"{code}")
    dtype = _TYPES_BY_CODE[code]
    row = shape[-1] if shape else 1
    if dtype in BLOCK_TYPES and row % BLOCK_TYPES[dtype].values:
        raise cursor.error(
            f"{what}: rows of {row} values do not divide into blocks of {dtype}",
            at=at,
            expected=f"a multiple of {BLOCK_TYPES[dtype].values}",
        )
    return dtype


def _extent(entry: TensorEntry) -> tuple[int, int]:
    return entry.start, entry.stop


def _require_room(cursor: GgufCursor, ordered: Iterable[TensorEntry]) -> None:
    """Every tensor lies in the file and none in another; padding and unused bytes between them are allowed."""
    end = 0
    for entry in ordered:
        if entry.start < end:
            raise cursor.error(f"tensor {entry.name!r} overlaps its predecessor", at=entry.start, expected=f"{end:#x}")
        if entry.stop > cursor.file_bytes:
            raise cursor.error(
                f"tensor {entry.name!r} does not end inside the file; it is truncated or the offset is wrong",
                at=entry.start,
                expected=f"at least {entry.stop} bytes",
                found=f"{cursor.file_bytes} bytes",
            )
        end = entry.stop
