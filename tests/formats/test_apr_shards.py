from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats.apr import AprFlag, AprPart, check_apr, read_apr
from pytest_aprqa.formats.apr_write import AprTensor, write_apr, write_apr_shards
from tests.formats.test_apr_vector import TENSORS, values

METADATA: dict[str, Json] = {"model_type": "test", "hidden_size": 10}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_apr_shards(tmp_path, "model", METADATA, TENSORS, 320)


def test_shards_say_what_one_file_says(manifest: Path, tmp_path: Path) -> None:
    write_apr(tmp_path / "whole.apr", METADATA, TENSORS)
    whole, file = read_apr(tmp_path / "whole.apr"), read_apr(manifest)
    assert check_apr(manifest) == ()
    assert file.path == manifest
    assert file.metadata == whole.metadata == METADATA
    assert file.flags == AprFlag.ROW_MAJOR | AprFlag.SHARDED
    assert list(file.tensors) == list(whole.tensors)
    for name in whole.tensors:
        np.testing.assert_array_equal(values(file, name), values(whole, name))
    assert {entry.file.name for entry in file.tensors.values()} == {
        "model-00001-of-00002.apr",
        "model-00002-of-00002.apr",
    }


def test_the_manifest_is_the_documented_one(manifest: Path, tmp_path: Path) -> None:
    said = json.loads(manifest.read_text())
    sizes = [(tmp_path / f"model-0000{place}-of-00002.apr").stat().st_size for place in (1, 2)]
    assert said == {
        "version": "2.0",
        "shard_count": 2,
        "total_size": sum(sizes),
        "tensor_count": 5,
        "shards": [
            {"filename": "model-00001-of-00002.apr", "index": 0, "size": sizes[0], "tensors": ["a.half", "b.q8"]},
            {
                "filename": "model-00002-of-00002.apr",
                "index": 1,
                "size": sizes[1],
                "tensors": ["bias", "c.q4", "weight"],
            },
        ],
        "weight_map": {"a.half": 0, "b.q8": 0, "bias": 1, "c.q4": 1, "weight": 1},
    }
    shard = read_apr(tmp_path / "model-00002-of-00002.apr")
    assert shard.metadata["sharding"] == {
        "shard_count": 2,
        "shard_index": 1,
        "total_size": sum(sizes),
        "pattern": "model-{:05d}-of-{:05d}.apr",
    }


def test_a_tensor_over_the_limit_gets_its_own_shard(tmp_path: Path) -> None:
    manifest = write_apr_shards(tmp_path, "m", {}, TENSORS, 1)
    assert len(json.loads(manifest.read_text())["shards"]) == 5
    assert len(read_apr(manifest).tensors) == 5


def test_a_model_without_tensors_is_one_shard(tmp_path: Path) -> None:
    assert read_apr(write_apr_shards(tmp_path, "m", {"a": 1}, [], 100)).tensors == {}


def test_sizes_may_count_the_tensors_alone(manifest: Path, tmp_path: Path) -> None:
    said = json.loads(manifest.read_text())
    for place, tensor_bytes in enumerate((214, 90)):
        said["shards"][place]["size"] = tensor_bytes
    said["total_size"] = 304
    for place in (1, 2):
        path = tmp_path / f"model-0000{place}-of-00002.apr"
        own = read_apr(path)
        sharding = {**own.metadata["sharding"], "total_size": 304}  # type: ignore[dict-item]  # it is an object
        rewrite(path, {**own.metadata, "sharding": sharding})
    manifest.write_text(json.dumps(said))
    assert check_apr(manifest) == ()


def rewrite(path: Path, metadata: Mapping[str, Json], *, flags: int = 0x0410, without: str = "") -> None:
    """The same shard with other metadata or flags."""
    content = path.read_bytes()
    tensors = [
        AprTensor(entry.name, entry.dtype, entry.shape, lambda entry=entry: content[entry.start : entry.stop])  # type: ignore[misc]  # bound
        for entry in read_apr(path).tensors.values()
        if entry.name != without
    ]
    write_apr(path, metadata, tensors, flags=flags)


Edit = Callable[[dict[str, Any]], object]


def put(key: str, value: object) -> Edit:
    return lambda said: said.__setitem__(key, value)


def put_in_shard(key: str, value: object) -> Edit:
    return lambda said: said["shards"][1].__setitem__(key, value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put("version", "1.0"), "version"),
        (put("version", 2.0), "version"),
        (put("shards", []), "names no shards"),
        (put("shards", {}), "names no shards"),
        (put("shards", [1]), "shard 0 of the manifest"),
        (put("shards", [{}] * 10_001), "names no shards"),
        (put("shard_count", 3), "shard_count"),
        (put("tensor_count", 4), "tensor_count"),
        (put("total_size", 1), "total_size"),
        (put("weight_map", {}), "weight_map"),
        (put("weight_map", {"a.half": 1, "b.q8": 0, "bias": 1, "c.q4": 1, "weight": 1}), "weight_map"),
        (put_in_shard("filename", "../model-00002-of-00002.apr"), "no safe file name"),
        (put_in_shard("filename", "/etc/passwd"), "no safe file name"),
        (put_in_shard("filename", "a\\b.apr"), "no safe file name"),
        (put_in_shard("filename", "model.apr.json"), "no safe file name"),
        (put_in_shard("filename", ["a.apr"]), "no safe file name"),
        (put_in_shard("filename", "absent.apr"), "is not there"),
        (put_in_shard("filename", "model-00001-of-00002.apr"), "names a shard twice"),
        (put_in_shard("index", 0), "index"),
        (put_in_shard("index", True), "index"),
        (put_in_shard("size", -1), "size"),
        (put_in_shard("size", "1"), "size"),
        (put_in_shard("size", 1), "total_size"),
        (put_in_shard("tensors", 3), "tensors"),
        (put_in_shard("tensors", [1]), "tensors"),
        (put_in_shard("tensors", ["a.half", "bias", "c.q4", "weight"]), "a tensor in two shards"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(manifest: Path, edit: Edit, message: str) -> None:
    said = json.loads(manifest.read_text())
    edit(said)
    manifest.write_text(json.dumps(said))
    with pytest.raises(ArtefactError, match=message):
        read_apr(manifest)
    problems = check_apr(manifest)
    assert [problem.part for problem in problems] == [AprPart.INDEX]


def test_a_shard_that_leads_to_a_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.apr"
    said = {"version": "2.0", "shard_count": 1, "total_size": 0, "tensor_count": 0, "weight_map": {}}
    path.write_text(json.dumps({**said, "shards": [{"filename": "model.apr", "index": 0, "size": 0, "tensors": []}]}))
    with pytest.raises(ArtefactError, match="never a manifest"):
        read_apr(path)


def test_a_shard_that_links_out_of_the_folder_is_refused(manifest: Path, tmp_path: Path) -> None:
    shard = tmp_path / "model-00002-of-00002.apr"
    outside = tmp_path.parent / f"{tmp_path.name}-outside.apr"
    shutil.move(shard, outside)
    shard.symlink_to(outside)
    with pytest.raises(ArtefactError, match="leads out of the model's folder"):
        read_apr(manifest)


SHARDING: dict[str, Json] = {
    "shard_count": 2,
    "shard_index": 1,
    "total_size": 1288,
    "pattern": "model-{:05d}-of-{:05d}.apr",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flags": 0x0400}, "does not have the flag SHARDED"),
        ({"metadata": {**METADATA}}, r"sharding\.shard_count; expected 2; found None"),
        ({"metadata": {**METADATA, "sharding": [2]}}, r"sharding\.shard_count"),
        ({"metadata": {**METADATA, "sharding": {**SHARDING, "shard_index": 0}}}, r"shard_index; expected 1; found 0"),
        ({"metadata": {**METADATA, "sharding": {**SHARDING, "total_size": 1}}}, r"sharding\.total_size"),
        ({"metadata": {**METADATA, "hidden_size": 11, "sharding": SHARDING}}, "'hidden_size' is not the same"),
        ({"without": "bias"}, "such as 'bias'"),
    ],
)
def test_a_shard_that_says_otherwise_is_refused(
    manifest: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "model-00002-of-00002.apr"
    assert json.loads(manifest.read_text())["total_size"] == SHARDING["total_size"]
    rewrite(path, **{"metadata": {**METADATA, "sharding": SHARDING}, **change})
    with pytest.raises(ArtefactError, match=message) as caught:
        read_apr(manifest)
    assert caught.value.path == path


def test_a_broken_shard_is_named(manifest: Path, tmp_path: Path) -> None:
    path = tmp_path / "model-00001-of-00002.apr"
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    problems = check_apr(manifest)
    assert {problem.file for problem in problems} == {path}
    assert AprPart.HEADER in {problem.part for problem in problems}


def test_problems_of_all_shards_are_collected(manifest: Path, tmp_path: Path) -> None:
    first, second = (tmp_path / f"model-0000{place}-of-00002.apr" for place in (1, 2))
    first.write_bytes(b"APRN")
    rewrite(second, METADATA, flags=0x0400)
    assert {problem.file for problem in check_apr(manifest)} == {first, second}


def test_a_changed_size_is_refused(manifest: Path, tmp_path: Path) -> None:
    rewrite(tmp_path / "model-00002-of-00002.apr", {**METADATA, "sharding": SHARDING, "name": "x" * 200})
    with pytest.raises(ArtefactError, match="the shard's size"):
        read_apr(manifest)
