from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.core import ArtefactError, Format, WeightsUnavailable
from pytest_aprqa.weights import SMOLLM2, Search, Wanted, hub_cache, resolve

MODEL = "org/name-1.5B"
OLD, NEW = "a" * 40, "b" * 40


def model(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    return folder


def hub_model(cache: Path, *commits: str, **refs: str) -> Path:
    repository = cache / "models--org--name-1.5B"
    for age, commit in enumerate(commits):
        folder = model(repository / "snapshots" / commit)
        os.utime(folder, ns=(10**18 + age, 10**18 + age))
    for name, commit in refs.items():
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / name).write_text(commit)
    return repository


def at(tmp_path: Path, **changes: object) -> Search:
    """A search that sees only the test's own folder."""
    return Search(**{"environment": {"HF_HUB_CACHE": str(tmp_path / "hub")}, **changes})  # type: ignore[arg-type]


def test_the_order_of_places_is_playbook_file_local_path_model_cache_hub_cache(tmp_path: Path) -> None:
    folders = {
        "playbook model.files.safetensors": model(tmp_path / "file"),
        "playbook model.local_path": model(tmp_path / "local"),
        "--aprqa-model-cache": model(tmp_path / "cache" / MODEL),
        "Hugging Face cache": hub_model(tmp_path / "hub", NEW, main=NEW) / "snapshots" / NEW,
    }
    search = at(tmp_path, model_cache=tmp_path / "cache")
    wishes = [
        Wanted(MODEL, local_path=tmp_path / "local", files={Format.SAFETENSORS: tmp_path / "file"}),
        Wanted(MODEL, local_path=tmp_path / "local"),
        Wanted(MODEL),
    ]
    found = [resolve(wanted, search) for wanted in wishes] + [resolve(wishes[2], at(tmp_path))]
    assert [(weights.source, weights.folder) for weights in found] == list(folders.items())
    assert all(weights.files == (weights.folder / "model.safetensors",) for weights in found)


def test_the_embedded_model_needs_no_place(tmp_path: Path) -> None:
    weights = resolve(Wanted(embedded.MODEL), at(tmp_path))
    assert weights.folder == embedded.folder()
    assert weights.source == "embedded in pytest-aprqa"


@pytest.mark.parametrize("name", ["model.safetensors", "model.safetensors.index.json"])
def test_a_playbook_may_name_the_weight_file_itself(tmp_path: Path, name: str) -> None:
    folder = model(tmp_path / "local")
    (folder / "model.safetensors.index.json").write_text("{}")
    assert resolve(Wanted(MODEL, files={Format.SAFETENSORS: folder / name}), at(tmp_path)).folder == folder


def test_a_weight_file_of_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my-weights.safetensors").write_bytes(b"")
    wanted = Wanted(MODEL, files={Format.SAFETENSORS: tmp_path / "my-weights.safetensors"})
    with pytest.raises(ArtefactError, match="usual name"):
        resolve(wanted, at(tmp_path))


@pytest.mark.parametrize("field", ["model.local_path", "model.files.safetensors"])
def test_a_playbook_path_that_is_not_there_ends_the_search(tmp_path: Path, field: str) -> None:
    model(tmp_path / "cache" / MODEL)
    gone = tmp_path / "gone"
    wanted = Wanted(MODEL, local_path=gone) if "local" in field else Wanted(MODEL, files={Format.SAFETENSORS: gone})
    with pytest.raises(WeightsUnavailable) as caught:
        resolve(wanted, at(tmp_path, model_cache=tmp_path / "cache"))
    assert caught.value.searched == (f"{gone} (playbook {field}): does not exist",)
    assert "in the playbook" in caught.value.ways[0]


def test_a_playbook_folder_without_weights_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="has neither"):
        resolve(Wanted(MODEL, local_path=tmp_path), at(tmp_path))


def test_a_gguf_that_the_playbook_names_does_not_stand_for_the_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable) as caught:
        resolve(Wanted(MODEL, files={Format.GGUF: tmp_path / "x.gguf"}), at(tmp_path))
    assert "--aprqa-download" in caught.value.ways[0]


@pytest.mark.parametrize("layout", ["org/name-1.5B", "name-1.5B", "org--name-1.5B", "models--org--name-1.5B"])
def test_the_model_cache_may_have_any_documented_layout(tmp_path: Path, layout: str) -> None:
    cache = tmp_path / "cache"
    if layout.startswith("models--"):
        folder = hub_model(cache, NEW, main=NEW) / "snapshots" / NEW
    else:
        folder = model(cache / layout)
    weights = resolve(Wanted(MODEL), at(tmp_path, model_cache=cache))
    assert (weights.folder, weights.source) == (folder, "--aprqa-model-cache")


def test_the_model_cache_may_be_the_model_folder_itself(tmp_path: Path) -> None:
    folder = model(tmp_path / "name-1.5B")
    assert resolve(Wanted(MODEL), at(tmp_path, model_cache=folder)).folder == folder


def test_another_models_folder_is_not_taken(tmp_path: Path) -> None:
    model(tmp_path / "cache")
    with pytest.raises(WeightsUnavailable):
        resolve(Wanted(MODEL), at(tmp_path, model_cache=tmp_path / "cache"))


def test_refs_decide_and_not_age(tmp_path: Path) -> None:
    hub_model(tmp_path / "hub", OLD, NEW, main=OLD, dev=NEW)
    assert resolve(Wanted(MODEL), at(tmp_path)).revision == OLD
    assert resolve(Wanted(MODEL, revision="dev"), at(tmp_path)).revision == NEW
    assert resolve(Wanted(MODEL, revision=NEW), at(tmp_path)).revision == NEW


def test_without_refs_the_newest_snapshot_is_taken_unless_a_revision_was_wished(tmp_path: Path) -> None:
    hub_model(tmp_path / "hub", OLD, NEW)
    assert resolve(Wanted(MODEL), at(tmp_path)).revision == NEW
    with pytest.raises(WeightsUnavailable, match="has no revision v1"):
        resolve(Wanted(MODEL, revision="v1"), at(tmp_path))


@pytest.mark.parametrize("revision", ["../../evil", "/etc/hostname", "..", "x\0y", "c" * 40])
def test_a_revision_cannot_lead_out_of_the_cache(tmp_path: Path, revision: str) -> None:
    hub_model(tmp_path / "hub", NEW, main=NEW)
    (tmp_path / "hub" / "evil").write_text(NEW)
    with pytest.raises(WeightsUnavailable):
        resolve(Wanted(MODEL, revision=revision), at(tmp_path))


@pytest.mark.parametrize("name", ["../../x", "/etc", "a/b/c", "", "a--b/c", "."])
def test_a_model_name_cannot_lead_out_of_the_cache(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsUnavailable, match="not like org/name"):
        resolve(Wanted(name), at(tmp_path, model_cache=tmp_path, download=True))


def test_an_interrupted_download_is_not_taken_for_a_model(tmp_path: Path) -> None:
    folder = hub_model(tmp_path / "hub", NEW, main=NEW) / "snapshots" / NEW
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-1.safetensors").write_bytes(b"")
    with pytest.raises(WeightsUnavailable, match="incomplete"):
        resolve(Wanted(MODEL), at(tmp_path))


def test_missing_shards_of_the_users_own_folder_are_left_to_the_integrity_gateway(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-2.safetensors").write_bytes(b"")
    weights = resolve(Wanted(MODEL, local_path=tmp_path), at(tmp_path))
    assert [path.name for path in weights.files] == ["model-2.safetensors"]


def test_a_pickle_in_the_users_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ArtefactError, match="save_pretrained"):
        resolve(Wanted(MODEL, local_path=tmp_path), at(tmp_path))


def test_a_folder_downloaded_by_hand_keeps_its_commit_and_a_pin_refuses_another(tmp_path: Path) -> None:
    folder = model(tmp_path / "cache" / MODEL)
    trace = folder / ".cache/huggingface/download/config.json.metadata"
    trace.parent.mkdir(parents=True)
    trace.write_text(f"{OLD}\netag\n1700000000.0\n")
    search = at(tmp_path, model_cache=tmp_path / "cache")
    assert resolve(Wanted(MODEL, revision=OLD), search).revision == OLD
    with pytest.raises(WeightsUnavailable, match=f"is commit {OLD}"):
        resolve(Wanted(MODEL, revision=NEW), search)
    with pytest.raises(WeightsUnavailable, match=f"is commit {OLD}"):
        resolve(Wanted(MODEL, revision=NEW, local_path=folder), search)


def test_the_message_lists_every_place_its_variable_and_the_ways(tmp_path: Path) -> None:
    search = at(tmp_path, model_cache=tmp_path / "cache")
    with pytest.raises(WeightsUnavailable) as caught:
        resolve(Wanted(MODEL, revision="v1"), search)
    text = str(caught.value)
    for part in (
        f"{tmp_path}/cache/org/name-1.5B (--aprqa-model-cache)",
        f"{tmp_path}/hub/models--org--name-1.5B (HF_HUB_CACHE)",
        "--aprqa-download lets",
        "hf download org/name-1.5B --revision v1",
        "--aprqa-model-cache DIR",
        "model.local_path",
    ):
        assert part in text


def test_the_development_model_has_a_way_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable) as caught:
        resolve(Wanted(SMOLLM2), at(tmp_path))
    assert "apr-qa fetch smollm2-135m" in caught.value.ways[0]


@pytest.mark.parametrize(
    ("environment", "folder", "reason"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a", "HF_HUB_CACHE"),
        ({"HUGGINGFACE_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a", "HUGGINGFACE_HUB_CACHE"),
        ({"HF_HUB_CACHE": "", "HF_HOME": "/b"}, "/b/hub", "HF_HOME"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub", "XDG_CACHE_HOME"),
        ({"HF_HOME": "$DATA/hf", "DATA": "/d"}, "/d/hf/hub", "HF_HOME"),
        ({"HOME": "/home/me"}, "/home/me/.cache/huggingface/hub", "the default Hugging Face cache"),
    ],
)
def test_the_hub_cache_is_where_the_hubs_client_has_it(environment: dict[str, str], folder: str, reason: str) -> None:
    assert hub_cache(environment) == (Path(folder), reason)


def test_a_weight_file_that_may_not_be_read_is_named_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "outside").write_bytes(b"")
    link = tmp_path / "model" / "model.safetensors"
    link.symlink_to("../outside")
    assert resolve(Wanted(MODEL, local_path=tmp_path / "model"), at(tmp_path)).files == (link,)


def test_a_broken_index_is_left_to_the_integrity_gateway(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text("{")
    assert resolve(Wanted(MODEL, local_path=tmp_path), at(tmp_path)).files == (index,)


def test_a_snapshot_without_weights_is_said_to_be_one(tmp_path: Path) -> None:
    folder = hub_model(tmp_path / "hub", NEW, main=NEW) / "snapshots" / NEW
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsUnavailable, match="has no safetensors weights"):
        resolve(Wanted(MODEL), at(tmp_path))
