from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.formats import holds_weights, open_checkpoint, read_config, read_json, weight_files

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def sharded(folder: Path, **changes: object) -> Path:
    """A folder of two shards; `changes` replace entries of the weight map or of the metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, shard in zip("ab", SHARDS, strict=True):
        save_file({name: np.ones(4, np.float32)}, folder / shard)
    index = {"metadata": {"total_size": 32}, "weight_map": dict(zip("ab", SHARDS, strict=True))} | changes
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_one_file_is_a_checkpoint(tmp_path: Path) -> None:
    save_file({"a": np.ones(4, np.float32)}, tmp_path / "model.safetensors")
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.files == (tmp_path / "model.safetensors",)
    assert list(checkpoint.tensors) == ["a"]


def test_shards_come_in_index_order(tmp_path: Path) -> None:
    folder = sharded(tmp_path, weight_map={"b": SHARDS[1], "a": SHARDS[0]})
    assert [path.name for path in open_checkpoint(folder).files] == [SHARDS[1], SHARDS[0]]


@pytest.mark.parametrize(
    "name",
    [
        "../model.safetensors",
        "/etc/passwd",
        "sub/model.safetensors",
        "..\\model.safetensors",
        "C:model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
        ".hidden.safetensors",
        "",
        7,
        None,
        ["a"],
    ],
)
def test_an_index_that_names_another_kind_of_file_is_refused(tmp_path: Path, name: object) -> None:
    folder = sharded(tmp_path / "model", weight_map={"a": name})
    save_file({"a": np.ones(4, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ArtefactError, match="no safe file"):
        weight_files(folder)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weight_map": {}}, "names no tensors"),
        ({"weight_map": ["a"]}, "names no tensors"),
        ({"weight_map": {"a": "model-9.safetensors"}}, "1 of 1 shards are missing"),
        ({"weight_map": {"a": SHARDS[1], "b": SHARDS[0]}}, "not where it should be"),
        ({"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[1]}}, "not where it should be"),
        ({"weight_map": {"a": SHARDS[0]}, "metadata": {"total_size": 16}}, None),
        ({"metadata": {"total_size": 33}}, "total_size"),
        ({"metadata": {}}, None),
        ({"metadata": {"total_size": 32.0}}, None),
    ],
)
def test_index_and_shards_must_agree(tmp_path: Path, changes: dict[str, object], problem: str | None) -> None:
    folder = sharded(tmp_path, **changes)
    if problem is None:
        assert open_checkpoint(folder).tensors
    else:
        with pytest.raises(ArtefactError, match=problem):
            open_checkpoint(folder)


def test_a_shard_with_a_tensor_that_the_index_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = sharded(tmp_path)
    save_file({"a": np.ones(4, np.float32), "x": np.ones(4, np.float32)}, folder / SHARDS[0])
    with pytest.raises(ArtefactError, match="not in the index"):
        open_checkpoint(folder)


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    folder = sharded(tmp_path)
    save_file({"a": np.ones(4, np.float32)}, folder / SHARDS[1])
    with pytest.raises(ArtefactError, match="in two files"):
        open_checkpoint(folder)


def test_pickle_is_never_loaded_and_the_error_says_how_to_convert(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ArtefactError, match=r"pickle.*never loaded.*save_pretrained"):
        holds_weights(tmp_path)


def test_safetensors_beside_pickle_are_taken(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert holds_weights(sharded(tmp_path))


def test_a_folder_without_weights_says_so(tmp_path: Path) -> None:
    assert not holds_weights(tmp_path)
    with pytest.raises(ArtefactError, match="no safetensors weights"):
        weight_files(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    save_file({"a": np.ones(4, np.float32)}, tmp_path / "elsewhere.safetensors")
    (tmp_path / "model/model.safetensors").symlink_to("../elsewhere.safetensors")
    with pytest.raises(ArtefactError, match="leads out"):
        open_checkpoint(tmp_path / "model")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").symlink_to("model.safetensors")
    with pytest.raises(ArtefactError, match="not there"):
        open_checkpoint(tmp_path)


def test_links_of_the_hub_cache_into_its_blobs_are_followed(tmp_path: Path) -> None:
    repository = tmp_path / "models--org--name"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    save_file({"a": np.ones(4, np.float32)}, repository / "blobs/f00")
    (snapshot / "model.safetensors").symlink_to("../../blobs/f00")
    assert open_checkpoint(snapshot).files == (snapshot / "model.safetensors",)
    (snapshot / "config.json").symlink_to("../../../outside.json")
    (tmp_path / "outside.json").write_text("{}")
    with pytest.raises(ArtefactError, match="leads out"):
        read_config(snapshot)


def test_a_folder_in_place_of_a_file_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(ArtefactError, match="no file"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 2}', "\ufeff{}", "nul", '{"a": ' + "9" * 5000 + "}"])
def test_a_broken_config_is_our_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtefactError):
        read_config(tmp_path)


def test_the_position_of_broken_json_counts_bytes(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"é": ?}', encoding="utf-8")
    with pytest.raises(ArtefactError) as caught:
        read_json(tmp_path / "x.json")
    assert caught.value.offset == 7


def test_json_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "x.json", max_bytes=8) == {"a": 1}
    with pytest.raises(ArtefactError, match="too large"):
        read_json(tmp_path / "x.json", max_bytes=7)
