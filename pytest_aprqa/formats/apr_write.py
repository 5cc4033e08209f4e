"""Writes APR v2 files: metadata, index and data in one pass, in bounded memory, under a temporary name until complete.

Tensors are laid out in the order of their names, as the index is. Written are the current dtype bytes only.
Knows nothing of architectures, nor which tensors should be quantized.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.apr_layout import (
    FOOTER_BYTES,
    HEADER_BYTES,
    MAX_METADATA_BYTES,
    MAX_NAME_BYTES,
    MAX_RANK,
    MAX_TENSORS,
    AprFlag,
    Header,
    aligned,
    flag_problem,
    shown,
)
from pytest_aprqa.formats.apr_shards import MANIFEST_VERSION
from pytest_aprqa.formats.apr_types import STORED_TYPES, encode, stored_bytes
from pytest_aprqa.formats.safetensors import oversized

_CHUNK_VALUES: Final = 4 << 20
"""Values converted at once; a multiple of every block."""


@dataclass(frozen=True, slots=True)
class AprTensor:
    """One tensor to write."""

    name: str
    dtype: str
    """A key of `apr_types.STORED_TYPES`."""
    shape: tuple[int, ...]
    """Axes as PyTorch has them, slowest first."""
    data: Callable[[], bytes | NDArray[Any]]
    """Called once, when its turn comes. Bytes, or a uint8 array, are what is stored; any other array holds the values,
    which are stored in `dtype` (rounded to nearest, or quantized to APR_Q4 and APR_Q8)."""


def write_apr(
    path: Path, metadata: Mapping[str, Json], tensors: Sequence[AprTensor], *, flags: int = AprFlag.ROW_MAJOR
) -> None:
    """Writes one file, replacing what was there once all is written.

    Args:
        path: the file.
        metadata: written as compact JSON in its own order.
        tensors: in any order.
        flags: bits of `AprFlag`; compressed, encrypted and column-major are refused.

    Raises:
        ArtefactError: a tensor cannot be stored as it says, or its data is not what it says.
    """
    plan = _plan(path, metadata, tensors, flags)
    with _replacing(path) as stream:
        _write(_Summed(stream), plan)


def write_apr_shards(
    folder: Path,
    stem: str,
    metadata: Mapping[str, Json],
    tensors: Sequence[AprTensor],
    max_shard_bytes: int,
) -> Path:
    """Writes ``stem-00001-of-0000N.apr`` and so on, then their manifest.

    Args:
        folder: where to.
        stem: first part of the file names.
        metadata: written into every shard, with ``sharding`` added.
        tensors: in any order; shards take them by name.
        max_shard_bytes: at most so many bytes of tensors in a shard; a larger tensor gets its own.

    Returns:
        The manifest, ``stem.apr.json``.
    """
    ordered = sorted(tensors, key=_by_name)
    _require_storable(folder / f"{stem}.apr", ordered)
    groups = _groups(ordered, max_shard_bytes)
    flags = AprFlag.ROW_MAJOR | AprFlag.SHARDED
    paths = [folder / f"{stem}-{place:05d}-of-{len(groups):05d}.apr" for place in range(1, len(groups) + 1)]
    total_bytes, sizes = -1, [0]
    shard_metadata: list[dict[str, Json]] = []
    # The total is part of every shard's metadata, and so of its own value: a longer number may lengthen a shard.
    while total_bytes != sum(sizes):
        total_bytes = sum(sizes)
        shard_metadata = [_sharded(metadata, place, len(groups), total_bytes, stem) for place in range(len(groups))]
        plans = [_plan(*each, flags) for each in zip(paths, shard_metadata, groups, strict=True)]
        sizes = [plan.file_bytes for plan in plans]
    for path, own_metadata, group in zip(paths, shard_metadata, groups, strict=True):
        write_apr(path, own_metadata, group, flags=flags)
    names = [[tensor.name for tensor in group] for group in groups]
    manifest = folder / f"{stem}.apr.json"
    _write_manifest(manifest, paths, sizes, names)
    return manifest


@dataclass(frozen=True, slots=True)
class _Plan:
    """A file before its data."""

    path: Path
    head: bytes
    """Header, metadata and index with their padding."""
    tensors: tuple[AprTensor, ...]
    """In the order of the data."""
    file_bytes: int


def _plan(path: Path, metadata: Mapping[str, Json], tensors: Sequence[AprTensor], flags: int) -> _Plan:
    refused = flag_problem(flags)
    if refused:
        raise ArtefactError(refused, path=path)
    ordered = tuple(sorted(tensors, key=_by_name))
    _require_storable(path, ordered)
    text = _compact(metadata, path)
    entries, offset = [], 0
    for tensor in ordered:
        size = stored_bytes(tensor.dtype, math.prod(tensor.shape))
        entries.append(_index_entry(tensor, offset, size))
        offset += aligned(size)
    index = b"".join(entries)
    index_at = aligned(HEADER_BYTES + len(text))
    data_at = aligned(index_at + len(index))
    header = Header(flags, len(ordered), len(text), index_at, data_at)
    head = (header.pack() + text).ljust(index_at, b"\0") + index.ljust(data_at - index_at, b"\0")
    return _Plan(path, head, ordered, data_at + offset + FOOTER_BYTES)


def _index_entry(tensor: AprTensor, offset: int, size: int) -> bytes:
    name = tensor.name.encode()
    rank = len(tensor.shape)
    code = STORED_TYPES[tensor.dtype].code
    return struct.pack(f"<H{len(name)}sBB{rank + 2}Q", len(name), name, code, rank, *tensor.shape, offset, size)


def _require_storable(path: Path, ordered: Sequence[AprTensor]) -> None:
    if len(ordered) > MAX_TENSORS:
        raise ArtefactError("too many tensors", path=path, expected=f"at most {MAX_TENSORS}", found=f"{len(ordered)}")
    previous = None
    for tensor in ordered:
        problem = f"tensor {shown(tensor.name)}"
        if tensor.name == previous:
            raise ArtefactError(f"{problem} is there twice", path=path)
        previous = tensor.name
        if not 0 < len(_by_name(tensor)) <= MAX_NAME_BYTES or not _is_text(tensor.name):
            raise ArtefactError(f"{problem}: the name is not 1 to {MAX_NAME_BYTES} bytes of UTF-8", path=path)
        stored = STORED_TYPES.get(tensor.dtype)
        if stored is None:
            raise ArtefactError(f"{problem}: APR stores no {tensor.dtype}", path=path, expected=", ".join(STORED_TYPES))
        if len(tensor.shape) > MAX_RANK or any(axis < 0 for axis in tensor.shape) or oversized(tensor.shape):
            raise ArtefactError(
                f"{problem}: shape", path=path, expected=f"at most {MAX_RANK} axes", found=f"{tensor.shape!r:.80}"
            )
        if stored.whole_rows and (not tensor.shape or tensor.shape[-1] % stored.block_values):
            raise ArtefactError(
                f"{problem}: {tensor.dtype} {list(tensor.shape)}",
                path=path,
                expected=f"rows of a multiple of {stored.block_values} values",
            )


class _Summed:
    """A stream that sums what is written into a CRC-32."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.checksum = 0

    def write(self, data: bytes | memoryview) -> None:
        self._stream.write(data)
        self.checksum = zlib.crc32(data, self.checksum)


def _write(stream: _Summed, plan: _Plan) -> None:
    stream.write(plan.head)
    for tensor in plan.tensors:
        wanted = stored_bytes(tensor.dtype, math.prod(tensor.shape))
        written = 0
        for part in _stored(tensor, plan.path):
            stream.write(part)
            written += len(part)
        if written != wanted:
            raise ArtefactError(
                f"tensor {shown(tensor.name)}: its data",
                path=plan.path,
                expected=f"{wanted} bytes as {tensor.dtype}",
                found=f"{written}",
            )
        stream.write(bytes(aligned(written) - written))
    stream.write(stream.checksum.to_bytes(FOOTER_BYTES, "little"))


def _stored(tensor: AprTensor, path: Path) -> Iterator[memoryview]:
    """The tensor's bytes, part by part."""
    data = tensor.data()
    if not isinstance(data, np.ndarray):
        yield memoryview(data)
        return
    flat = np.ascontiguousarray(data).reshape(-1)
    if data.dtype == np.uint8:
        yield flat.data
        return
    if data.shape not in (tensor.shape, flat.shape):
        # The right number of values in other axes is most likely a transposed matrix.
        raise ArtefactError(
            f"tensor {shown(tensor.name)}: its values", path=path, expected=f"{tensor.shape}", found=f"{data.shape}"
        )
    problem = f"tensor {shown(tensor.name)}: {data.dtype} cannot be stored as {tensor.dtype}"
    store = _STORE.get(tensor.dtype)
    if store is None or not np.issubdtype(data.dtype, store.accepts):
        raise ArtefactError(problem, path=path, expected="the stored bytes, or values of its kind")
    # APR_Q8 has one scale for all.
    step = max(flat.size, 1) if tensor.dtype == "APR_Q8" else _CHUNK_VALUES
    for start in range(0, max(flat.size, 1), step):
        try:
            converted = store.convert(flat[start : start + step])
        except ValueError as exc:
            raise ArtefactError(f"{problem}: {exc}", path=path) from exc
        yield converted.data if isinstance(converted, np.ndarray) else memoryview(converted)


def _as(word: str) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """A conversion to a NumPy dtype that loses nothing but precision."""

    def convert(values: NDArray[Any]) -> NDArray[np.uint8]:
        with np.errstate(over="ignore", under="ignore"):
            converted = values.astype(word, copy=False)
        if converted.dtype.kind == "i":
            if not np.array_equal(converted, values):
                raise ValueError("a value is out of range")
        else:
            _require_same_infinities(values, converted)
        return converted.view(np.uint8)

    return convert


def _bfloat16(values: NDArray[Any]) -> NDArray[np.uint8]:
    """The upper halves of float32, rounded to nearest, ties to even; NaN stays NaN."""
    single = np.ascontiguousarray(values, dtype=np.float32)
    bits = single.view(np.uint32)
    rounded = (bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16
    upper = np.where(np.isnan(single), (bits >> 16) | 0x40, rounded).astype("<u2")
    _require_same_infinities(values, (upper.astype(np.uint32) << 16).view(np.float32))
    return upper.view(np.uint8)


def _require_same_infinities(values: NDArray[Any], converted: NDArray[Any]) -> None:
    if not np.array_equal(np.isinf(values), np.isinf(converted)):
        raise ValueError("a value is too large")


def _quantized(dtype: str) -> Callable[[NDArray[Any]], bytes]:
    return lambda values: encode(dtype, values.astype(np.float32, copy=False))


class _Store(NamedTuple):
    """How values become the bytes of a dtype."""

    accepts: type[np.generic]
    convert: Callable[[NDArray[Any]], bytes | NDArray[np.uint8]]


_STORE: Final[Mapping[str, _Store]] = {
    "F32": _Store(np.floating, _as("<f4")),
    "F16": _Store(np.floating, _as("<f2")),
    "F64": _Store(np.floating, _as("<f8")),
    "BF16": _Store(np.floating, _bfloat16),
    "I32": _Store(np.signedinteger, _as("<i4")),
    "I64": _Store(np.signedinteger, _as("<i8")),
    "I8": _Store(np.signedinteger, _as("|i1")),
    "APR_Q4": _Store(np.floating, _quantized("APR_Q4")),
    "APR_Q8": _Store(np.floating, _quantized("APR_Q8")),
}
"""U8 values are their own bytes; Q4_K and Q6_K come quantized."""


def _compact(metadata: Mapping[str, Json], path: Path) -> bytes:
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise ArtefactError(f"the metadata is no JSON: {exc}", path=path) from exc
    if len(text) > MAX_METADATA_BYTES:
        raise ArtefactError(
            "the metadata is too large", path=path, expected=f"at most {MAX_METADATA_BYTES} bytes", found=f"{len(text)}"
        )
    return text


def _groups(ordered: Sequence[AprTensor], max_shard_bytes: int) -> list[list[AprTensor]]:
    groups: list[list[AprTensor]] = [[]]
    taken = 0
    for tensor in ordered:
        size = aligned(stored_bytes(tensor.dtype, math.prod(tensor.shape)))
        if groups[-1] and taken + size > max_shard_bytes:
            groups.append([])
            taken = 0
        groups[-1].append(tensor)
        taken += size
    return groups


def _sharded(metadata: Mapping[str, Json], place: int, count: int, total_bytes: int, stem: str) -> dict[str, Json]:
    sharding: dict[str, Json] = {
        "shard_count": count,
        "shard_index": place,
        "total_size": total_bytes,
        "pattern": f"{stem}-{{:05d}}-of-{{:05d}}.apr",
    }
    return {**metadata, "sharding": sharding}


def _write_manifest(path: Path, shards: Sequence[Path], sizes: Sequence[int], names: Sequence[Sequence[str]]) -> None:
    listed = [
        {"filename": shard.name, "index": place, "size": sizes[place], "tensors": list(names[place])}
        for place, shard in enumerate(shards)
    ]
    value = {
        "version": MANIFEST_VERSION,
        "shard_count": len(shards),
        "total_size": sum(sizes),
        "tensor_count": sum(map(len, names)),
        "shards": listed,
        "weight_map": {name: place for place, group in enumerate(names) for name in group},
    }
    with _replacing(path) as stream:
        stream.write(json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the path's place once all is written, and leaves nothing behind otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
        temporary.replace(path)
    except OSError as exc:
        raise ArtefactError(f"cannot be written: {exc.strerror or exc}", path=path) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _by_name(tensor: AprTensor) -> bytes:
    return tensor.name.encode("utf-8", "surrogatepass")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
