from __future__ import annotations

import tracemalloc
from pathlib import Path

import gguf
import numpy as np
import pytest

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import BLOCK_TYPES, TensorEntry, block_types, blocks, read_tensor, readable
from pytest_aprqa.formats.apr_types import decode, encode, stored_bytes

DECODABLE = sorted(set(BLOCK_TYPES) - {"Q8_1", "Q8_K", "Q1_0", "Q2_0"})


def entry_of(path: Path, dtype: str, shape: tuple[int, ...], raw: bytes, *, lead: int = 0) -> TensorEntry:
    path.write_bytes(bytes(lead) + raw + b"beyond")
    return TensorEntry("w", dtype, shape, path, lead, lead + len(raw))


def random_bytes(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.random.default_rng(5).integers(0, 256, size, np.uint8)


def test_the_sizes_are_those_of_the_package() -> None:
    theirs = {kind.name: sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items() if sizes[0] > 1}
    assert theirs.keys() <= BLOCK_TYPES.keys()
    for name, (values, size) in theirs.items():
        assert (BLOCK_TYPES[name].values, BLOCK_TYPES[name].bytes) == (values, size)
    assert not any(block.lossless for block in BLOCK_TYPES.values())
    assert BLOCK_TYPES["Q4_K"].bits_per_value == 4.5


def test_every_type_that_the_package_dequantizes_is_decodable() -> None:
    theirs = {kind.name for kind in gguf.quants._type_traits}
    assert {name for name in BLOCK_TYPES if block_types.decodable(name)} == theirs & BLOCK_TYPES.keys()
    assert not block_types.decodable("F32")
    assert not block_types.decodable("?")


@pytest.mark.parametrize("dtype", DECODABLE)
def test_values_are_the_packages_in_any_block_size(tmp_path: Path, dtype: str) -> None:
    if not block_types.decodable(dtype):
        pytest.skip(f"the installed gguf package does not know {dtype}")
    block = BLOCK_TYPES[dtype]
    raw = random_bytes(6 * block.bytes)
    entry = entry_of(tmp_path / "x", dtype, (2, 3 * block.values), raw.tobytes(), lead=7)
    with np.errstate(all="ignore"):
        expected = gguf.quants.dequantize(raw.reshape(2, -1), gguf.GGMLQuantizationType[dtype])
    whole = read_tensor(entry)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, expected)
    for size in (1000, block.values + 1, 10):
        parts = list(blocks(entry, max_values=size))
        assert max(part.size for part in parts) <= size
        np.testing.assert_array_equal(np.concatenate(parts), expected.reshape(-1))
    assert entry.floating
    assert readable(entry)


def test_the_values_of_a_block_are_as_computed_by_hand(tmp_path: Path) -> None:
    raw = np.array([0.5], np.float16).tobytes() + np.arange(-16, 16, dtype=np.int8).tobytes()
    assert read_tensor(entry_of(tmp_path / "x", "Q8_0", (32,), raw)).tolist() == [n / 2 for n in range(-16, 16)]


@pytest.mark.parametrize("dtype", ["Q8_1", "Q8_K", "Q1_0", "F4"])
def test_a_type_without_decoder_says_so(tmp_path: Path, dtype: str) -> None:
    if block_types.decodable(dtype):
        pytest.skip(f"the installed gguf package decodes {dtype}")
    entry = entry_of(tmp_path / "x", dtype, (256,), bytes(292))
    assert not readable(entry)
    assert entry.floating
    with pytest.raises(ArtefactError, match="cannot be decoded"):
        read_tensor(entry)


@pytest.mark.parametrize(
    ("dtype", "floating"),
    [
        *((dtype, True) for dtype in ("F32", "BF16", "F8_E4M3", "IQ4_XS", "TQ1_0", "MXFP4", "APR_Q4", "APR_Q8")),
        *((dtype, False) for dtype in ("I8", "U16", "I64", "BOOL", "C64")),
    ],
)
def test_floating_is_what_holds_real_numbers(dtype: str, floating: bool) -> None:
    assert TensorEntry("w", dtype, (1,), Path("x"), 0, 1).floating is floating


@pytest.mark.parametrize("dtype", ["APR_Q4", "APR_Q8"])
def test_types_of_apr_are_decoded_in_any_block_size(tmp_path: Path, dtype: str) -> None:
    values = np.linspace(-3, 3, 100, dtype=np.float32)
    raw = encode(dtype, values)
    assert len(raw) == stored_bytes(dtype, 100)
    entry = entry_of(tmp_path / "x", dtype, (4, 25), raw, lead=64)
    expected = decode(dtype, np.frombuffer(raw, np.uint8), 100)
    np.testing.assert_array_equal(read_tensor(entry), expected.reshape(4, 25))
    for size in (64, 33, 7):
        parts = list(blocks(entry, max_values=size))
        assert max(part.size for part in parts) <= size
        np.testing.assert_array_equal(np.concatenate(parts), expected)
    np.testing.assert_allclose(read_tensor(entry).reshape(-1), values, atol=0.3)


def test_no_values_have_a_shape_too(tmp_path: Path) -> None:
    for dtype in ("Q4_K", "APR_Q4", "F32"):
        assert read_tensor(entry_of(tmp_path / "x", dtype, (0, 256), b"")).shape == (0, 256)


def test_a_file_that_shrank_is_our_error(tmp_path: Path) -> None:
    entry = entry_of(tmp_path / "x", "Q4_0", (64,), bytes(36))
    (tmp_path / "x").write_bytes(bytes(35))
    with pytest.raises(ArtefactError, match="ends inside"):
        read_tensor(entry)


def test_decoding_in_blocks_takes_little_more_than_a_block(tmp_path: Path) -> None:
    block = BLOCK_TYPES["Q4_K"]
    entry = entry_of(tmp_path / "x", "Q4_K", (2000, 256), bytes(2000 * block.bytes))
    list(blocks(entry, max_values=1 << 10))
    tracemalloc.start()
    for _ in blocks(entry, max_values=1 << 17):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 << 20


@pytest.mark.parametrize("dtype", ["Q4_0", "Q5_0", "Q8_0"])
def test_encoding_undoes_decoding(dtype: str) -> None:
    values = np.random.default_rng(1).standard_normal((3, 64), np.float32)
    raw = block_types.encode(dtype, values)
    assert raw.size == block_types.stored_bytes(dtype, values.size)
    found = block_types.decode(dtype, raw.reshape(-1)).reshape(3, 64)
    assert np.abs(found - values).max() < {"Q4_0": 0.5, "Q5_0": 0.25, "Q8_0": 0.02}[dtype]
