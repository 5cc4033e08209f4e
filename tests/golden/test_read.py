"""Corpora that somebody else made: whatever is wrong ends in our error, before much is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.golden import read_golden, self_check, store
from tests.golden.talker import reseal


def _set(**fields: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401 - any JSON
    return lambda value: value.update(fields)


def _entry(**fields: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401 - any JSON
    return lambda value: value["prompts"][0].update(fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set(schema_version=2), "schema version"),
        (_set(more=1), "more"),
        (_set(vocabulary=1 << 40), "vocabulary"),
        (_set(vocabulary="300"), "vocabulary"),
        (_set(vocabulary=True), "vocabulary"),
        (_set(top_k=100_000), "top_k"),
        (_set(vocabulary=64), "top_k must be below vocabulary"),
        (_set(prompts=[]), "prompts"),
        (_set(recorded_at="yesterday"), "recorded_at"),
        (_set(model=""), "model"),
        (_entry(file="../raw.safetensors"), "file must be chat.safetensors"),
        (_entry(file="/etc/passwd"), "file must be chat.safetensors"),
        (_entry(id="../chat", file="../chat.safetensors"), "id"),
        (_entry(id="raw", file="raw.safetensors"), "two prompts have one id"),
        (_entry(prompting="shouted"), "prompting"),
        (_entry(text=""), "text"),
        (_entry(text="x" * 200_000), "text"),
    ],
)
def test_a_strange_manifest_is_refused(folder: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    reseal(folder, change)
    with pytest.raises(ArtefactError, match=said):
        read_golden(folder)
    assert self_check(folder)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b'{"a": 1, "a": 2}', b"\xff{}", b"{}"])
def test_a_manifest_that_is_no_json_object_is_refused(folder: Path, text: bytes) -> None:
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  manifest.json\n")
    with pytest.raises(ArtefactError):
        read_golden(folder)
    assert self_check(folder)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256", "raw.safetensors"])
def test_a_link_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(ArtefactError, match="link"):
        read_golden(folder)


def test_a_link_within_the_folder_is_refused_too(folder: Path) -> None:
    (folder / "raw.safetensors").rename(folder / "other.safetensors")
    (folder / "raw.safetensors").symlink_to("other.safetensors")
    with pytest.raises(ArtefactError):
        read_golden(folder)


def test_too_large_a_corpus_is_refused_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_CORPUS_BYTES", 1000)
    with pytest.raises(ArtefactError, match="too large"):
        read_golden(folder)
    assert "too large" in str(self_check(folder)[0])


def _rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "raw.safetensors"
    arrays = load_file(path)
    text = json.loads((folder / "manifest.json").read_text())["prompts"][1]["text"]
    change(arrays)
    save_file(arrays, path, metadata={"prompt_sha256": hashlib.sha256(text.encode()).hexdigest()})
    reseal(folder)


def _missing(arrays: dict[str, Any]) -> None:
    del arrays["log_rest"]


def _more(arrays: dict[str, Any]) -> None:
    arrays["bonus"] = np.zeros(3)


def _other_type(arrays: dict[str, Any]) -> None:
    arrays["top"] = arrays["top"].astype(np.float32)


def _other_shape(arrays: dict[str, Any]) -> None:
    arrays["largest"] = arrays["largest"][:-1].copy()


def _other_rank(arrays: dict[str, Any]) -> None:
    arrays["continuation"] = arrays["continuation"][None].copy()


def _empty(arrays: dict[str, Any]) -> None:
    arrays["token_ids"] = arrays["token_ids"][:0].copy()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_missing, "arrays"),
        (_more, "arrays"),
        (_other_type, "array top; expected F16"),
        (_other_shape, "array largest"),
        (_other_rank, "array continuation"),
        (_empty, "array token_ids"),
    ],
)
def test_a_strange_recording_is_refused(folder: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    _rewrite(folder, change)
    with pytest.raises(ArtefactError, match=said):
        read_golden(folder)


def test_a_recording_of_another_prompt_is_refused(folder: Path) -> None:
    (folder / "raw.safetensors").write_bytes((folder / "long.safetensors").read_bytes())
    reseal(folder)
    with pytest.raises(ArtefactError, match="recorded for another prompt"):
        read_golden(folder)


def test_a_folder_in_the_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / "raw.safetensors").unlink()
    (folder / "raw.safetensors").mkdir()
    with pytest.raises(ArtefactError, match="is no file"):
        read_golden(folder)
