"""Defects of a file's bytes: type codes, checksums, offsets, length. Nothing of the package reads or writes here."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Final

from tests.defects.conversion.folder_contents import WEIGHTS

_GGUF_NAME: Final = b"blk.1.ffn_down.weight"
_NAME: Final = b"model.layers.1.mlp.down_proj.weight"
_UNKNOWN: Final = 99
_F16, _BF16, _Q4_0, _IQ4_NL = 1, 30, 2, 20
_FOOTER: Final = 4


def called_bf16(path: Path) -> None:
    """The bytes of an F16 matrix are called BF16."""
    if path.is_dir():
        _call(path / WEIGHTS, "BF16")
    else:
        _set_code(path, _BF16, _F16)


def called_iq4_nl(path: Path) -> None:
    """The bytes of a Q4_0 matrix are called IQ4_NL, whose blocks have the same size."""
    _set_code(path, _IQ4_NL, _Q4_0)


def type_unknown(path: Path) -> None:
    """A matrix has a type that does not exist."""
    if path.is_dir():
        _call(path / WEIGHTS, "F17")
    else:
        _set_code(path, _UNKNOWN)


def called_f32(path: Path) -> None:
    """The bytes of a matrix of another type are called F32, of which there are not enough."""
    if path.is_dir():
        _call(path / WEIGHTS, "F32")
    else:
        _set_code(path, 0)


def truncated(path: Path) -> None:
    """The last tenth of the file is not there."""
    file = path / WEIGHTS if path.is_dir() else path
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 9 // 10])


def truncated_header(path: Path) -> None:
    """The file ends within its header."""
    file = path / WEIGHTS if path.is_dir() else path
    file.write_bytes(file.read_bytes()[:1000])


def one_bit_flipped(path: Path) -> None:
    """One bit of the last tensor is another one; checksums are left alone."""
    content = bytearray(path.read_bytes())
    content[-1000] ^= 0x40
    path.write_bytes(content)


def tensor_off_the_grid(path: Path) -> None:
    """A tensor starts 4 bytes later than at a multiple of 64."""
    content = bytearray(path.read_bytes())
    at = _code_at(content, _NAME, 2) + 2 + 2 * 8
    offset = struct.unpack_from("<Q", content, at)[0]
    struct.pack_into("<Q", content, at, offset + 4)
    path.write_bytes(_sealed(content))


def column_major_flag(path: Path) -> None:
    """The header says that matrices are stored by columns; both checksums are right."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<H", content, 6, 0x0800)
    struct.pack_into("<I", content, 40, zlib.crc32(content[44:64], zlib.crc32(content[:40])))
    path.write_bytes(_sealed(content))


def _set_code(path: Path, code: int, expected: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    if path.suffix == ".apr":
        at = _code_at(content, _NAME, 2)
        assert expected in (None, content[at])
        content[at] = code
        path.write_bytes(_sealed(content))
        return
    at = _code_at(content, _GGUF_NAME, 8)
    at += 4 + 8 * struct.unpack_from("<I", content, at)[0]
    assert expected in (None, struct.unpack_from("<I", content, at)[0])
    struct.pack_into("<I", content, at, code)
    path.write_bytes(content)


def _code_at(content: bytearray, name: bytes, length_bytes: int) -> int:
    """Where the byte after a name in the index is."""
    marked = len(name).to_bytes(length_bytes, "little") + name
    assert content.count(marked) == 1
    return content.index(marked) + len(marked)


def _sealed(content: bytearray) -> bytes:
    """With the footer's checksum made right: what is wrong must be seen by itself."""
    body = bytes(content[:-_FOOTER])
    return body + zlib.crc32(body).to_bytes(_FOOTER, "little")


def _call(file: Path, dtype: str) -> None:
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header[_NAME.decode()]["dtype"] = dtype
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
