"""The fuzz targets without `atheris`: their seeds, and a fixed set of mutations of them."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.readers import READERS, SEEDS, main, try_bytes

MUTATIONS = 200


def mutated(content: bytes, chance: random.Random) -> bytes:
    """One to three changes: bits, numbers at the edge of their range, pieces cut out, doubled or cut off."""
    raw = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(raw) or 1)
        size = chance.choice((1, 2, 4, 8, 16))
        match chance.randrange(5):
            case 0:
                raw[at : at + 1] = bytes([(raw[at] if raw else 0) ^ (1 << chance.randrange(8))])
            case 1:
                edge = chance.choice((0, 1, (1 << 8 * size - 1) - 1, 1 << 8 * size - 1, (1 << 8 * size) - 1))
                raw[at : at + size] = edge.to_bytes(size, "little")
            case 2:
                del raw[at : at + size]
            case 3:
                raw[at:at] = raw[at : at + 4 * size]
            case _:
                del raw[at:]
    return bytes(raw)


@pytest.mark.parametrize("reader", READERS)
def test_every_seed_is_accepted(tmp_path: Path, reader: str) -> None:
    seeds = SEEDS[reader]()
    assert len(seeds) >= 3
    for number, content in enumerate(seeds):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        assert try_bytes(reader, folder, content) is None


@pytest.mark.parametrize("reader", READERS)
def test_mutations_end_in_our_error_or_in_sound_tensors(tmp_path: Path, reader: str) -> None:
    chance = random.Random(f"{reader}-1")
    seeds = SEEDS[reader]()
    started = time.monotonic()
    refused = 0
    for _ in range(MUTATIONS):
        folder = tmp_path / reader
        folder.mkdir(exist_ok=True)
        refused += try_bytes(reader, folder, mutated(chance.choice(seeds), chance)) is not None
    assert MUTATIONS // 4 < refused < MUTATIONS, "either the mutations change nothing or the reader refuses all"
    assert time.monotonic() - started < 30


def test_the_target_says_how_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"gguf\|apr\|safetensors"):
        main(["pickle"])
    monkeypatch.setattr(sys.modules["tests.fuzz.readers"], "atheris", None)
    with pytest.raises(SystemExit, match="pip install atheris"):
        main(["gguf"])
