from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import GATES, Gateway, Outcome, Verdict, Weights
from pytest_aprqa.gates import check_integrity
from pytest_aprqa.gates.integrity import CHECKS
from pytest_aprqa.gates.subject import read_subject
from pytest_aprqa.gates.values import judge_values
from tests.defects.edits import EMBEDDING, HEAD, edited_json, edited_tensors, set_config
from tests.tiny import make_tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny(tmp_path / "model").folder


def verdicts(folder: Path, **expected: int) -> dict[str, Verdict]:
    findings = check_integrity(Weights(folder, (), "test"), expected)
    return {finding.gate.id: finding.verdict for finding in findings}


def failed(folder: Path, **expected: int) -> list[str]:
    return [id for id, verdict in verdicts(folder, **expected).items() if verdict.outcome is Outcome.FALSIFIED]


def test_there_is_one_check_for_each_gate_of_the_gateway() -> None:
    assert [check.gate_id for check in CHECKS] == [id for id, gate in GATES.items() if gate.gateway is Gateway.G0]


def test_every_pass_says_how_much_was_compared(folder: Path) -> None:
    found = verdicts(folder)
    assert {verdict.outcome for verdict in found.values()} == {Outcome.CORROBORATED}
    assert found["G0-INTEGRITY-SHARDS"].compared == 21
    assert found["G0-TENSOR-001"].compared == 19
    assert found["G0-VALIDATE-001"].compared == 21


def test_the_playbooks_numbers_are_compared(folder: Path) -> None:
    right = {
        "expected_hidden_dim": 32,
        "expected_num_layers": 2,
        "expected_num_heads": 4,
        "expected_num_kv_heads": 2,
        "expected_vocab_size": 259,
        "expected_intermediate_dim": 64,
    }
    assert failed(folder, **right) == []
    assert verdicts(folder, **right)["G0-INTEGRITY-CONFIG"].compared > verdicts(folder)["G0-INTEGRITY-CONFIG"].compared


@pytest.mark.parametrize(
    ("key", "gate_id"),
    [
        ("expected_hidden_dim", "G0-INTEGRITY-HIDDEN"),
        ("expected_num_layers", "G0-INTEGRITY-LAYERS"),
        ("expected_vocab_size", "G0-INTEGRITY-VOCAB"),
        ("expected_num_heads", "G0-INTEGRITY-CONFIG"),
        ("expected_num_kv_heads", "G0-INTEGRITY-CONFIG"),
        ("expected_intermediate_dim", "G0-INTEGRITY-CONFIG"),
    ],
)
def test_a_playbooks_number_that_differs_fails_the_gate_it_is_about(folder: Path, key: str, gate_id: str) -> None:
    assert failed(folder, **{key: 7}) == [gate_id]


def test_an_unknown_architecture_is_compared_layer_by_layer(folder: Path) -> None:
    set_config(folder, model_type="gpt_neox", architectures=["GPTNeoXForCausalLM"])
    verdict = verdicts(folder)["G0-TENSOR-001"]
    assert verdict.outcome is Outcome.CORROBORATED
    assert "not in our table" in verdict.reason
    with edited_tensors(folder) as tensors:
        del tensors["model.layers.1.mlp.up_proj.weight"]
    assert verdicts(folder)["G0-TENSOR-001"].outcome is Outcome.INCONCLUSIVE


def test_code_of_the_models_own_may_bring_an_architecture_that_nobody_knows(folder: Path) -> None:
    set_config(folder, model_type="its_own", auto_map={"AutoModelForCausalLM": "x.Y"})
    assert verdicts(folder)["G0-INTEGRITY-CONFIG"].outcome is Outcome.CORROBORATED


def test_a_multimodal_models_language_part_is_judged(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    whole = {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"], "text_config": config}
    del config["architectures"]
    (folder / "config.json").write_text(json.dumps(whole))
    with edited_tensors(folder) as tensors:
        for name in list(tensors):
            tensors[f"language_model.{name}"] = tensors.pop(name)
        for layer in range(9):
            tensors[f"vision_tower.layers.{layer}.mlp.weight"] = np.eye(3, dtype=np.float32)
    assert failed(folder) == []
    assert verdicts(folder)["G0-INTEGRITY-LAYERS"].compared == 2


def test_a_head_that_equals_the_embedding_may_be_there_when_tied(folder: Path) -> None:
    set_config(folder, tie_word_embeddings=True)
    with edited_tensors(folder) as tensors:
        tensors[HEAD] = tensors[EMBEDDING].copy()
    verdict = verdicts(folder)["G0-INTEGRITY-TIED"]
    assert verdict.outcome is Outcome.CORROBORATED
    assert verdict.compared == 259 * 32


def test_a_head_of_another_shape_is_refused(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        tensors[HEAD] = tensors[HEAD][:-1]
    assert failed(folder) == ["G0-INTEGRITY-TIED"]


def test_the_default_of_the_architecture_stands_for_an_absent_setting(folder: Path) -> None:
    with edited_json(folder / "config.json") as config:
        del config["tie_word_embeddings"]
    assert "false by default" in verdicts(folder)["G0-INTEGRITY-TIED"].reason


def test_a_zero_bias_and_a_padded_vocabulary_are_legal(folder: Path) -> None:
    set_config(folder, attention_bias=True, vocab_size=264)
    with edited_tensors(folder) as tensors:
        for name in (EMBEDDING, HEAD):
            tensors[name] = np.pad(tensors[name], ((0, 5), (0, 0)))
        for layer in range(2):
            for role in "qkvo":
                weight = tensors[f"model.layers.{layer}.self_attn.{role}_proj.weight"]
                tensors[f"model.layers.{layer}.self_attn.{role}_proj.bias"] = np.zeros(len(weight), np.float32)
    assert failed(folder) == []


def test_a_table_of_positions_is_no_weight(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.zeros(4, np.float32)
        tensors["model.position_ids"] = np.arange(4)
    assert failed(folder) == []


def test_a_declared_quantization_may_store_integers(folder: Path) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    set_config(folder, quantization_config={"quant_method": "x"})
    with edited_tensors(folder) as tensors:
        tensors[name] = np.sign(tensors[name]).astype(np.int8)
    assert verdicts(folder)["G0-INTEGRITY-DTYPE"].outcome is Outcome.CORROBORATED


def test_the_zero_norm_of_an_architecture_that_adds_one_is_legal(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        tensors["model.norm.weight"] = np.zeros_like(tensors["model.norm.weight"])
    assert failed(folder) == ["G0-VALIDATE-001"]
    set_config(folder, model_type="gemma", architectures=["GemmaForCausalLM"], tie_word_embeddings=False)
    assert failed(folder) == []


def test_training_marks_in_a_chat_template_parse(folder: Path) -> None:
    text = "{% for m in messages %}{% generation %}{{ m }}{% endgeneration %}{% break %}{% endfor %}"
    (folder / "chat_template.jinja").write_text(text)
    assert failed(folder) == []


@pytest.mark.parametrize(
    "template",
    ["{{ " + "(" * 100_000, "x" * (1 << 20) + "x", [{"name": "default", "template": "{% if %}"}], 7, ["{{"]],
)
def test_a_hostile_chat_template_ends_in_a_verdict(folder: Path, template: object) -> None:
    with edited_json(folder / "tokenizer_config.json") as tokenizer:
        tokenizer["chat_template"] = template
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": {"vocab": {}}},
        {"model": {"vocab": {"a": "b"}}},
        {"model": {"vocab": 7}},
        {"added_tokens": [7]},
        {"added_tokens": [{"id": 3, "content": "<|bos|>"}]},
        {"added_tokens": [{"id": 300, "content": "<new>"}]},
        {"added_tokens": [{"id": -1, "content": "<new>"}]},
    ],
)
def test_a_malformed_tokenizer_ends_in_a_verdict(folder: Path, change: dict[str, object]) -> None:
    with edited_json(folder / "tokenizer.json") as tokenizer:
        tokenizer.update(change)
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]


def test_a_unigram_vocabulary_counts_by_position(folder: Path) -> None:
    with edited_json(folder / "tokenizer.json") as tokenizer:
        tokenizer["added_tokens"] = []
        pieces = [[f"piece{place}", -1.0] for place in range(257)]
        tokenizer["model"]["vocab"] = [["<|bos|>", 0.0], ["<|im_end|>", 0.0], *pieces]
    assert failed(folder) == []
    with edited_json(folder / "tokenizer.json") as tokenizer:
        tokenizer["model"]["vocab"].append(["beyond", 0.0])
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]


def test_the_old_sign_of_no_padding_is_legal(folder: Path) -> None:
    set_config(folder, pad_token_id=-1)
    assert failed(folder) == []
    set_config(folder, bos_token_id=-1)
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
@pytest.mark.parametrize("value", [None, 0, -1, "32", 1.5, True, [32]])
def test_a_number_that_is_none_fails_the_configuration_alone(folder: Path, key: str, value: object) -> None:
    set_config(folder, **{key: value})
    assert failed(folder) == ["G0-INTEGRITY-CONFIG"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 40), 1 << 40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    [
        *("model_type", "architectures", "hidden_size", "num_hidden_layers", "num_attention_heads", "head_dim"),
        *(
            "num_key_value_heads",
            "intermediate_size",
            "vocab_size",
            "tie_word_embeddings",
            "torch_dtype",
            "text_config",
        ),
        *("eos_token_id", "bos_token_id", "quantization_config", "num_nextn_predict_layers", "attention_bias"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(changes=st.dictionaries(_KEYS, _JSON, min_size=1, max_size=3))
def test_any_configuration_ends_in_ten_verdicts(folder: Path, changes: dict[str, object]) -> None:
    config = (folder / "config.json").read_text()
    try:
        set_config(folder, **changes)
        assert len(verdicts(folder)) == 10
    finally:
        (folder / "config.json").write_text(config)


def test_heads_that_do_not_divide_the_width_need_a_width_of_their_own(folder: Path) -> None:
    with edited_json(folder / "config.json") as config:
        config.update(num_attention_heads=5, num_key_value_heads=5)
        del config["head_dim"]
    assert failed(folder) == ["G0-INTEGRITY-CONFIG"]


def test_weights_without_layers_fail_the_layers(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        for name in [name for name in tensors if ".layers." in name]:
            del tensors[name]
    assert failed(folder) == ["G0-INTEGRITY-LAYERS"]


def test_without_an_embedding_what_rests_on_it_is_open(folder: Path) -> None:
    with edited_tensors(folder) as tensors:
        del tensors[EMBEDDING]
    found = verdicts(folder)
    assert failed(folder) == ["G0-INTEGRITY-HIDDEN", "G0-INTEGRITY-VOCAB"]
    for id in ("G0-INTEGRITY-TIED", "G0-INTEGRITY-TOKENIZER", "G0-TENSOR-001"):
        assert found[id].outcome is Outcome.INCONCLUSIVE


def test_an_unknown_architecture_without_a_head_must_say_that_it_is_tied(folder: Path) -> None:
    with edited_json(folder / "config.json") as config:
        config.update(model_type="gpt_neox", architectures=None)
        del config["tie_word_embeddings"]
    assert verdicts(folder)["G0-INTEGRITY-TIED"].outcome is Outcome.CORROBORATED
    with edited_tensors(folder) as tensors:
        del tensors[HEAD]
    assert verdicts(folder)["G0-INTEGRITY-TIED"].outcome is Outcome.INCONCLUSIVE


def test_a_tokenizer_of_two_files_is_read_too(folder: Path) -> None:
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]
    (folder / "merges.txt").write_text("")
    assert failed(folder) == []
    (folder / "vocab.json").write_text(json.dumps(vocabulary | {"beyond": 259}))
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]
    (folder / "vocab.json").write_text("{}")
    assert failed(folder) == ["G0-INTEGRITY-TOKENIZER"]


def test_a_tokenizer_that_needs_its_own_library_is_judged_by_its_special_ids(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    verdict = verdicts(folder)["G0-INTEGRITY-TOKENIZER"]
    assert verdict.outcome is Outcome.CORROBORATED
    assert verdict.compared == 6


def test_weights_that_shrink_while_they_are_scanned_are_no_pass(folder: Path) -> None:
    subject = read_subject(folder, {})
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-400])
    assert judge_values(subject).outcome is Outcome.INCONCLUSIVE
