"""Small honest files of the three formats, made in code: what the fuzzers start from."""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np

from pytest_aprqa.formats import AprTensor, write_apr, write_apr_shards
from tests.fuzz import gguf_bytes as g

EVERY_FIELD = [
    g.field("general.architecture", "string", "llama"),
    g.field("general.alignment", "u32", 32),
    *(g.field(f"a.{kind}", kind, 1) for kind in ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "bool")),
    g.field("a.f32", "f32", 1e-5),
    g.field("a.f64", "f64", -0.25),
    g.field("a.texts", "array", g.array("string", ["<s>", "é", ""])),
    g.field("a.scores", "array", g.array("f32", [0.5, -1.0])),
    g.field("a.types", "array", g.array("i32", [1, 3])),
    g.field("a.flags", "array", g.array("bool", [0, 1])),
    g.field("a.nested", "array", g.u32(9) + g.u64(2) + g.array("u8", [1, 2]) + g.array("u8", [])),
]
_INFOS = [g.info("w", [3, 2], 0, 0), g.info("q", [32, 2], 8, 32), g.info("e", [0], 1, 128), g.info("s", [], 30, 128)]
_DATA = bytes(range(24)) + bytes(8) + bytes(range(68)) + bytes(28) + b"\x80\x3f"

GGUF_HONEST = g.file(EVERY_FIELD, _INFOS, _DATA)


def gguf_part(number: int, count: int = 2) -> bytes:
    """One part of a split file, with a tensor of its own."""
    fields = [
        g.field("split.no", "u16", number),
        g.field("split.count", "u16", count),
        g.field("split.tensors.count", "i32", count),
    ]
    return g.file(fields, [g.info(f"part{number}", [2], 0, 0)], struct.pack("<2f", number, -1.0))


def gguf_seeds() -> list[bytes]:
    """Every field type, several tensor types, version 2, another alignment, no tensors, a split file's first part."""
    aligned = g.file([g.field("general.alignment", "u32", 8)], [g.info("w", [1], 0, 8)], bytes(12), alignment=8)
    kquant = g.file([], [g.info("k", [256], 12, 0)], bytes(range(144)), version=2)
    return [GGUF_HONEST, aligned, kquant, g.file(EVERY_FIELD[:3]), gguf_part(0)]


def safetensors_bytes(header: object, data: bytes) -> bytes:
    """A safetensors file with that header."""
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def shard(name: str) -> bytes:
    """A safetensors file with one tensor of two values."""
    return safetensors_bytes({name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, struct.pack("<2f", 1, 2))


def safetensors_seeds() -> list[bytes]:
    """Files with several types, and shard indexes, which start with a brace."""
    entries = {
        "__metadata__": {"format": "pt"},
        "w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},
        "b": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [12, 16]},
        "e": {"dtype": "F32", "shape": [0, 7], "data_offsets": [16, 16]},
        "i": {"dtype": "I64", "shape": [], "data_offsets": [16, 24]},
    }
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    return [safetensors_bytes(entries, bytes(range(24))), shard("a"), json.dumps(index).encode()]


def apr_repaired(content: bytes) -> bytes:
    """The same APR file with both checksums made right, so that a mutation reaches what lies behind them."""
    if len(content) < 68:
        return content
    header = content[:40] + struct.pack("<I", zlib.crc32(content[44:64], zlib.crc32(content[:40]))) + content[44:64]
    body = header + content[64:-4]
    return body + struct.pack("<I", zlib.crc32(body))


def _apr_tensors() -> list[AprTensor]:
    values = np.linspace(-1, 1, 256, dtype=np.float32)
    shapes = {"F32": (16, 16), "F16": (256,), "APR_Q4": (256,), "APR_Q8": (4, 64)}
    return [
        *(AprTensor(f"w.{dtype}", dtype, shape, lambda: values) for dtype, shape in shapes.items()),
        AprTensor("w.k", "Q4_K", (1, 256), lambda: bytes(range(144))),
    ]


def write_apr_sharded(folder: Path) -> Path:
    """Honest shards and their manifest."""
    return write_apr_shards(folder, "model", {"architecture": "llama"}, _apr_tensors(), 1 << 10)


def apr_seeds() -> list[bytes]:
    """A file with several stored types, one without tensors, and a manifest of shards, which starts with a brace."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.apr"
        write_apr(path, {"architecture": "llama", "hidden_size": 16}, _apr_tensors())
        single = path.read_bytes()
        write_apr(path, {"architecture": "llama"}, [])
        return [single, path.read_bytes(), write_apr_sharded(Path(folder)).read_bytes()]
