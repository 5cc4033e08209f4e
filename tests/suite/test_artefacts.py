"""What is tested says where it came from: what it was made of and by what, and what a signature says of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from pytest_aprqa.conversion import CONVERTER
from pytest_aprqa.core import Backend, Format, Quantization, Target, Weights
from pytest_aprqa.evidence import WeightsInfo
from pytest_aprqa.playbook import Playbook, read_playbook
from pytest_aprqa.suite.artefacts import artefact, ground_truth
from pytest_aprqa.suite.facts import weights_fact
from pytest_aprqa.weights import Search, digest_files
from tests.tiny import make_tiny

GGUF = Target("acme/tiny", Format.GGUF, Quantization.F16, Backend.CPU)


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(None, {"HOME": str(tmp_path / "home")}, download=False)


def playbook(folder: Path, model: str) -> Playbook:
    path = folder / "x.playbook.yaml"
    path.write_text(f"model: {{hf_repo: acme/tiny, {model}}}\ntest_matrix: {{}}\n")
    return read_playbook(path, {})


def sign(folder: Path, names: list[str]) -> None:
    """Puts a signature of some files beside them, in the layout of model-signing 0.2."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://model_signing/Digests/v0.1",
        "subject": [
            {"name": name, "digest": {"sha256": digest}}
            for name, digest in digest_files([folder / name for name in names]).items()
        ],
    }
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": base64.b64encode(json.dumps(statement).encode()).decode(),
        "signatures": [{"sig": "AA=="}],
    }
    (folder / "model.sig").write_text(json.dumps({"dsseEnvelope": envelope}))


def told(target: Target, weights: Weights) -> WeightsInfo:
    (value,) = weights_fact(target, weights).values()
    return WeightsInfo.from_json(value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            '{"converted": "dequantized from Q4_1 to float32", "package": "x==1"}',
            "; dequantized from Q4_1 to float32, of x==1",
        ),
        ('{"converted": 4}', ""),
        ("[1", ""),
    ],
)
def test_a_folder_that_says_how_it_was_made_is_quoted(tmp_path: Path, search: Search, written: str, said: str) -> None:
    make_tiny(tmp_path / "model")
    (tmp_path / "model" / "provenance.json").write_text(written)
    found = ground_truth(playbook(tmp_path, "local_path: model"), search, tmp_path / "cache")
    assert found.source == f"playbook model.local_path{said}"


def test_a_converted_artefact_names_its_converter_and_what_it_was_made_of(tmp_path: Path, search: Search) -> None:
    make_tiny(tmp_path / "model")
    asked = playbook(tmp_path, "local_path: model")
    truth = ground_truth(asked, search, tmp_path / "cache")
    assert (truth.converter, truth.made_from, truth.signature) == ("", {}, "")
    made, kept = (told(GGUF, artefact(asked, GGUF, truth, search, tmp_path / "cache")) for _ in range(2))
    assert made == kept
    assert made.source.startswith("converted by pytest-aprqa")
    assert (made.converter, made.made_from) == (CONVERTER, truth.digests)
    assert set(made.digests) == {"model.gguf"}
    (note,) = (tmp_path / "cache").glob("*/converted.json")
    assert json.loads(note.read_text())["made_from"] == truth.digests

    own = playbook(
        tmp_path, f"files: {{gguf: {made.folder}/model.gguf}}, ground_truth: dequantized, quantizations: [f16]"
    )
    dequantized = ground_truth(own, search, tmp_path / "cache")
    assert dequantized.converter == CONVERTER
    assert dequantized.made_from == made.digests
    users = artefact(own, GGUF, None, search, tmp_path / "cache")
    assert (users.converter, users.made_from, users.signature) == ("", {}, "")


def test_a_signature_beside_the_weights_is_compared(tmp_path: Path, search: Search) -> None:
    folder = tmp_path / "model"
    make_tiny(folder)
    asked = playbook(tmp_path, "local_path: model")
    sign(folder, [path.name for path in folder.iterdir()])
    truth = ground_truth(asked, search, tmp_path / "cache")
    assert told(Target("acme/tiny", Format.SAFETENSORS, None, Backend.CPU), truth).signature == "matches"
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    assert ground_truth(asked, search, tmp_path / "cache").signature == "differs: config.json"
    sign(folder, ["model.safetensors"])
    assert "does not cover config.json" in ground_truth(asked, search, tmp_path / "cache").signature


def test_a_signature_beside_the_users_own_file_is_compared(tmp_path: Path, search: Search) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    sign(tmp_path, ["own.gguf"])
    asked = playbook(tmp_path, "files: {gguf: own.gguf}, quantizations: [f16]")
    assert artefact(asked, GGUF, None, search, tmp_path / "cache").signature == "matches"
    (tmp_path / "own.gguf").write_bytes(b"other")
    assert artefact(asked, GGUF, None, search, tmp_path / "cache").signature == "differs: own.gguf"
