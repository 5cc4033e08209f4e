from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.bootstrap import Kind, bootstrap, bootstrap_artefacts, model_at
from pytest_aprqa.core import AprqaError, Format, Quantization, Tier
from pytest_aprqa.playbook import GroundTruth
from tests.bootstrap.samples import config_file, gguf_file, read
from tests.kernels.samples import DEEPSEEK_V2, GEMMA3, LLAMA3, QWEN2, SIZES
from tests.tiny import make_tiny


def test_a_folder_gives_numbers_and_its_tensors_confirm_them(tmp_path: Path) -> None:
    make_tiny(tmp_path / "my-model")
    playbook = read(bootstrap(tmp_path / "my-model", Tier.SMOKE), tmp_path)
    model = playbook.model
    assert (model.hf_repo, model.local_path) == ("local/my-model", tmp_path / "my-model")
    assert (model.expected_hidden_dim, model.expected_num_layers, model.expected_num_kv_heads) == (32, 2, 2)
    assert (model.expected_vocab_size, model.expected_intermediate_dim, model.expected_num_heads) == (259, 64, 4)
    assert "The tensors agree with config.json in 10 facts." in bootstrap(tmp_path / "my-model", Tier.SMOKE)


def test_tensors_that_disagree_are_told(tmp_path: Path) -> None:
    make_tiny(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config_file(tmp_path, {**config, "num_hidden_layers": 3})
    assert "The tensors disagree: number of layers: config.json says 3, the tensors 2." in bootstrap(
        tmp_path, Tier.SMOKE
    )


def test_without_a_chat_template_a_model_is_a_base_model_unless_its_name_says_otherwise(tmp_path: Path) -> None:
    make_tiny(tmp_path / "some-1b", template=None)
    make_tiny(tmp_path / "some-1b-chat", template=None)
    make_tiny(tmp_path / "other-1b")
    kinds = [model_at(tmp_path / name).kind for name in ("some-1b", "some-1b-chat", "other-1b")]
    assert kinds == [Kind.BASE, Kind.INSTRUCT, Kind.INSTRUCT]
    assert model_at(config_file(tmp_path / "bare", LLAMA3)).kind is Kind.INSTRUCT


@pytest.mark.parametrize("config", [LLAMA3, GEMMA3, DEEPSEEK_V2, {**SIZES, "model_type": "brand_new"}])
def test_a_configuration_alone_is_enough(config: dict[str, object], tmp_path: Path) -> None:
    playbook = read(bootstrap(config_file(tmp_path, config), Tier.MVP, hf_repo="org/name"), tmp_path)
    assert (playbook.model.hf_repo, playbook.model.local_path) == ("org/name", None)
    assert playbook.model.expected_hidden_dim == 64


def test_absent_optional_keys_are_asked_of_the_library_and_named(tmp_path: Path) -> None:
    bare = {key: value for key, value in QWEN2.items() if key not in ("hidden_act", "max_position_embeddings")}
    model = model_at(config_file(tmp_path, bare))
    assert model.profile is not None
    facts = {each.name: each.fact for each in model.profile.operations}
    assert facts["silu"].startswith("hidden_act silu (default of Qwen2Config, transformers ")
    assert model.profile.facts.positions is None


def test_only_the_models_own_numbers_are_expected(tmp_path: Path) -> None:
    model = model_at(config_file(tmp_path, {"model_type": "mistral", "hidden_size": 64}))
    assert dict(model.expected) == {"expected_hidden_dim": 64}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "JSON"),
        ("[1]", "object"),
        ("{}", "describes no language model"),
        ('{"a": {"b": 1}}', "describes no language model"),
        ("{" * 100_000, "JSON"),
        ('{"model_type": ', "JSON"),
    ],
)
def test_garbage_is_refused_in_one_sentence(content: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(AprqaError, match=problem) as caught:
        bootstrap(config_file(tmp_path, content), Tier.MVP)
    assert "config.json" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AprqaError, match="found nothing"):
        bootstrap(tmp_path / "absent", Tier.MVP)
    with pytest.raises(AprqaError, match=r"config\.json: cannot be read|config\.json: is not there"):
        bootstrap(tmp_path, Tier.MVP)
    with pytest.raises(AprqaError, match="expected org/name"):
        bootstrap(config_file(tmp_path, LLAMA3), Tier.MVP, hf_repo="a b/c")


def test_hostile_words_of_a_configuration_do_not_change_the_playbook(tmp_path: Path) -> None:
    config = {
        **LLAMA3,
        "model_type": "x\n  y: ${HOME}\x1b[31m",
        "hidden_act": "silu'\"\n- z: {",
        "_name_or_path": "../x",
    }
    text = bootstrap(config_file(tmp_path / "a: b\n${c}", config), Tier.SMOKE)
    assert read(text, tmp_path).model.hf_repo == "local/a-b-c"


def test_the_users_files_are_tested_as_they_are(tmp_path: Path) -> None:
    make_tiny(tmp_path / "model")
    gguf = gguf_file(tmp_path / "mine.gguf", file_type=15)
    text = bootstrap_artefacts(tmp_path / "model", gguf=gguf, apr=None, tier=Tier.MVP)
    model = read(text, tmp_path).model
    assert model.formats == (Format.SAFETENSORS, Format.GGUF)
    assert (model.files.gguf, model.quantizations) == (gguf, (Quantization.Q4_K_M,))
    assert model.ground_truth is GroundTruth.ORIGINAL


@pytest.mark.parametrize(
    ("file_type", "dtype", "quantization"),
    [(15, "F16", Quantization.Q4_K_M), (1, "F16", Quantization.F16), (None, "F16", Quantization.F16), (3, "F16", None)],
)
def test_a_gguf_file_says_its_quantization_itself(
    file_type: int | None, dtype: str, quantization: Quantization | None, tmp_path: Path
) -> None:
    make_tiny(tmp_path / "model")
    gguf = gguf_file(tmp_path / "mine.gguf", file_type=file_type, dtype=dtype)
    model = model_at(tmp_path / "model", gguf=gguf)
    assert model.quantizations == (() if quantization is None else (quantization,))
    assert "its matrices are F16 100 %" in model.remarks[0]
    text = bootstrap_artefacts(tmp_path / "model", gguf=gguf, apr=None, tier=Tier.SMOKE)
    assert ("quantizations:" in text) is (quantization is not None)


def test_without_an_original_the_file_itself_is_the_truth(tmp_path: Path) -> None:
    config_file(tmp_path, LLAMA3)
    gguf = gguf_file(tmp_path / "mine.gguf", file_type=1)
    model = read(bootstrap_artefacts(tmp_path, gguf=gguf, apr=None, tier=Tier.SMOKE), tmp_path).model
    assert (model.formats, model.ground_truth) == ((Format.GGUF,), GroundTruth.DEQUANTIZED)
    with pytest.raises(AprqaError, match="neither a GGUF nor an APR file"):
        bootstrap_artefacts(tmp_path, gguf=None, apr=None, tier=Tier.SMOKE)
    with pytest.raises(AprqaError, match="no such file"):
        bootstrap_artefacts(tmp_path, gguf=tmp_path / "absent.gguf", apr=None, tier=Tier.SMOKE)
