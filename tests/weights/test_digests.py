from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from pytest_aprqa.core import ArtefactError, Weights
from pytest_aprqa.weights import digest_files, digest_memory, digested
from pytest_aprqa.weights import digests as room


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as large and settled."""
    monkeypatch.setattr(room, "_LARGE_BYTES", 3)
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    os.utime(path, (10**9, 10**9))
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_weights_configuration_and_tokenizer_are_digested(tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        (tmp_path / name).write_text(name)
    weights = digested(Weights(tmp_path, (tmp_path / "model.safetensors",), "test"))
    names = ("model.safetensors", "config.json", "tokenizer.json")
    assert weights.digests == {name: sha256(name.encode()) for name in names}


def test_a_digest_is_remembered_until_the_file_changes(large: Path, tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "digests.json"
    assert digest_files([large], memory=memory) == {large.name: sha256(b"weights")}
    remembered = json.loads(memory.read_text())
    memory.write_text(json.dumps(dict.fromkeys(remembered, "0" * 64)))
    assert digest_files([large], memory=memory) == {large.name: "0" * 64}
    large.write_bytes(b"changed")
    os.utime(large, (10**9 + 5, 10**9 + 5))
    assert digest_files([large], memory=memory) == {large.name: sha256(b"changed")}


def test_a_file_written_just_now_is_not_remembered(large: Path, tmp_path: Path) -> None:
    large.touch()
    digest_files([large], memory=tmp_path / "digests.json")
    assert not (tmp_path / "digests.json").exists()


def test_a_small_file_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("{}")
    os.utime(path, (10**9, 10**9))
    digest_files([path], memory=tmp_path / "digests.json")
    assert not (tmp_path / "digests.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}', "[" * 100_000])
def test_a_broken_memory_costs_time_only(large: Path, tmp_path: Path, text: str) -> None:
    memory = tmp_path / "digests.json"
    memory.write_text(text)
    assert digest_files([large], memory=memory) == {large.name: sha256(b"weights")}


def test_an_unwritable_memory_costs_time_only(large: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert digest_files([large], memory=tmp_path / "file" / "digests.json")


def test_an_absent_file_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError):
        digest_files([tmp_path / "gone"])


def test_the_memory_lies_in_the_users_cache() -> None:
    assert digest_memory({"XDG_CACHE_HOME": "/x"}) == Path("/x/pytest-aprqa/digests.json")
    assert digest_memory({"HOME": "/home/me"}) == Path("/home/me/.cache/pytest-aprqa/digests.json")
