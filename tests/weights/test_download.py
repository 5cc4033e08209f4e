from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pytest_aprqa.core import ArtefactError, WeightsUnavailable
from pytest_aprqa.weights import Search, Wanted, resolve
from tests.weights.hub_server import COMMIT, hub

MODEL = "org/name-1.5B"
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ x }}",
    "merges.txt": b"a b",
    "tokenizer.model": b"pieces",
    "pytorch_model.bin": b"pickle",
    "modeling_name.py": b"code",
    "onnx/config.json": b"{}",
    "README.md": b"text",
}
TAKEN = {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "merges.txt", "tokenizer.model"}


@pytest.fixture(autouse=True)
def _no_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def search(cache: Path, endpoint: str, **variables: str) -> Search:
    environment = {"HF_HUB_CACHE": str(cache), "HF_ENDPOINT": endpoint, **variables}
    return Search(environment=environment, download=True, progress=False)


def test_a_download_takes_weights_configuration_and_tokenizer_alone_and_records_the_commit(tmp_path: Path) -> None:
    with hub(MODEL, FILES) as server:
        weights = resolve(Wanted(MODEL), search(tmp_path, server.url))
    assert weights.revision == COMMIT
    assert weights.source == f"downloaded from {server.url}"
    assert {path.relative_to(weights.folder).as_posix() for path in weights.folder.rglob("*")} == TAKEN
    assert weights.files[0].read_bytes() == b"weights"
    assert not any("pytorch_model" in path or path.endswith(".py") for path in server.asked)


def test_what_was_downloaded_is_found_in_the_cache_afterwards(tmp_path: Path) -> None:
    with hub(MODEL, FILES) as server:
        resolve(Wanted(MODEL), search(tmp_path, server.url))
    weights = resolve(Wanted(MODEL), Search(environment={"HF_HUB_CACHE": str(tmp_path)}))
    assert (weights.source, weights.revision) == ("Hugging Face cache", COMMIT)


def test_a_named_revision_is_what_the_hub_is_asked_for(tmp_path: Path) -> None:
    with hub(MODEL, FILES) as server:
        assert resolve(Wanted(MODEL, revision="v1.0"), search(tmp_path, server.url)).revision == COMMIT
    assert any(path.endswith("/revision/v1.0") for path in server.asked)


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (404, "RepoNotFound", "404"),
        (401, "GatedRepo", "401"),
        (404, "RevisionNotFound", "404"),
        (500, "Broken", "500"),
    ],
)
def test_a_refusal_of_the_hub_says_what_it_answered(tmp_path: Path, status: int, code: str, word: str) -> None:
    with hub(MODEL, FILES, refuse=(status, code)) as server, pytest.raises(WeightsUnavailable) as caught:
        resolve(Wanted(MODEL), search(tmp_path, server.url))
    assert caught.value.searched[-1].startswith(server.url)
    assert word in caught.value.searched[-1]


def test_a_refused_connection_is_our_error(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(WeightsUnavailable, match=endpoint):
            resolve(Wanted(MODEL), search(tmp_path, endpoint))


def test_a_repository_of_pickles_alone_is_refused(tmp_path: Path) -> None:
    files = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}
    with hub(MODEL, files) as server, pytest.raises((WeightsUnavailable, ArtefactError), match="safetensors"):
        resolve(Wanted(MODEL), search(tmp_path, server.url))


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_variables_forbid_the_network(tmp_path: Path, variable: str) -> None:
    with hub(MODEL, FILES) as server, pytest.raises(WeightsUnavailable, match=f"{variable} is set"):
        resolve(Wanted(MODEL), search(tmp_path, server.url, **{variable: "1"}))
    assert server.asked == []


def test_nothing_is_asked_of_the_network_without_permission(tmp_path: Path) -> None:
    with hub(MODEL, FILES) as server, pytest.raises(WeightsUnavailable, match="--aprqa-download was not given"):
        resolve(Wanted(MODEL), Search(environment=search(tmp_path, server.url).environment))
    assert server.asked == []
