"""Writes GGUF files through the `gguf` package, one tensor in memory at a time, under a temporary name until done.

Knows nothing of architectures: what to write, under which names and in which types, is the caller's.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.block_types import BLOCK_TYPES, stored_bytes
from pytest_aprqa.formats.gguf import MAX_KEY_BYTES, MAX_NAME_BYTES, MAX_RANK, PLAIN_TYPES
from pytest_aprqa.formats.gguf_cursor import FORMATS, TYPES, GgufType

if TYPE_CHECKING:
    import gguf

_ALIGNMENT: Final = "general.alignment"


@dataclass(frozen=True, slots=True)
class GgufValue:
    """A metadata value whose stored type is named, for where Python's type does not tell it."""

    value: Json
    type: str
    """As `GgufFile.types` has it: ``u32``, ``f32``, ``[i32]`` ..."""


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """A tensor to be written."""

    name: str
    dtype: str
    """A key of `PLAIN_TYPES` or of `BLOCK_TYPES`."""
    shape: tuple[int, ...]
    """Axes of the values as PyTorch has them, slowest first."""
    data: Callable[[], NDArray[Any]]
    """Gives the encoded values when they are written: float32 for F32, uint16 for BF16, uint8 blocks for Q8_0 ..."""


def write_gguf(path: Path, fields: Mapping[str, Json | GgufValue], tensors: Sequence[GgufTensor]) -> None:
    """Writes a GGUF file of version 3 in one step: `path` is whole or is not there.

    Args:
        path: where; a file there is replaced.
        fields: the metadata. Without a `GgufValue` a Boolean is stored as ``bool``, an integer as ``u32`` (``i32`` when
            negative, 64 bits when it must), a float as ``f32``, and a list by its items, its integers as ``i32``.
            ``general.alignment`` is obeyed. An empty list cannot be written and is left out.
        tensors: in the order of their bytes.

    Raises:
        ArtefactError: the file cannot be written.
        ValueError: a field or tensor is none that GGUF has.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(part, fields, tensors)
        part.replace(path)
    except OSError as exc:
        raise ArtefactError(
            f"cannot be written: {exc.strerror or exc}; choose another folder or free some space", path=path
        ) from exc
    finally:
        _discard(part)


def _discard(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself cannot be written; the first error says so


def _write(part: Path, fields: Mapping[str, Json | GgufValue], tensors: Sequence[GgufTensor]) -> None:
    import gguf

    writer = gguf.GGUFWriter(part, arch="")
    try:
        for key, value in fields.items():
            _add_field(writer, key, value if isinstance(value, GgufValue) else GgufValue(value, type_of(key, value)))
        for tensor in tensors:
            _add_info(writer, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in tensors:
            writer.write_tensor_data(_encoded(tensor))
    finally:
        writer.close()


def type_of(key: str, value: Json) -> str:
    """The type in which a value is stored when none is named.

    >>> type_of("k", 7), type_of("k", -7), type_of("k", 1 << 40), type_of("k", 0.5), type_of("k", [1, 2])
    ('u32', 'i32', 'u64', 'f32', '[i32]')
    """
    match value:
        case bool():
            return GgufType.BOOL.value
        case int():
            fitting = (GgufType.U32, GgufType.I32, GgufType.U64, GgufType.I64)
            return next((kind for kind in fitting if _fits(value, kind)), GgufType.I64).value
        case float():
            return GgufType.F32.value
        case str():
            return GgufType.STRING.value
        case list():
            return f"[{_item_type(key, value)}]"
        case _:
            raise ValueError(f"field {key!r}: GGUF cannot store {type(value).__name__}")


def _item_type(key: str, items: list[Json]) -> GgufType:
    kinds = {type(item) for item in items}
    if len(kinds) > 1 and kinds != {int, float}:
        raise ValueError(f"field {key!r}: the items of a list must have one type, not {len(kinds)}")
    if float in kinds:
        return GgufType.F32
    if kinds == {int}:
        return GgufType.I32 if all(_fits(item, GgufType.I32) for item in items) else GgufType.I64
    if kinds == {list}:
        return GgufType.ARRAY
    return GgufType(type_of(key, items[0])) if items else GgufType.STRING


def _fits(value: Json, kind: GgufType) -> bool:
    if kind in (GgufType.BOOL, GgufType.STRING) or isinstance(value, bool):
        return isinstance(value, bool if kind is GgufType.BOOL else str)
    try:
        return kind in FORMATS and bool(FORMATS[kind].pack(value))
    except (struct.error, OverflowError):
        return False


def _add_field(writer: gguf.GGUFWriter, key: str, value: GgufValue) -> None:
    from gguf import GGUFValueType

    if not 0 < len(key.encode()) <= MAX_KEY_BYTES:
        raise ValueError(f"field {key[:80]!r}: a key has 1 to {MAX_KEY_BYTES} bytes")
    if key == _ALIGNMENT:
        _set_alignment(writer, value.value)
        return
    listed = value.type.startswith("[")
    if listed != isinstance(value.value, list):
        raise ValueError(f"field {key!r}: {value.type} does not suit {type(value.value).__name__}")
    kind = GgufType(value.type.strip("[]"))
    _require_items(key, value.value if isinstance(value.value, list) else [value.value], kind)
    code = GGUFValueType(TYPES.index(kind))
    if not listed:
        writer.add_key_value(key, value.value, code)
    elif value.value:
        writer.add_key_value(key, value.value, GGUFValueType.ARRAY, sub_type=code)


def _set_alignment(writer: gguf.GGUFWriter, alignment: Json) -> None:
    if (
        not isinstance(alignment, int)
        or alignment < 8
        or alignment.bit_count() != 1
        or not _fits(alignment, GgufType.U32)
    ):
        raise ValueError(f"field {_ALIGNMENT!r}: {alignment!r} is no power of two from 8")
    writer.add_custom_alignment(alignment)


def _require_items(key: str, items: Sequence[Json], kind: GgufType) -> None:
    """The packer would take `True` for the number 1, and die of a number that does not fit."""
    wrong = [item for item in items if not _fits(item, kind)]
    if wrong:
        raise ValueError(f"field {key!r}: {wrong[0]!r:.80} cannot be stored as {kind}")


def _add_info(writer: gguf.GGUFWriter, tensor: GgufTensor) -> None:
    from gguf import GGMLQuantizationType

    if len(tensor.name.encode()) >= MAX_NAME_BYTES:
        raise ValueError(f"tensor {tensor.name!r}: llama.cpp takes names of at most {MAX_NAME_BYTES - 1} bytes")
    if len(tensor.shape) > MAX_RANK:
        raise ValueError(f"tensor {tensor.name!r}: GGUF has at most {MAX_RANK} axes, not {len(tensor.shape)}")
    code = GGMLQuantizationType(_code(tensor))
    writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), _stored_bytes(tensor), raw_dtype=code)


def _code(tensor: GgufTensor) -> int:
    if tensor.dtype in PLAIN_TYPES:
        return PLAIN_TYPES[tensor.dtype]
    if tensor.dtype not in BLOCK_TYPES:
        raise ValueError(f"tensor {tensor.name!r}: GGUF has no type {tensor.dtype}")
    block = BLOCK_TYPES[tensor.dtype]
    row = tensor.shape[-1] if tensor.shape else 1
    if row % block.values:
        raise ValueError(f"tensor {tensor.name!r}: rows of {row} do not divide into blocks of {block.values}")
    return block.code


def _stored_bytes(tensor: GgufTensor) -> int:
    return stored_bytes(tensor.dtype, int(np.prod(tensor.shape, dtype=object)))


def _encoded(tensor: GgufTensor) -> NDArray[Any]:
    """The tensor's bytes, little-endian; the writer knows no other order to be wrong."""
    data = np.asarray(tensor.data())
    if data.nbytes != _stored_bytes(tensor):
        raise ValueError(
            f"tensor {tensor.name!r}: {data.nbytes} bytes of data where {tensor.dtype} {list(tensor.shape)} "
            f"takes {_stored_bytes(tensor)}"
        )
    return np.ascontiguousarray(data, data.dtype.newbyteorder("<"))
