"""Values of tensors as NumPy arrays, in blocks of bounded size, without torch.

bfloat16, the 8-bit floats and the block-quantized types become float32. The 4- and 6-bit floats of safetensors have no
decoder here, nor have a few block types: `readable` says so.
Files are read, not mapped: a file that shrinks while it is mapped kills the process with SIGBUS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import apr_types, block_types
from pytest_aprqa.formats.safetensors import TensorEntry

Values = NDArray[Any]
"""float16, float32, float64, complex64, bool or integer; what the dtype holds."""

_BLOCK_VALUES: Final = 4 << 20
"""16 MiB of float32 at once."""


@dataclass(frozen=True, slots=True)
class _Decoder:
    """How a dtype is read: after a head, units of a number of stored items that hold a number of values."""

    stored: np.dtype[Any]
    decode: Callable[[Values, int], Values]
    """Stored items, the head's among them, and how many values they hold."""
    unit_items: int = 1
    unit_values: int = 1
    head_items: int = 0


def readable(entry: TensorEntry) -> bool:
    """True when the tensor's values can be decoded here."""
    return _decoder(entry.dtype) is not None


def blocks(entry: TensorEntry, *, max_values: int = _BLOCK_VALUES) -> Iterator[Values]:
    """Yields the values in order, flat, at most `max_values` at a time."""
    decoder = _required(entry)
    try:
        with entry.file.open("rb") as stream:
            stream.seek(entry.start)
            head = _read(stream, decoder, decoder.head_items, entry)
            left = entry.values
            while left:
                units = min(max(max_values // decoder.unit_values, 1), -(-left // decoder.unit_values))
                raw = _read(stream, decoder, units * decoder.unit_items, entry)
                count = min(left, units * decoder.unit_values)
                left -= count
                yield from _cut(decoder.decode(np.concatenate((head, raw)) if head.size else raw, count), max_values)
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=entry.file) from exc


def read_tensor(entry: TensorEntry) -> Values:
    """All values in the tensor's shape; takes as much memory as they need."""
    decoder = _required(entry)
    if decoder.unit_values == 1:
        parts = list(blocks(entry, max_values=max(entry.values, 1)))
        flat = parts[0] if parts else decoder.decode(np.empty(0, decoder.stored), 0)
        return flat.reshape(entry.shape)
    quantized = np.empty(entry.values, np.float32)
    at = 0
    for part in blocks(entry):
        quantized[at : at + part.size] = part
        at += part.size
    return quantized.reshape(entry.shape)


def _read(stream: BinaryIO, decoder: _Decoder, items: int, entry: TensorEntry) -> Values:
    raw = np.fromfile(stream, dtype=decoder.stored, count=items)
    if raw.size != items:
        raise ArtefactError(f"the file ends inside tensor {entry.name[:80]!r}", path=entry.file)
    return raw


def _cut(values: Values, max_values: int) -> Iterator[Values]:
    for at in range(0, values.size, max_values):
        yield values[at : at + max_values]


def _required(entry: TensorEntry) -> _Decoder:
    decoder = _decoder(entry.dtype)
    if decoder is None:
        raise ArtefactError(
            f"tensor {entry.name[:80]!r}: {entry.dtype} cannot be decoded here",
            path=entry.file,
            offset=entry.start,
            expected=", ".join(_DECODERS) + " or a block type that the gguf package decodes",
        )
    return decoder


@lru_cache(maxsize=64)
def _decoder(dtype: str) -> _Decoder | None:
    if dtype in _DECODERS:
        return _DECODERS[dtype]
    if block_types.decodable(dtype):
        block = block_types.BLOCK_TYPES[dtype]
        return _Decoder(_BYTE, lambda raw, count: block_types.decode(dtype, raw)[:count], block.bytes, block.values)
    return _apr_decoder(dtype)


def _apr_decoder(dtype: str) -> _Decoder | None:
    if dtype not in apr_types.APR_TYPES:
        return None
    stored = apr_types.STORED_TYPES[dtype]
    return _Decoder(
        _BYTE,
        lambda raw, count: apr_types.decode(dtype, raw, count),
        stored.block_bytes,
        stored.block_values,
        stored.head_bytes,
    )


def _as_stored(raw: Values, _: int) -> Values:
    return raw


def _bfloat16(raw: Values) -> Values:
    """The upper half of a float32."""
    return (raw.astype(np.uint32) << 16).view(np.float32)


def _float8_e5m2(raw: Values) -> Values:
    """The upper half of a float16."""
    return (raw.astype(np.uint16) << 8).view(np.float16).astype(np.float32)


def _by_table(table: Values) -> Callable[[Values], Values]:
    """A decoder of bytes by their 256 values."""

    def decode(raw: Values) -> Values:
        values: Values = table[raw]
        return values

    return decode


def _float8_table(*, exponent_bits: int, bias: int, nan: tuple[int, ...]) -> Values:
    """Values of an 8-bit float without infinities, by the OCP (E4M3) and the FNUZ conventions."""
    codes = np.arange(256)
    mantissa_bits = 7 - exponent_bits
    exponent = (codes >> mantissa_bits) & ((1 << exponent_bits) - 1)
    fraction = (codes & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    normal = np.ldexp(1 + fraction, exponent - bias)
    value = np.where(exponent == 0, np.ldexp(fraction, 1 - bias), normal)
    value = np.where(codes & 0x80, -value, value)
    value[list(nan)] = np.nan
    return value.astype(np.float32)


def _power_of_two_table() -> Values:
    """E8M0: a scale of 2^(code - 127); 255 is NaN."""
    value = np.ldexp(np.float64(1), np.arange(256) - 127)
    value[255] = np.nan
    return value.astype(np.float32)


def _plain(name: str) -> _Decoder:
    return _Decoder(np.dtype(name), _as_stored)


def _by(stored: str, decode: Callable[[Values], Values]) -> _Decoder:
    return _Decoder(np.dtype(stored), lambda raw, _: decode(raw))


_BYTE: Final = np.dtype("u1")

_DECODERS: Final[Mapping[str, _Decoder]] = {
    "BOOL": _plain("?"),
    "U8": _plain("u1"),
    "I8": _plain("i1"),
    "U16": _plain("<u2"),
    "I16": _plain("<i2"),
    "F16": _plain("<f2"),
    "BF16": _by("<u2", _bfloat16),
    "U32": _plain("<u4"),
    "I32": _plain("<i4"),
    "F32": _plain("<f4"),
    "U64": _plain("<u8"),
    "I64": _plain("<i8"),
    "F64": _plain("<f8"),
    "C64": _plain("<c8"),
    "F8_E4M3": _by("u1", _by_table(_float8_table(exponent_bits=4, bias=7, nan=(0x7F, 0xFF)))),
    "F8_E4M3FNUZ": _by("u1", _by_table(_float8_table(exponent_bits=4, bias=8, nan=(0x80,)))),
    "F8_E5M2": _by("u1", _float8_e5m2),
    "F8_E5M2FNUZ": _by("u1", _by_table(_float8_table(exponent_bits=5, bias=16, nan=(0x80,)))),
    "F8_E8M0": _by("u1", _by_table(_power_of_two_table())),
}
