from __future__ import annotations

import pytest

from pytest_aprqa.kernels import Aspect, Shapes, profile_of, verify
from tests.kernels.samples import LLAMA3, QWEN2, QWEN3_MOE, SIZES


def shapes_of(*more: tuple[str, tuple[int, ...]], bias: bool = False) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (128256, 64), "model.norm.weight": (64,)}
    for layer in range(2):
        start = f"model.layers.{layer}"
        found |= {
            f"{start}.self_attn.q_proj.weight": (64, 64),
            f"{start}.self_attn.k_proj.weight": (16, 64),
            f"{start}.mlp.gate_proj.weight": (128, 64),
            f"{start}.input_layernorm.weight": (64,),
        }
        if bias:
            found[f"{start}.self_attn.q_proj.bias"] = (64,)
    return found | dict(more)


def test_tensors_that_are_as_told_agree() -> None:
    verified = verify(profile_of(LLAMA3), shapes_of())
    assert verified.disagreements == ()
    assert verified.compared == 10


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [
        (shapes_of(("model.embed_tokens.weight", (128000, 64))), "vocabulary: config.json says 128256"),
        (shapes_of(("model.embed_tokens.weight", (128256, 32))), "hidden size: config.json says 64"),
        (shapes_of(("model.layers.2.input_layernorm.weight", (64,))), "number of layers: config.json says 2"),
        (shapes_of(("model.layers.0.self_attn.k_proj.weight", (8, 64))), "2 heads with keys, 8 wide"),
        (shapes_of(("model.layers.0.mlp.gate_proj.weight", (64, 64))), "width of the feed-forward layer"),
        (shapes_of(bias=True), "bias_qkv: tensor self_attn.q_proj.bias is there"),
        (shapes_of(("model.layers.0.self_attn.q_norm.weight", (8,))), "qk_norm: tensor"),
        (shapes_of(("model.layers.0.mlp.experts.0.up_proj.weight", (8, 8))), "mixture_of_experts: tensor"),
    ],
)
def test_a_planted_disagreement_is_told(shapes: Shapes, problem: str) -> None:
    verified = verify(profile_of(LLAMA3), shapes)
    assert len(verified.disagreements) == 1
    assert verified.disagreements[0].startswith("config.json says 2 heads" if "heads with" in problem else problem)


def test_a_bias_that_is_told_and_missing_is_a_disagreement() -> None:
    verified = verify(profile_of({**QWEN2, "vocab_size": 128256}), shapes_of())
    assert verified.disagreements == ("bias_qkv: no tensor is, config.json says so",)


def test_tensors_settle_what_the_configuration_leaves_open() -> None:
    open_profile = profile_of({**SIZES, "model_type": "brand_new", "rms_norm_eps": 1e-5, "hidden_act": "silu"})
    settled = verify(open_profile, shapes_of(bias=True)).profile
    assert {Aspect.BIAS, Aspect.HEAD, Aspect.QK_NORM}.isdisjoint(each.aspect for each in settled.unknown)
    facts = {each.name: each.fact for each in settled.operations}
    assert facts["bias_qkv"] == "tensor self_attn.q_proj.bias"
    assert facts["tied_embeddings"] == "no tensor of an output head"
    assert "qk_norm" not in facts
    untied = verify(open_profile, shapes_of(("lm_head.weight", (128256, 64)))).profile
    assert untied.does("separate_head")


def test_towers_that_see_are_not_the_language_model() -> None:
    tower = ("model.vision_tower.encoder.layers.0.self_attn.q_proj.bias", (8,))
    assert verify(profile_of(LLAMA3), shapes_of(tower)).disagreements == ()


def test_experts_may_begin_in_a_later_layer() -> None:
    config = {**QWEN3_MOE, "vocab_size": 128256}
    more = [(f"model.layers.{layer}.self_attn.q_norm.weight", (16,)) for layer in (0, 1)]
    experts = ("model.layers.1.mlp.experts.0.up_proj.weight", (8, 8))
    shapes = shapes_of(*more, experts, ("model.layers.0.self_attn.k_proj.weight", (32, 64)))
    assert verify(profile_of(config), shapes).disagreements == ()


def test_names_that_nobody_knows_compare_nothing() -> None:
    assert verify(profile_of(LLAMA3), {"a": (1,), "b.layers.99999.c": (2, 2)}).compared == 0
