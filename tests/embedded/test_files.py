"""The shipped folder is complete, small and consistent with itself."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from safetensors import safe_open

from pytest_aprqa.embedded import MODEL, folder
from pytest_aprqa.embedded.lessons import digest
from pytest_aprqa.embedded.tokenizer import BOS, CHAT_TEMPLATE, TURN_END, VOCABULARY

MIB = 1 << 20


def _json(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder() / name).read_text(encoding="utf-8"))
    return value


def _shapes() -> dict[str, tuple[int, ...]]:
    with safe_open(folder() / "model.safetensors", framework="np") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)


def test_the_folder_is_complete_and_below_five_mebibytes() -> None:
    assert {path.name for path in folder().iterdir()} == {
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    }
    assert sum(path.stat().st_size for path in folder().iterdir()) < 5 * MIB


def test_config_says_what_the_tensors_are() -> None:
    config, shapes = _json("config.json"), _shapes()
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = hidden // config["num_attention_heads"]
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert shapes["model.embed_tokens.weight"] == (config["vocab_size"], hidden) == (VOCABULARY, hidden)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        assert shapes[f"{prefix}.self_attn.q_proj.weight"] == (hidden, hidden)
        assert shapes[f"{prefix}.self_attn.k_proj.weight"] == (config["num_key_value_heads"] * head, hidden)
        assert shapes[f"{prefix}.mlp.down_proj.weight"] == (hidden, inner)
    assert f"model.layers.{config['num_hidden_layers']}.mlp.down_proj.weight" not in shapes


def test_the_head_is_tied_and_therefore_absent() -> None:
    assert _json("config.json")["tie_word_embeddings"] is True
    assert "lm_head.weight" not in _shapes()


def test_rows_are_multiples_of_a_k_quant_block() -> None:
    assert all(shape[-1] % 256 == 0 for shape in _shapes().values())


def test_context_is_long_enough_for_long_prompts() -> None:
    assert _json("config.json")["max_position_embeddings"] >= 1024


def test_special_tokens_agree_in_every_file() -> None:
    config, generation = _json("config.json"), _json("generation_config.json")
    added = {token["content"]: token["id"] for token in _json("tokenizer.json")["added_tokens"]}
    tokens = _json("special_tokens_map.json")
    assert tokens == {"bos_token": BOS, "eos_token": TURN_END, "pad_token": BOS}
    for name in ("bos", "eos", "pad"):
        assert config[f"{name}_token_id"] == generation[f"{name}_token_id"] == added[tokens[f"{name}_token"]]


def test_the_chat_template_is_the_trained_one_in_both_places() -> None:
    assert (folder() / "chat_template.jinja").read_text(encoding="utf-8") == CHAT_TEMPLATE
    assert _json("tokenizer_config.json")["chat_template"] == CHAT_TEMPLATE


def test_the_lessons_are_those_the_weights_were_trained_on() -> None:
    training = _json("training.json")
    assert digest(training["recipe"]["seed"], 10_000) == training["lessons_sha256"]


def test_the_card_names_the_model_and_its_scores() -> None:
    card = (folder() / "README.md").read_text(encoding="utf-8")
    assert MODEL in card
    assert "| arithmetic | template |" in card


def test_finding_the_folder_imports_nothing_heavy() -> None:
    program = (
        "import sys; from pytest_aprqa.embedded import folder; folder(); "
        "sys.exit(bool({'torch', 'transformers', 'numpy', 'hypothesis'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
