from __future__ import annotations

import math
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import BLOCK_TYPES, PLAIN_TYPES, read_gguf, read_tensor
from tests.fuzz import gguf_bytes as g
from tests.fuzz.seeds import GGUF_HONEST, gguf_part


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_golden_bytes_are_read(tmp_path: Path) -> None:
    raw = b"GGUF\x03\0\0\0" + b"\x01\0\0\0\0\0\0\0" + b"\x01\0\0\0\0\0\0\0"
    raw += b"\x01\0\0\0\0\0\0\0" + b"k" + b"\x06\0\0\0" + b"\0\0\0\xbf"
    raw += b"\x01\0\0\0\0\0\0\0" + b"t" + b"\x02\0\0\0" + b"\x03\0\0\0\0\0\0\0" + b"\x01\0\0\0\0\0\0\0"
    raw += b"\0\0\0\0" + b"\0\0\0\0\0\0\0\0"
    raw += bytes(96 - len(raw)) + struct.pack("<3f", 1, -2, 3)
    file = read_gguf(put(tmp_path / "x.gguf", raw))
    assert (file.version, file.alignment, file.fields) == (3, 32, {"k": -0.5})
    entry = file.tensors["t"]
    assert (entry.dtype, entry.shape, entry.start, entry.stop) == ("F32", (1, 3), 96, 108)
    assert read_tensor(entry).tolist() == [[1.0, -2.0, 3.0]]


def test_every_field_type_is_read(tmp_path: Path) -> None:
    file = read_gguf(put(tmp_path / "x.gguf", GGUF_HONEST))
    assert file.fields == {
        "general.architecture": "llama",
        "general.alignment": 32,
        **dict.fromkeys(("a.u8", "a.i8", "a.u16", "a.i16", "a.u32", "a.i32", "a.u64", "a.i64"), 1),
        "a.bool": True,
        "a.f32": float(np.float32(1e-5)),
        "a.f64": -0.25,
        "a.texts": ["<s>", "é", ""],
        "a.scores": [0.5, -1.0],
        "a.types": [1, 3],
        "a.flags": [False, True],
        "a.nested": [[1, 2], []],
    }
    assert file.types["a.u16"] == "u16"
    assert file.types["a.texts"] == "[string]"
    assert file.fields["a.bool"] is True
    assert [(entry.name, entry.dtype, entry.shape) for entry in file.tensors.values()] == [
        ("w", "F32", (2, 3)),
        ("q", "Q8_0", (2, 32)),
        ("e", "F16", (0,)),
        ("s", "BF16", ()),
    ]
    assert read_tensor(file.tensors["s"]) == 1.0
    assert read_tensor(file.tensors["e"]).shape == (0,)


@pytest.mark.parametrize("alignment", [32, 128])
def test_what_the_package_writes_is_read_as_the_package_reads_it(tmp_path: Path, alignment: int) -> None:
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    writer.add_uint64("a.big", 1 << 63)
    writer.add_int8("a.small", -128)
    writer.add_bool("a.no", False)
    writer.add_float32("a.eps", 1e-6)
    writer.add_float64("a.pi", math.pi)
    writer.add_string("a.text", "höher\n\0")
    writer.add_token_list([f"tok{number}ß" for number in range(6_000)])
    writer.add_token_types([1] * 6_000)
    random = np.random.default_rng(3)
    for number, code in enumerate((gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q8_0)):
        blocks = gguf.quants.quantize(random.standard_normal((3, 64), np.float32), code)
        writer.add_tensor(f"q{number}", blocks, raw_dtype=code)
    writer.add_tensor("w", random.standard_normal((2, 3, 5)).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    ours, theirs = read_gguf(path), gguf.GGUFReader(path)
    fields = {name: value.contents() for name, value in theirs.fields.items() if not name.startswith("GGUF.")}
    assert ours.fields == fields
    assert ours.alignment == theirs.alignment == alignment
    assert list(ours.tensors) == [tensor.name for tensor in theirs.tensors] == ["q0", "q1", "w"]
    for tensor in theirs.tensors:
        entry = ours.tensors[tensor.name]
        assert entry.start == tensor.data_offset
        assert entry.stop - entry.start == tensor.n_bytes
        assert entry.shape == tuple(reversed(tensor.shape.tolist()))
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        np.testing.assert_array_equal(read_tensor(entry), expected)


def test_version_2_is_read_and_padding_may_hold_unused_bytes(tmp_path: Path) -> None:
    content = g.file([], [g.info("b", [1], 0, 64), g.info("a", [2], 0, 0)], b"\1" * 100, version=2)
    file = read_gguf(put(tmp_path / "x.gguf", content))
    assert file.version == 2
    assert list(file.tensors) == ["a", "b"]


def test_the_type_numbers_are_those_of_the_package() -> None:
    ours = {**PLAIN_TYPES, **{name: block.code for name, block in BLOCK_TYPES.items()}}
    theirs = {kind.name: kind.value for kind in gguf.GGMLQuantizationType}
    assert {name: ours.get(name) for name in theirs} == theirs


F32 = g.info("w", [2], 0, 0)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "magic"),
        (b"GGML" + bytes(40), "wrong magic"),
        (g.file(version=1), "version that is not read"),
        (g.file(version=4), "version that is not read"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(40), "big-endian"),
        (g.file(counts=(0, 1)), "number of fields: more than"),
        (g.file([], [F32], bytes(8), counts=(2**63, 0)), "number of tensors: more than"),
        (g.file([], [F32], bytes(8), counts=(3, 0)), "tensor"),
        (g.file([g.field("", "u8", 1)]), "key's length"),
        (g.file([g.field("k" * 65536, "u8", 1)]), "key's length"),
        (g.file([g.field("k", "u8", 1), g.field("k", "u8", 1)]), "'k' is there twice"),
        (g.file([g.field(b"\xff", "u8", 1)]), "not UTF-8"),
        (g.file([g.text("k") + g.u32(13) + bytes(8)]), "unknown type"),
        (g.file([g.field("k", "bool", 2)]), "no Boolean"),
        (g.file([g.field("k", "array", g.array("bool", [1, 2]))]), "no Boolean"),
        (g.file([g.field("k", "string", g.u64(1 << 62))]), "the file ends before"),
        (g.file([g.field("k", "string", g.text(b"a\xc3"))]), "not UTF-8"),
        (g.file([g.field("k", "array", g.u32(8) + g.u64(1) + g.text(b"\xed\xa0\x80"))]), r"k'\[0\]: the text"),
        (
            g.file([g.field("k", "array", g.u32(8) + g.u64(2) + g.text("a") + g.u64(1 << 64 - 1))]),
            r"\[1\]: the file ends",
        ),
        (g.file([g.field("k", "array", g.u32(13) + g.u64(0))]), "unknown type"),
        (g.file([g.field("k", "array", g.u32(0) + g.u64(1 << 40))]), "number of items: more than"),
        (g.file([g.field("k", "array", (g.u32(9) + g.u64(1)) * 5 + bytes(12))]), "nested too deep"),
        (g.file([g.field("general.alignment", "u32", 24)]), "power of two"),
        (g.file([g.field("general.alignment", "u32", 0)]), "power of two"),
        (g.file([g.field("general.alignment", "u64", 32)]), "expected u32"),
        (g.file([g.field("general.alignment", "string", "32")]), "expected u32"),
        (g.file([], [g.info("w" * 65, [2], 0, 0)], bytes(8)), "name is too long"),
        (g.file([], [g.info("w", [1] * 5, 0, 0)], bytes(8)), "rank is too high"),
        (g.file([], [g.info("w", [1 << 32, 1 << 32], 0, 0)], bytes(8)), "shape is too large"),
        (g.file([], [g.info("w", [0, 1 << 60], 0, 0)], bytes(8)), "shape is too large"),
        (g.file([], [g.info("w", [(1 << 64) - 1], 0, 0)], bytes(8)), "shape is too large"),
        (g.file([], [g.info("w", [32], 4, 0)], bytes(20)), "unknown type"),
        (g.file([], [g.info("w", [32], 43, 0)], bytes(20)), "unknown type"),
        (g.file([], [g.info("w", [16, 2], 8, 0)], bytes(34)), "do not divide into blocks"),
        (g.file([], [g.info("w", [], 8, 0)], bytes(34)), "do not divide into blocks"),
        (g.file([], [g.info("w", [2], 0, 16)], bytes(32)), "not aligned"),
        (g.file([], [g.info("w", [2], 0, 1 << 63)], bytes(8)), "does not end inside"),
        (g.file([], [F32], bytes(7)), "does not end inside"),
        (g.file([], [F32, F32], bytes(8)), "'w' is there twice"),
        (g.file([], [F32, g.info("v", [1], 0, 0)], bytes(8)), "overlaps"),
        (g.file([], [g.info("w", [9], 0, 0), g.info("v", [1], 0, 32)], bytes(64)), "overlaps"),
        (gguf_part(0), "not named like the first"),
        (g.file([g.field("split.count", "string", "2")]), "no natural number"),
        (g.file([g.field("split.count", "bool", 1)]), "no natural number"),
        (g.file([g.field("split.count", "i32", -1)]), "no natural number"),
    ],
)
def test_a_forbidden_header_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(ArtefactError, match=problem):
        read_gguf(put(tmp_path / "x.gguf", content))


def test_the_error_names_the_offset(tmp_path: Path) -> None:
    path = put(tmp_path / "x.gguf", g.file([g.field("k", "bool", 7)]))
    with pytest.raises(ArtefactError) as caught:
        read_gguf(path)
    assert caught.value.offset == path.read_bytes().index(b"\x07\0\0\0") + 4
    assert caught.value.found == "7"


def test_an_absent_file_or_a_folder_is_our_error(tmp_path: Path) -> None:
    for path in (tmp_path / "x.gguf", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(ArtefactError, match="cannot be read"):
            read_gguf(path)


PARTS = ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf")


def split(folder: Path) -> Path:
    for number, name in enumerate(PARTS):
        put(folder / name, gguf_part(number))
    return folder / PARTS[0]


def test_all_parts_beside_the_first_are_read(tmp_path: Path) -> None:
    file = read_gguf(split(tmp_path))
    assert [(entry.name, entry.file.name) for entry in file.tensors.values()] == [
        ("part0", PARTS[0]),
        ("part1", PARTS[1]),
    ]
    assert read_tensor(file.tensors["part1"]).tolist() == [1.0, -1.0]
    assert file.fields["split.no"] == 0


def test_the_parts_that_the_package_writes_are_read(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama", split_max_tensors=1)
    for number in range(3):
        writer.add_tensor(f"t{number}", np.full(4, number, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    file = read_gguf(tmp_path / "m-00001-of-00003.gguf")
    assert {name: read_tensor(entry)[0] for name, entry in file.tensors.items()} == {"t0": 0, "t1": 1, "t2": 2}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({1: b""}, "magic"),
        ({1: gguf_part(0)}, "not part 2 of 2"),
        ({1: gguf_part(1, count=3)}, "not part 2 of 2"),
        ({1: g.file()}, "not part 2 of 2"),
        ({0: gguf_part(1)}, "not part 1 of 2"),
        ({0: gguf_part(0, count=3)}, "not named like the first"),
        ({0: gguf_part(0, count=65535)}, "not named like the first"),
        ({0: gguf_part(0).replace(b"part0", b"part1")}, "in two parts"),
        ({0: gguf_part(0).replace(struct.pack("<Ii", 5, 2), struct.pack("<Ii", 5, 3))}, "split.tensors.count"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path, changes: dict[int, bytes], problem: str) -> None:
    first = split(tmp_path)
    for number, content in changes.items():
        put(tmp_path / PARTS[number], content)
    with pytest.raises(ArtefactError, match=problem):
        read_gguf(first)


def test_a_later_part_a_missing_part_and_a_part_elsewhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    first = split(tmp_path / "in")
    second = first.with_name(PARTS[1])
    with pytest.raises(ArtefactError, match="open that one"):
        read_gguf(second)
    second.rename(tmp_path / PARTS[1])
    with pytest.raises(ArtefactError, match="not there"):
        read_gguf(first)
    second.symlink_to("../" + PARTS[1])
    with pytest.raises(ArtefactError, match="leads out"):
        read_gguf(first)
    second.unlink()
    second.symlink_to(PARTS[0])
    with pytest.raises(ArtefactError, match="not part 2"):
        read_gguf(first)
