from __future__ import annotations

import json

import pytest

from pytest_aprqa.core import Json, Quantization
from pytest_aprqa.kernels import Aspect, KernelProfile, Topic, profile_of, with_quantizations
from tests.kernels import samples
from tests.kernels.samples import Config


def operations(config: Config) -> set[str]:
    return {each.name for each in profile_of(config).operations}


@pytest.mark.parametrize(
    ("config", "does", "does_not"),
    [
        (
            samples.LLAMA3,
            "grouped_query_attention rope_llama3 rms_norm pre_norm silu swi_glu tied_embeddings large_vocabulary "
            "long_context",
            "rope qk_norm bias_qkv mixture_of_experts sliding_window_attention parallel_residual",
        ),
        (samples.QWEN2, "bias_qkv rope small_vocabulary", "bias_o bias_mlp sliding_window_attention long_context"),
        (samples.QWEN3, "qk_norm separate_head", "bias_qkv"),
        (samples.MISTRAL, "sliding_window_attention grouped_query_attention", "tied_embeddings"),
        (
            samples.GEMMA2,
            "sliding_window_attention sandwich_norm gelu_tanh ge_glu attention_softcap logit_softcap "
            "attention_scaling tied_embeddings",
            "pre_norm swi_glu",
        ),
        (samples.GEMMA3, "rope_linear rope_by_layer qk_norm sliding_window_attention ge_glu", "attention_softcap"),
        (
            samples.DEEPSEEK_V2,
            "multi_head_latent_attention mixture_of_experts shared_experts rope_yarn",
            "multi_head_attention",
        ),
        (samples.QWEN3_MOE, "mixture_of_experts qk_norm", "shared_experts"),
        (
            samples.FALCON,
            "multi_query_attention parallel_residual layer_norm gelu rope tied_embeddings",
            "bias_qkv ge_glu alibi multi_head_attention",
        ),
        (
            samples.GPT2,
            "multi_head_attention absolute_position layer_norm gelu_tanh bias_qkv bias_o bias_mlp medium_vocabulary",
            "rope ge_glu",
        ),
        (samples.BLOOM, "alibi multi_head_attention tied_embeddings large_vocabulary", "rope absolute_position"),
        (samples.PHI, "rope rope_partial parallel_residual layer_norm multi_head_attention bias_o", "qk_norm swi_glu"),
        (samples.OLMO2, "post_norm qk_norm multi_head_attention", "pre_norm"),
        (samples.GRANITE, "embedding_scaling logit_scaling residual_scaling attention_scaling", "logit_softcap"),
        (samples.MAMBA, "state_space no_position rms_norm", "multi_head_attention rope silu"),
        (samples.NEMOTRON, "relu_squared layer_norm rope_partial", "swi_glu"),
        (samples.HYBRID, "linear_attention grouped_query_attention shared_experts rope_partial", "state_space"),
        (samples.QWEN2_VL, "rope_multimodal", "rope"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value.get("model_type")),
)
def test_what_a_configuration_says_is_known(config: Config, does: str, does_not: str) -> None:
    found = operations(config)
    assert set(does.split()) <= found
    assert not set(does_not.split()) & found


@pytest.mark.parametrize("config", [value for value in vars(samples).values() if isinstance(value, dict)])
def test_every_operation_names_a_key_of_the_configuration_or_the_model_type(config: Config) -> None:
    inner = config.get("text_config", config)
    assert isinstance(inner, dict)
    for each in profile_of(config).operations:
        assert any(key in each.fact for key in (*inner, "model_type", "tie_word_embeddings", "num_key_value_heads"))


def test_facts_carry_the_value() -> None:
    facts = {each.name: each.fact for each in profile_of(samples.MISTRAL).operations}
    assert facts["grouped_query_attention"] == "num_key_value_heads 2, num_attention_heads 8"
    assert facts["sliding_window_attention"] == "sliding_window 4096"
    assert facts["rms_norm"] == "rms_norm_eps 1e-05"


def test_sizes_are_found_under_their_other_names() -> None:
    facts = profile_of(samples.GPT2).facts
    assert (facts.hidden, facts.layers, facts.heads, facts.kv_heads, facts.positions) == (64, 2, 8, 8, 1024)
    assert facts.inner is None


def test_of_an_empty_configuration_nothing_is_guessed() -> None:
    profile = profile_of({})
    assert profile.operations == ()
    assert {each.aspect for each in profile.unknown} >= {
        Aspect.ATTENTION,
        Aspect.POSITION,
        Aspect.NORM,
        Aspect.PLACEMENT,
        Aspect.ACTIVATION,
        Aspect.BIAS,
        Aspect.HEAD,
        Aspect.VOCABULARY,
        Aspect.CONTEXT,
    }


def test_of_an_unknown_architecture_only_what_keys_say_is_known() -> None:
    profile = profile_of({**samples.LLAMA3, "model_type": "brand_new"})
    assert profile.does("grouped_query_attention")
    assert profile.does("rms_norm")
    assert not profile.does("swi_glu")
    assert not profile.does("pre_norm")
    assert {Aspect.PLACEMENT, Aspect.ACTIVATION, Aspect.QK_NORM} <= {each.aspect for each in profile.unknown}


def test_a_missing_number_of_key_heads_is_open_where_the_architecture_has_another_default() -> None:
    without = {key: value for key, value in samples.MISTRAL.items() if key != "num_key_value_heads"}
    assert Aspect.ATTENTION in {each.aspect for each in profile_of(without).unknown}
    llama = {**without, "model_type": "llama"}
    assert profile_of(llama).does("multi_head_attention")


def test_a_default_is_used_only_for_an_absent_key_and_is_named() -> None:
    without = {key: value for key, value in samples.MISTRAL.items() if key not in ("hidden_act", "sliding_window")}
    defaults: Config = {"hidden_act": "silu", "sliding_window": 4096, "rope_theta": 1.0}
    profile = profile_of({**without, "sliding_window": None}, defaults=defaults, defaults_from="the library's default")
    facts = {each.name: each.fact for each in profile.operations}
    assert facts["silu"] == "hidden_act silu (the library's default)"
    assert "sliding_window_attention" not in facts
    assert facts["rope"] == "rope_theta 10000.0"


def test_a_window_that_no_context_reaches_is_no_window() -> None:
    config = {**samples.MISTRAL, "max_position_embeddings": 4096}
    assert "sliding_window_attention" not in operations(config)


def test_layer_types_decide_whether_anything_slides() -> None:
    kinds: list[Json] = ["sliding_attention", "full_attention"]
    facts = {each.name: each.fact for each in profile_of({**samples.QWEN2, "layer_types": kinds}).operations}
    assert facts["sliding_window_attention"] == "sliding_window 2048, in 1 of 2 layers"
    assert "sliding_window_attention" not in operations({**samples.MISTRAL, "layer_types": kinds[1:] * 2})


def test_newer_rope_parameters_say_the_same_as_older_keys() -> None:
    older = {key: value for key, value in samples.LLAMA3.items() if key not in ("rope_theta", "rope_scaling")}
    newer: Config = {**older, "rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3", "factor": 32.0}}
    assert operations(newer) == operations(samples.LLAMA3)


def test_quantizations_add_the_products_of_their_stored_blocks() -> None:
    profile = with_quantizations(profile_of(samples.QWEN2), [Quantization.Q4_K_M, Quantization.Q8_0, Quantization.F16])
    fused = [each.name for each in profile.operations if each.aspect is Aspect.QUANTIZATION]
    assert fused == ["fused_q4k_matvec", "fused_q6k_matvec", "fused_q80_matvec"]
    assert profile.weight(Topic.CARRY) == profile_of(samples.QWEN2).weight(Topic.CARRY) + 3
    assert profile == profile_of(
        samples.QWEN2, quantizations=[Quantization.Q4_K_M, Quantization.Q8_0, Quantization.F16]
    )


def test_a_model_that_is_stored_rounded_says_how() -> None:
    assert "fp8_matmul" in operations({**samples.QWEN3, "quantization_config": {"quant_method": "fp8"}})


@pytest.mark.parametrize(
    ("config", "topic"),
    [
        (samples.QWEN2, Topic.CARRY),
        (samples.MISTRAL, Topic.RECALL),
        (samples.MISTRAL, Topic.WINDOW),
        (samples.LLAMA3, Topic.POSITION),
        (samples.LLAMA3, Topic.LANGUAGES),
        (samples.QWEN3_MOE, Topic.CODE),
        (samples.GEMMA2, Topic.JSON),
        (samples.OLMO2, Topic.FACTS),
    ],
)
def test_operations_stress_topics_and_say_why(config: Config, topic: Topic) -> None:
    stresses = [each for each in profile_of(config).stresses if each.topic is topic]
    assert stresses
    assert all(each.why and each.operation in operations(config) for each in stresses)


_WRONG: tuple[object, ...] = (
    None, True, -1, 0, 1.5, 1 << 80, "8", [], {}, [None], {"a": 1}, "\x1b[31m" * 1000, float("nan"), float("inf"),
)  # fmt: skip


@pytest.mark.parametrize("key", sorted({**samples.DEEPSEEK_V2, **samples.GEMMA2, **samples.FALCON, "layer_types": 0}))
def test_values_of_a_wrong_type_are_no_facts_and_no_tracebacks(key: str) -> None:
    for value in _WRONG:
        config = {**samples.DEEPSEEK_V2, **samples.GEMMA2, key: value}
        profile = profile_of(config)  # type: ignore[arg-type]  # wrong on purpose
        assert all(each.fact.isprintable() and len(each.fact) < 200 for each in profile.operations)
        assert all(each.name.replace("_", "").isalnum() for each in profile.operations)


def test_a_profile_is_plain_json() -> None:
    value = profile_of(samples.GEMMA3).to_json()
    assert json.loads(json.dumps(value)) == value
    assert value["model_type"] == "gemma3_text"


def test_parameters_are_estimated_from_sizes_alone() -> None:
    profile: KernelProfile = profile_of({**samples.SIZES, "model_type": "llama"})
    attention, mlp = 2 * 64 * 64 + 2 * 64 * 16, 3 * 64 * 128
    assert profile.facts.parameters == 32000 * 64 + 2 * (attention + mlp)
    assert profile_of({"model_type": "llama"}).facts.parameters is None


def test_an_extract_s_absent_keys_say_nothing() -> None:
    whole = profile_of({"model_type": "qwen3"})
    extract = profile_of({"model_type": "qwen3"}, whole_file=False)
    assert whole.does("separate_head")
    assert not extract.does("separate_head")
    assert not extract.does("tied_embeddings")
    assert Aspect.HEAD in [one.aspect for one in extract.unknown]
