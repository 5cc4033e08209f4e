from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.cli import parity as parity_module
from pytest_aprqa.core import Completion, Request
from pytest_aprqa.golden import built_in_root
from tests.cli.running import Done, apr_qa, apr_qa_process
from tests.golden.talker import PROMPTS, Talker, facts, reseal
from tests.tiny import make_tiny

MODEL = "aprqa/aprqa-tiny"


class TalkingEngine(Talker):
    """The little model where an engine is expected."""

    facts = facts()

    def generate(self, requests: Sequence[Request]) -> tuple[Completion, ...]:
        raise NotImplementedError

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> TalkingEngine:
    """The engine that every command opens."""
    opened = TalkingEngine()
    monkeypatch.setattr(parity_module, "_open", lambda *_arguments: opened)
    return opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "golden"


def _parity(root: Path, *words: object) -> Done:
    return apr_qa("parity", "--golden", root, *words)


def _record(root: Path, tmp_path: Path, *words: object) -> Done:
    """Records from the stub engine; the weights are those of the embedded model, whose digests are written down."""
    prompts = tmp_path / "prompts.json"
    listed = [{"id": each.id, "text": each.text, "prompting": str(each.prompting)} for each in PROMPTS]
    prompts.write_text(json.dumps({"prompts": listed}))
    return _parity(
        root, "--record", "--model-family", "talker", "--model", MODEL, "--prompts", prompts, *words
    )  # fmt: skip


def test_the_corpora_of_the_package_are_listed_with_their_provenance(root: Path) -> None:
    done = _parity(root, "--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("aprqa-tiny/1: aprqa/aprqa-tiny, 20 prompts, 1167 positions, recorded 2")
    one = _parity(root, "--list", "--model-family", "aprqa-tiny")
    assert "long-text" in one.stdout
    assert "torch" in one.stdout
    (entry,) = json.loads(_parity(root, "--list", "--json").stdout)["corpora"]
    assert entry["digests"].keys() >= {"model.safetensors", "config.json", "tokenizer.json"}


def test_a_family_that_is_not_there_is_2(root: Path, tmp_path: Path) -> None:
    for words in (["--list"], ["--self-check"], ["--against", tmp_path]):
        done = _parity(root, "--model-family", "nobody", *words)
        assert done.returncode == 2
        assert "nobody" in done.stderr


def test_recording_never_replaces_a_corpus_unless_forced(root: Path, tmp_path: Path, engine: TalkingEngine) -> None:
    first = _record(root, tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert engine.closed
    manifest = root / "talker" / "1" / "manifest.json"
    before = manifest.read_bytes()
    again = _record(root, tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert manifest.read_bytes() == before
    assert _record(root, tmp_path, "--force").returncode == 0
    assert _parity(root, "--list", "--model-family", "talker").stdout.count("template") == 1


def test_what_is_recorded_holds_no_path_and_no_name_of_the_machine(
    root: Path, tmp_path: Path, engine: TalkingEngine
) -> None:
    import platform

    _record(root, tmp_path)
    text = (root / "talker" / "1" / "manifest.json").read_text()
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    assert platform.node() not in text


def test_a_prompt_that_is_left_out_is_named(root: Path, tmp_path: Path, engine: TalkingEngine) -> None:
    engine.facts = facts(context_tokens=40)
    done = _record(root, tmp_path)
    assert "left out, since the model cannot take them: long" in done.stdout


def test_the_self_check_is_0_for_a_whole_corpus(root: Path) -> None:
    done = _parity(root, "--self-check", "--model-family", "aprqa-tiny")
    assert (done.returncode, done.stdout) == (0, "aprqa-tiny/1: whole, and able to refute\n")


def test_the_self_check_is_1_for_a_tampered_one_with_every_problem(root: Path) -> None:
    folder = root / "aprqa-tiny" / "2"
    shutil.copytree(built_in_root() / "aprqa-tiny" / "1", folder)

    def change(value: dict[str, Any]) -> None:
        value["prompts"][0]["text"] = "Hello! Who am I?"

    reseal(folder, change)
    (folder / "stray").write_text("x")
    (folder / "raw-sum.safetensors").unlink()
    done = _parity(root, "--self-check", "--model-family", "aprqa-tiny/2")
    assert done.returncode == 1
    assert done.stdout.startswith("aprqa-tiny/2: 3 problems\n")
    assert all(word in done.stdout for word in ("chat-hello", "stray", "raw-sum"))
    as_json = json.loads(_parity(root, "--self-check", "--model-family", "aprqa-tiny/2", "--json").stdout)
    assert len(as_json["problems"]["aprqa-tiny/2"]) == 3


def test_an_artefact_that_differs_is_1_and_one_that_does_not_is_0(
    root: Path, tmp_path: Path, engine: TalkingEngine
) -> None:
    _record(root, tmp_path)
    make_tiny(tmp_path / "artefact")
    against = ("--model-family", "talker", "--against", tmp_path / "artefact")
    same = _parity(root, *against)
    assert (same.returncode, same.stderr) == (0, "")
    assert same.stdout.startswith("corroborated: ")
    engine.damage = lambda logits: logits * np.float32(0.9)
    other = _parity(root, *against, "--json")
    assert other.returncode == 1
    said = json.loads(other.stdout)
    assert said["outcome"] == "falsified"
    assert "golden_kl" in said["reason"]
    assert _parity(root, *against, "--quantization", "q2_k").returncode == 0


@pytest.mark.parametrize("name", ["model.gguf", "model.apr", "model.txt"])
def test_a_file_that_is_no_model_is_2(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    done = _parity(root, "--model-family", "aprqa-tiny", "--against", tmp_path / name)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert name in done.stderr


def test_a_type_without_limits_is_2(root: Path, tmp_path: Path, engine: TalkingEngine) -> None:
    _record(root, tmp_path)
    make_tiny(tmp_path / "artefact")
    words = ("--model-family", "talker", "--against", tmp_path / "artefact", "--quantization", "q9")
    done = _parity(root, *words)
    assert done.returncode == 2
    assert "no limit for the stored type 'q9'" in done.stderr


def test_an_engine_without_instruments_is_2(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_tiny(tmp_path / "artefact")
    bare = SimpleNamespace(facts=facts(), close=lambda: None)
    monkeypatch.setattr(parity_module, "_open", lambda *_arguments: bare)
    done = _parity(root, "--model-family", "aprqa-tiny", "--against", tmp_path / "artefact")
    assert done.returncode == 2
    assert "instrument" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--model-family", "x"],
        ["--self-check"],
        ["--list", "--self-check", "--model-family", "x"],
        ["--record", "--model-family", "x"],
        ["--against", "no-such-file", "--model-family", "x"],
        ["--record", "--model", MODEL, "--model-family", "../x"],
    ],
)
def test_wrong_usage_is_2(root: Path, words: list[str]) -> None:
    done = _parity(root, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not root.exists()


def test_a_model_that_is_not_there_is_2(root: Path, tmp_path: Path) -> None:
    done = _parity(root, "--record", "--model", "no/body", "--model-family", "nobody", "--model-cache", tmp_path)
    assert done.returncode == 2
    assert "weights of no/body are not on this machine" in done.stderr


def test_a_user_records_and_compares(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    make_tiny(tmp_path / "cache" / "org" / "tiny")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one two three\nAnd then?\n")
    words = ("parity", "--golden", root, "--model-family", "tiny", "--threads", 1)
    recorded = apr_qa_process(
        *words, "--record", "--model", "org/tiny", "--model-cache", tmp_path / "cache", "--prompts", prompts
    )
    assert (recorded.returncode, recorded.stderr) == (0, "")
    compared = apr_qa_process(*words, "--against", tmp_path / "cache" / "org" / "tiny")
    assert (compared.returncode, compared.stderr) == (0, "")
    assert compared.stdout.startswith("corroborated: org/tiny, limits of f32")
