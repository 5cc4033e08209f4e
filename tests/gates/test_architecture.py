"""The table of architectures against `transformers` itself: a small model of each, as the library saves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import Outcome, Weights
from pytest_aprqa.gates import check_integrity
from pytest_aprqa.gates.architecture import ARCHITECTURES, is_known

SMALL = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
SWITCHES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ARCHITECTURES),
    ("llama", {"attention_bias": True, "mlp_bias": True}),
    ("llama", {"head_dim": 16, "tie_word_embeddings": True}),
    ("qwen3", {"attention_bias": True, "head_dim": 16}),
    ("stablelm", {"use_qkv_bias": True}),
    ("starcoder2", {"use_bias": False}),
    ("gpt_neox", {}),
]


def saved(folder: Path, model_type: str, switches: dict[str, Any]) -> Weights:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(model_type, **SMALL, **switches)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return Weights(folder, (), "test")


@pytest.mark.parametrize(("model_type", "switches"), SWITCHES)
def test_the_table_says_what_transformers_saves(tmp_path: Path, model_type: str, switches: dict[str, Any]) -> None:
    findings = check_integrity(saved(tmp_path, model_type, switches))
    found = {finding.gate.id: finding.verdict for finding in findings if finding.gate.id != "G0-INTEGRITY-TOKENIZER"}
    failed = {id: verdict.reason for id, verdict in found.items() if verdict.outcome is not Outcome.CORROBORATED}
    assert failed == {}
    assert found["G0-TENSOR-001"].compared > 10


@pytest.mark.parametrize(
    ("model_type", "known"),
    [("llama", True), ("gpt2", True), ("aprqa_nonesuch", False), ("../llama", False), ("", False)],
)
def test_a_model_type_is_known_or_not(model_type: str, known: bool) -> None:
    assert is_known(model_type) is known


def test_a_type_that_only_the_installed_transformers_knows_is_known() -> None:
    pytest.importorskip("transformers")
    assert is_known("xlnet")
