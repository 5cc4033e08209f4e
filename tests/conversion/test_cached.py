"""Conversions are made once, also for two processes at the same time, and never served when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_aprqa.conversion import Converted, cached, convert_cached, digest_of
from pytest_aprqa.core import ArtefactError, Format, Quantization
from tests.tiny import make_tiny

DIGESTS = {"model.safetensors": "a" * 64, "config.json": "b" * 64}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    make_tiny(tmp_path / "tiny")
    return tmp_path / "tiny"


def cached_gguf(tiny: Path, quantization: Quantization | None = None, config: str = "b" * 64) -> Converted:
    return convert_cached(
        tiny,
        {**DIGESTS, "config.json": config},
        format=Format.GGUF,
        quantization=quantization,
        cache=tiny.parent / "cache",
    )


def test_the_second_time_nothing_is_converted(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cached_gguf(tiny)
    assert first.digest == digest_of(first.path)
    monkeypatch.setattr(cached, "convert", None)
    assert cached_gguf(tiny) == first


@pytest.mark.parametrize("change", ["source", "quantization", "converter"])
def test_whatever_decides_the_bytes_is_part_of_the_key(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = cached_gguf(tiny)
    if change == "source":
        second = cached_gguf(tiny, config="c" * 64)
    elif change == "quantization":
        second = cached_gguf(tiny, Quantization.F16)
    else:
        monkeypatch.setattr(cached, "CONVERTER", "another")
        second = cached_gguf(tiny)
    assert second.path != first.path


@pytest.mark.parametrize("damage", ["note", "shorter", "gone"])
def test_a_damaged_entry_is_made_anew(tiny: Path, damage: str) -> None:
    first = cached_gguf(tiny)
    note = first.path.parent.parent / "converted.json"
    if damage == "note":
        note.write_text('{"format": 7}')
    elif damage == "shorter":
        first.path.write_bytes(first.path.read_bytes()[:-1])
    else:
        first.path.unlink()
    again = cached_gguf(tiny)
    assert again == first
    assert digest_of(again.path) == first.digest


def test_leftovers_of_a_killed_process_do_not_stand_in_the_way(tiny: Path) -> None:
    first = cached_gguf(tiny)
    folder = first.path.parent.parent
    part = folder.with_name(f".{folder.name}.part")
    folder.rename(part)
    (part / "converted.json").unlink()
    assert cached_gguf(tiny) == first
    assert not part.exists()


def test_a_failed_conversion_leaves_nothing(tiny: Path) -> None:
    (tiny / "tokenizer.json").unlink()
    with pytest.raises(ArtefactError, match="tokenizer"):
        cached_gguf(tiny)
    assert [path.suffix for path in (tiny.parent / "cache").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_an_error_of_ours(tiny: Path) -> None:
    (tiny.parent / "cache").write_text("a file is in the way")
    with pytest.raises(ArtefactError, match="cache cannot be written"):
        cached_gguf(tiny)


def test_two_processes_at_once_make_it_once(tiny: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from pytest_aprqa.conversion import cached; from pytest_aprqa.core import Format\n"
        "real = cached.convert\n"
        "def slow(*words, **named):\n"
        "    print('made', flush=True); time.sleep(0.5); return real(*words, **named)\n"
        "cached.convert = slow\n"
        "tiny = Path(sys.argv[1])\n"
        "print(cached.convert_cached(tiny, {'a': 'b'}, format=Format.GGUF, quantization=None,"
        " cache=tiny.parent / 'cache').digest)\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(tiny)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    lines = [line for child in both for line in child.communicate(timeout=60)[0].split()]
    assert [child.returncode for child in both] == [0, 0]
    assert lines.count("made") == 1
    assert len(set(lines)) == 2


def test_a_folder_can_be_kept_too(tiny: Path) -> None:
    gguf = cached_gguf(tiny)
    first, second = (
        convert_cached(
            gguf.path, {"x": gguf.digest}, format=Format.SAFETENSORS, quantization=None, cache=tiny.parent / "cache"
        )
        for _ in range(2)
    )
    assert first == second
    assert (first.path / "model.safetensors").is_file()
    assert first.digest == digest_of(first.path)
