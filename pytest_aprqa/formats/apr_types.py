"""How an APR v2 file stores values: the table of its dtype bytes, and its own two quantizations as NumPy arrays.

APR_Q4 has blocks of 32 values: a float16 scale and 16 bytes of nibbles, even places low, odd places high. APR_Q8 has
one float32 scale for the whole tensor, then signed bytes. Blocks run over the flattened tensor and may cross rows.
Knows nothing of files. Q4_K and Q6_K are GGML's; their values are decoded where GGML's other types are.

Reference: the layout of ``aprender``'s ``format/v2`` writer, after its dtype bytes became GGML's numbers (GH-438).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

APR_TYPES: Final = frozenset({"APR_Q4", "APR_Q8"})
"""The quantizations that only APR has."""


@dataclass(frozen=True, slots=True)
class StoredType:
    """How one dtype lies in an APR file."""

    code: int
    """The dtype byte."""
    block_values: int
    """Values in a block; 1 where values stand alone."""
    block_bytes: int
    """Bytes of a block; a short last block takes them all."""
    head_bytes: int = 0
    """Bytes before the first block."""
    whole_rows: bool = False
    """True when a block may not cross rows, so that a row is a whole number of blocks."""


STORED_TYPES: Final[Mapping[str, StoredType]] = {
    "F32": StoredType(0, 1, 4),
    "F16": StoredType(1, 1, 2),
    "F64": StoredType(3, 1, 8),
    "I32": StoredType(4, 1, 4),
    "I64": StoredType(5, 1, 8),
    "I8": StoredType(6, 1, 1),
    "U8": StoredType(7, 1, 1),
    "Q4_K": StoredType(12, 256, 144, whole_rows=True),
    "Q6_K": StoredType(14, 256, 210, whole_rows=True),
    "BF16": StoredType(30, 1, 2),
    "APR_Q4": StoredType(128, 32, 18),
    "APR_Q8": StoredType(129, 1, 1, head_bytes=4),
}
"""Every dtype of the container, with the byte that is written for it."""

OLD_CODES: Final[Mapping[int, str]] = {8: "APR_Q4", 9: "APR_Q8"}
"""Bytes that files from before GH-438 have for the same bytes of data; read, never written."""

CODES: Final[Mapping[int, str]] = {stored.code: name for name, stored in STORED_TYPES.items()} | dict(OLD_CODES)
"""Every dtype byte that can be read."""

AMBIGUOUS_CODES: Final[Mapping[int, str]] = {
    2: "files from before GH-438 wrote 2 for bfloat16, GGML means Q4_0 by it, and current readers know neither; "
    "make the file anew with a current writer, where bfloat16 is 30"
}
"""Bytes that had two meanings, and why each is refused instead of guessed."""

_CHUNK_VALUES: Final = 4 << 20
"""Values encoded at once, a multiple of every block: about 100 MiB of temporary arrays."""

_Q4_VALUES: Final = 32
_Q4_BYTES: Final = 18


def stored_bytes(dtype: str, values: int) -> int:
    """How many bytes so many values of a dtype of the container take.

    >>> stored_bytes("APR_Q4", 33), stored_bytes("APR_Q8", 33), stored_bytes("BF16", 33)
    (36, 37, 66)
    """
    stored = STORED_TYPES.get(dtype)
    if stored is None:
        raise ValueError(f"APR stores no {dtype}; it stores {', '.join(STORED_TYPES)}")
    return stored.head_bytes + -(-values // stored.block_values) * stored.block_bytes


def decode(dtype: str, raw: NDArray[np.uint8], values: int) -> NDArray[np.float32]:
    """The values of a tensor of one of `APR_TYPES`.

    Args:
        dtype: ``APR_Q4`` or ``APR_Q8``.
        raw: its bytes, uint8, `stored_bytes` of them.
        values: how many values it holds.
    """
    _, decoder = _codec(dtype)
    wanted = stored_bytes(dtype, values)
    if raw.dtype != np.uint8 or raw.size != wanted:
        raise ValueError(f"{values} values of {dtype} are {wanted} bytes (uint8), not {raw.size} of {raw.dtype}")
    return decoder(np.ascontiguousarray(raw).reshape(-1), values)


def encode(dtype: str, values: NDArray[np.float32]) -> bytes:
    """A tensor's bytes in one of `APR_TYPES`.

    Values far below their scale become 0, as the format has it: a whole block of APR_Q4 does where its largest
    magnitude is below about 4.3e-4.

    Raises:
        ValueError: a value is NaN or infinite, or too large for APR_Q4's float16 scale; none of them would come back.
    """
    encoder, _ = _codec(dtype)
    return encoder(np.asarray(values, dtype=np.float32).reshape(-1))


def _encode_q8(values: NDArray[np.float32]) -> bytes:
    scale = _scales(values.reshape(1, -1), 127)[0]
    encoded = bytearray(scale.astype("<f4").tobytes())
    for start in range(0, values.size, _CHUNK_VALUES):
        codes = _rounded(values[start : start + _CHUNK_VALUES] / scale)
        encoded += np.clip(codes, -127, 127).astype(np.int8).tobytes()
    return bytes(encoded)


def _decode_q8(raw: NDArray[np.uint8], values: int) -> NDArray[np.float32]:
    scale = raw[:4].view("<f4").astype(np.float32)
    codes = raw[4 : 4 + values].view(np.int8).astype(np.float32)
    # A file may hold any scale, NaN and infinity among them; they show in the values.
    with np.errstate(over="ignore", invalid="ignore"):
        codes *= scale
    return codes


def _encode_q4(values: NDArray[np.float32]) -> bytes:
    chunks = range(0, values.size, _CHUNK_VALUES)
    return b"".join(_encode_q4_chunk(values[start : start + _CHUNK_VALUES]) for start in chunks)


def _encode_q4_chunk(values: NDArray[np.float32]) -> bytes:
    blocks = -(-values.size // _Q4_VALUES)
    padded = np.zeros(blocks * _Q4_VALUES, np.float32)
    padded[: values.size] = values
    by_block = padded.reshape(blocks, _Q4_VALUES)
    scales = _scales(by_block, 7)
    with np.errstate(over="ignore"):
        halves = scales.astype("<f2")
    if not np.isfinite(halves).all():
        raise ValueError(f"the largest magnitude {np.abs(values).max():g} is too large for APR_Q4's float16 scale")
    codes = (np.clip(_rounded(by_block / scales[:, None]), -8, 7) + 8).astype(np.uint8).reshape(-1)
    # Unused nibbles of a short last block are 0, not the code of 0.0.
    codes[values.size :] = 0
    pairs = codes.reshape(blocks, _Q4_VALUES // 2, 2)
    stored = np.empty((blocks, _Q4_BYTES), np.uint8)
    stored[:, :2] = halves.view(np.uint8).reshape(blocks, 2)
    stored[:, 2:] = pairs[:, :, 0] | pairs[:, :, 1] << 4
    return stored.tobytes()


def _decode_q4(raw: NDArray[np.uint8], values: int) -> NDArray[np.float32]:
    stored = raw.reshape(-1, _Q4_BYTES)
    scales = np.ascontiguousarray(stored[:, :2]).view("<f2").reshape(-1).astype(np.float32)
    usable = np.isfinite(scales) & (np.abs(scales) >= np.finfo(np.float16).smallest_normal)
    scales = np.where(usable, scales, np.float32(0))
    codes = np.empty((stored.shape[0], _Q4_VALUES // 2, 2), np.int8)
    codes[:, :, 0] = stored[:, 2:] & 15
    codes[:, :, 1] = stored[:, 2:] >> 4
    decoded = (codes.reshape(-1, _Q4_VALUES) - 8) * scales[:, None]
    return decoded.reshape(-1)[:values]


def _scales(by_block: NDArray[np.float32], largest_code: int) -> NDArray[np.float32]:
    """One float32 scale for each row of (blocks, values): its largest magnitude gets `largest_code`."""
    if by_block.size == 0:
        return np.ones(by_block.shape[0], np.float32)
    # Two reductions instead of abs(): no temporary array as large as the tensor.
    magnitudes = np.maximum(by_block.max(axis=1), -by_block.min(axis=1))
    if not np.isfinite(magnitudes).all():
        raise ValueError("NaN and infinite values cannot be quantized")
    with np.errstate(under="ignore"):
        scales = (magnitudes / np.float32(largest_code)).astype(np.float32)
    # A scale that underflows would divide by zero; such values are 0 in either type.
    return np.where(scales > 0, scales, np.float32(1))


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the nearest integer, halves away from zero; adding 0.5 would round 0.49999997 up."""
    whole = np.trunc(values)
    whole += np.where(np.abs(values - whole) >= np.float32(0.5), np.copysign(np.float32(1), values), np.float32(0))
    return whole


Encoder = Callable[[NDArray[np.float32]], bytes]
Decoder = Callable[[NDArray[np.uint8], int], NDArray[np.float32]]

_CODECS: Final[Mapping[str, tuple[Encoder, Decoder]]] = {
    "APR_Q4": (_encode_q4, _decode_q4),
    "APR_Q8": (_encode_q8, _decode_q8),
}


def _codec(dtype: str) -> tuple[Encoder, Decoder]:
    if dtype not in _CODECS:
        raise ValueError(f"{dtype} is not one of {', '.join(sorted(APR_TYPES))}")
    return _CODECS[dtype]
