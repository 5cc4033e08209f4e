"""Values of tensors as NumPy arrays, in blocks of bounded size, without torch.

bfloat16 and the 8-bit floats become float32, exactly. The 4- and 6-bit floats have no decoder here: `readable` says so.
Files are read, not mapped: a file that shrinks while it is mapped kills the process with SIGBUS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats.safetensors import BITS, TensorEntry

Values = NDArray[Any]
"""float16, float32, float64, complex64, bool or integer; what the dtype holds."""

_BLOCK_VALUES: Final = 4 << 20
"""16 MiB of float32 at once."""


def readable(entry: TensorEntry) -> bool:
    """True when the tensor's values can be decoded here."""
    return entry.dtype in _DECODERS


def blocks(entry: TensorEntry, *, max_values: int = _BLOCK_VALUES) -> Iterator[Values]:
    """Yields the values in order, flat, at most `max_values` at a time."""
    stored, decode = _decoder(entry)
    try:
        with entry.file.open("rb") as stream:
            stream.seek(entry.start)
            left = entry.values
            while left:
                block = np.fromfile(stream, dtype=stored, count=min(left, max_values))
                if not block.size:
                    raise ArtefactError(f"the file ends inside tensor {entry.name[:80]!r}", path=entry.file)
                left -= block.size
                yield decode(block)
    except OSError as exc:
        raise ArtefactError(f"cannot be read: {exc.strerror or exc}", path=entry.file) from exc


def read_tensor(entry: TensorEntry) -> Values:
    """All values in the tensor's shape; takes as much memory as they need."""
    parts = list(blocks(entry, max_values=max(entry.values, 1)))
    flat = parts[0] if parts else _decoder(entry)[1](np.empty(0, _decoder(entry)[0]))
    return flat.reshape(entry.shape)


def _decoder(entry: TensorEntry) -> tuple[np.dtype[Any], Callable[[Values], Values]]:
    if entry.dtype not in _DECODERS:
        raise ArtefactError(
            f"tensor {entry.name[:80]!r}: {entry.dtype} ({BITS[entry.dtype]} bits) cannot be decoded here",
            path=entry.file,
            offset=entry.start,
            expected=", ".join(_DECODERS),
        )
    return _DECODERS[entry.dtype]


def _as_stored(raw: Values) -> Values:
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


def _plain(name: str) -> tuple[np.dtype[Any], Callable[[Values], Values]]:
    return np.dtype(name), _as_stored


_BYTE: Final = np.dtype("u1")

_DECODERS: Final[Mapping[str, tuple[np.dtype[Any], Callable[[Values], Values]]]] = {
    "BOOL": _plain("?"),
    "U8": _plain("u1"),
    "I8": _plain("i1"),
    "U16": _plain("<u2"),
    "I16": _plain("<i2"),
    "F16": _plain("<f2"),
    "BF16": (np.dtype("<u2"), _bfloat16),
    "U32": _plain("<u4"),
    "I32": _plain("<i4"),
    "F32": _plain("<f4"),
    "U64": _plain("<u8"),
    "I64": _plain("<i8"),
    "F64": _plain("<f8"),
    "C64": _plain("<c8"),
    "F8_E4M3": (_BYTE, _by_table(_float8_table(exponent_bits=4, bias=7, nan=(0x7F, 0xFF)))),
    "F8_E4M3FNUZ": (_BYTE, _by_table(_float8_table(exponent_bits=4, bias=8, nan=(0x80,)))),
    "F8_E5M2": (_BYTE, _float8_e5m2),
    "F8_E5M2FNUZ": (_BYTE, _by_table(_float8_table(exponent_bits=5, bias=16, nan=(0x80,)))),
    "F8_E8M0": (_BYTE, _by_table(_power_of_two_table())),
}
