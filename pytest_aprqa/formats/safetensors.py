"""The header of a safetensors file, checked before anything is allocated for its tensors.

Layout: 8 bytes little-endian header length, that many bytes of JSON, then the tensors' bytes, which must fill the rest
of the file without hole or overlap. The `safetensors` library checks much of this itself; this reader says where the
fault is, costs the same for a hostile file as for an honest one, and reads headers without opening the data.
Values are read in `tensors`.

Reference: https://huggingface.co/docs/safetensors, section "Format".
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.bounded_json import parse_object

MAX_HEADER_BYTES: Final = 100_000_000
"""The format's own limit."""

_MAX_HEADER_VALUES: Final = 4_000_000
"""A tensor takes about 10; the largest known file has fewer than 100,000 tensors."""

_MAX_RANK: Final = 16
_MAX_EXTENT: Final = 1 << 60
"""Values whose bytes a signed 64-bit number counts, eight bytes each; NumPy refuses more, empty axes aside."""

_MAX_NAME: Final = 1024

BITS: Final[Mapping[str, int]] = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F8_E4M3": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2": 8,
    "F8_E5M2FNUZ": 8,
    "F8_E8M0": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
}
"""Bits of one value of each dtype of the format."""

_NOT_FLOATING: Final = frozenset({"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "C64"})


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What a header of any format says of one tensor."""

    name: str
    dtype: str
    """By its format's name: a key of `BITS` (``BF16``) or of `BLOCK_TYPES` (``Q4_K``), or one of `APR_TYPES`."""
    shape: tuple[int, ...]
    """Axes as PyTorch has them, slowest first; empty for a single value."""
    file: Path
    start: int
    """Offset of its first byte in the file."""
    stop: int
    """Offset past its last byte in the file."""

    @property
    def values(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)

    @property
    def floating(self) -> bool:
        """True when its values are floating-point numbers, quantized or not."""
        return self.dtype not in _NOT_FLOATING


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one safetensors file."""

    path: Path
    tensors: Mapping[str, TensorEntry]
    """By name, in the order of their bytes in the file."""
    metadata: Mapping[str, str]
    """The ``__metadata__`` entry; often ``{"format": "pt"}``."""


def read_header(path: Path) -> Header:
    """Reads and checks a header; raises `ArtefactError` for anything the format forbids."""
    try:
        if not path.is_file():
            raise ArtefactError("cannot be read: it is absent or no file", path=path, expected="a safetensors file")
        with path.open("rb") as stream:
            file_bytes = os.fstat(stream.fileno()).st_size
            length = _header_length(stream, path, file_bytes)
            text = stream.read(length)
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=path) from exc
    if len(text) != length:
        raise ArtefactError("the file ends inside its header", path=path, offset=8 + len(text))
    if not text.startswith(b"{"):
        raise ArtefactError("the header is no JSON object", path=path, offset=8, expected="b'{'", found=f"{text[:1]!r}")
    value = parse_object(text, path=path, offset=8, max_values=_MAX_HEADER_VALUES)
    metadata = _metadata(value.pop("__metadata__", {}), path)
    entries = [_entry(name, raw, path, data_start=8 + length) for name, raw in value.items()]
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.stop))
    _require_no_gap(ordered, path, data_start=8 + length, file_bytes=file_bytes)
    return Header(path, {entry.name: entry for entry in ordered}, metadata)


def oversized(shape: Sequence[int]) -> bool:
    """True for a shape that no array can have, be it for its empty axes that it holds nothing.

    >>> oversized((1 << 59,)), oversized((1 << 60,)), oversized((0, 1 << 31, 1 << 31))
    (False, True, True)
    """
    return math.prod(axis for axis in shape if axis) >= _MAX_EXTENT


def _header_length(stream: BinaryIO, path: Path, file_bytes: int) -> int:
    prefix = stream.read(8)
    if len(prefix) < 8:
        raise ArtefactError(
            "the file is too short", path=path, offset=0, expected="8 bytes or more", found=f"{len(prefix)} bytes"
        )
    length = int.from_bytes(prefix, "little")
    limit = min(MAX_HEADER_BYTES, file_bytes - 8)
    if not 2 <= length <= limit:
        raise ArtefactError(
            f"the header's length does not fit a file of {file_bytes} bytes; it is truncated or not safetensors",
            path=path,
            offset=0,
            expected=f"2 to {limit}",
            found=f"{length}",
        )
    return length


def _metadata(raw: Json, path: Path) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise ArtefactError("__metadata__ is no object", path=path, offset=8, found=type(raw).__name__)
    wrong = [name for name, text in raw.items() if not isinstance(text, str)]
    if wrong:
        raise ArtefactError(f"__metadata__ {wrong[0][:80]!r} is no text", path=path, offset=8, expected="text")
    return {name: str(text) for name, text in raw.items()}


def _entry(name: str, raw: Json, path: Path, *, data_start: int) -> TensorEntry:
    """One tensor, once its type, shape and extent agree."""
    problem = f"tensor {name[:80]!r}"
    if len(name) > _MAX_NAME:
        raise ArtefactError(f"{problem}: the name is too long", path=path, expected=f"at most {_MAX_NAME} characters")
    if not isinstance(raw, dict) or set(raw) != {"dtype", "shape", "data_offsets"}:
        found = ", ".join(sorted(raw)[:6]) if isinstance(raw, dict) else type(raw).__name__
        raise ArtefactError(
            f"{problem}: malformed entry", path=path, expected="dtype, shape, data_offsets", found=found[:200]
        )
    dtype = raw["dtype"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise ArtefactError(f"{problem}: unknown dtype", path=path, expected=", ".join(BITS), found=repr(dtype)[:80])
    shape = _naturals(raw["shape"], f"{problem}: shape", path, longest=_MAX_RANK)
    start, stop = _extent(raw["data_offsets"], problem, path)
    bits = math.prod(shape) * BITS[dtype]
    if (stop - start) * 8 != bits:
        raise ArtefactError(
            f"{problem}: {dtype} {list(shape)} does not fill its bytes",
            path=path,
            offset=data_start + start,
            expected=f"{bits / 8:g} bytes",
            found=f"{stop - start} bytes",
        )
    if oversized(shape):
        raise ArtefactError(f"{problem}: the shape is too large", path=path, found=repr(list(shape)))
    return TensorEntry(name, dtype, shape, path, data_start + start, data_start + stop)


def _extent(raw: Json, problem: str, path: Path) -> tuple[int, int]:
    offsets = _naturals(raw, f"{problem}: data_offsets", path, longest=2)
    if len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ArtefactError(f"{problem}: data_offsets", path=path, expected="[start, stop]", found=repr(list(offsets)))
    return offsets[0], offsets[1]


def _naturals(raw: Json, problem: str, path: Path, *, longest: int) -> tuple[int, ...]:
    """A short list of integers from 0 to 2**63 - 1; True is no integer here."""
    if not isinstance(raw, list) or len(raw) > longest:
        raise ArtefactError(problem, path=path, expected=f"a list of at most {longest}", found=repr(raw)[:80])
    numbers = [value for value in raw if isinstance(value, int) and not isinstance(value, bool)]
    if len(numbers) != len(raw) or not all(0 <= number < 1 << 63 for number in numbers):
        raise ArtefactError(problem, path=path, expected="integers from 0 to 2^63 - 1", found=repr(raw)[:80])
    return tuple(numbers)


def _require_no_gap(ordered: Iterable[TensorEntry], path: Path, *, data_start: int, file_bytes: int) -> None:
    """The tensors' bytes follow one another from the header's end to the file's end."""
    end = data_start
    for entry in ordered:
        if entry.start != end:
            word = "overlaps its predecessor" if entry.start < end else "leaves a hole before it"
            raise ArtefactError(
                f"tensor {entry.name[:80]!r} {word}", path=path, offset=entry.start, expected=f"{end:#x}"
            )
        end = entry.stop
    if end != file_bytes:
        word = "the file is truncated" if end > file_bytes else "bytes that belong to no tensor follow"
        raise ArtefactError(
            f"the tensors do not end with the file: {word}",
            path=path,
            offset=min(end, file_bytes),
            expected=f"{end} bytes",
            found=f"{file_bytes} bytes",
        )
