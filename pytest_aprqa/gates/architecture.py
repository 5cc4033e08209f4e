"""The architectures whose tensors we know by heart: one table of model type → names and shapes.

Shapes are written as words of `Sizes`, one per axis, slowest axis first as PyTorch has them. What a configuration
switches (biases) is read from it. Sources: the modelling files of `transformers`, by model type.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.gates.sizes import Sizes

Shape = tuple[str, ...]
"""Words of `Sizes.axis`."""

_ATTENTION: Final[Mapping[str, Shape]] = {
    "self_attn.q_proj.weight": ("query", "hidden"),
    "self_attn.k_proj.weight": ("key", "hidden"),
    "self_attn.v_proj.weight": ("key", "hidden"),
    "self_attn.o_proj.weight": ("hidden", "query"),
}
_QKV_BIAS: Final[Mapping[str, Shape]] = {
    "self_attn.q_proj.bias": ("query",),
    "self_attn.k_proj.bias": ("key",),
    "self_attn.v_proj.bias": ("key",),
}
_O_BIAS: Final[Mapping[str, Shape]] = {"self_attn.o_proj.bias": ("hidden",)}
_GATED_MLP: Final[Mapping[str, Shape]] = {
    "mlp.gate_proj.weight": ("inner", "hidden"),
    "mlp.up_proj.weight": ("inner", "hidden"),
    "mlp.down_proj.weight": ("hidden", "inner"),
}
_MLP_BIAS: Final[Mapping[str, Shape]] = {
    "mlp.gate_proj.bias": ("inner",),
    "mlp.up_proj.bias": ("inner",),
    "mlp.down_proj.bias": ("hidden",),
}
_TWO_NORMS: Final[Mapping[str, Shape]] = {
    "input_layernorm.weight": ("hidden",),
    "post_attention_layernorm.weight": ("hidden",),
}
_TWO_NORM_BIASES: Final[Mapping[str, Shape]] = {
    "input_layernorm.bias": ("hidden",),
    "post_attention_layernorm.bias": ("hidden",),
}
_FOUR_NORMS: Final[Mapping[str, Shape]] = {
    **_TWO_NORMS,
    "pre_feedforward_layernorm.weight": ("hidden",),
    "post_feedforward_layernorm.weight": ("hidden",),
}
_HEAD_NORMS: Final[Mapping[str, Shape]] = {
    "self_attn.q_norm.weight": ("head",),
    "self_attn.k_norm.weight": ("head",),
}
_FINAL_NORM: Final[Mapping[str, Shape]] = {"model.norm.weight": ("hidden",)}
_FINAL_NORM_BIAS: Final[Mapping[str, Shape]] = {"model.norm.bias": ("hidden",)}


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the checkpoint of a model type is made of, besides the embedding and the output head."""

    class_prefix: str
    """``config.architectures`` starts with it."""
    layer: Mapping[str, Shape]
    """Tensors of every layer, below ``model.layers.N.``."""
    switched: Mapping[str, Mapping[str, Shape]] = field(default_factory=dict)
    """Further tensors of every layer, by the key of config.json that brings them when it is true."""
    final: Mapping[str, Shape] = field(default_factory=lambda: _FINAL_NORM)
    """Tensors outside the layers."""
    tied: bool = False
    """What an absent ``tie_word_embeddings`` means."""
    norm_adds_one: bool = False
    """The norm computes with 1 + weight, so that a zero weight is legal."""

    def layer_tensors(self, config: Mapping[str, Json]) -> dict[str, Shape]:
        """Names and shapes of one layer under a configuration."""
        tensors = dict(self.layer)
        for key, more in self.switched.items():
            if config.get(key) is True:
                tensors |= more
        return tensors


_LLAMA: Final[Mapping[str, Shape]] = {**_ATTENTION, **_GATED_MLP, **_TWO_NORMS}
_ATTENTION_BIAS: Final = {"attention_bias": {**_QKV_BIAS, **_O_BIAS}}

ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "llama": Architecture("Llama", _LLAMA, {**_ATTENTION_BIAS, "mlp_bias": _MLP_BIAS}),
    "mistral": Architecture("Mistral", _LLAMA),
    "granite": Architecture("Granite", _LLAMA, {**_ATTENTION_BIAS, "mlp_bias": _MLP_BIAS}),
    "smollm3": Architecture("SmolLM3", _LLAMA, {**_ATTENTION_BIAS, "mlp_bias": _MLP_BIAS}, tied=True),
    "qwen2": Architecture("Qwen2", {**_LLAMA, **_QKV_BIAS}),
    "qwen3": Architecture("Qwen3", {**_LLAMA, **_HEAD_NORMS}, _ATTENTION_BIAS),
    "gemma": Architecture("Gemma", _LLAMA, _ATTENTION_BIAS, tied=True, norm_adds_one=True),
    "gemma2": Architecture("Gemma2", {**_LLAMA, **_FOUR_NORMS}, _ATTENTION_BIAS, tied=True, norm_adds_one=True),
    "gemma3_text": Architecture(
        "Gemma3", {**_LLAMA, **_FOUR_NORMS, **_HEAD_NORMS}, _ATTENTION_BIAS, tied=True, norm_adds_one=True
    ),
    "phi3": Architecture(
        "Phi3",
        {
            "self_attn.qkv_proj.weight": ("query_key_value", "hidden"),
            "self_attn.o_proj.weight": ("hidden", "query"),
            "mlp.gate_up_proj.weight": ("twice_inner", "hidden"),
            "mlp.down_proj.weight": ("hidden", "inner"),
            **_TWO_NORMS,
        },
    ),
    "stablelm": Architecture(
        "StableLm",
        {**_LLAMA, **_TWO_NORM_BIASES},
        {"use_qkv_bias": _QKV_BIAS},
        final={**_FINAL_NORM, **_FINAL_NORM_BIAS},
    ),
    "starcoder2": Architecture(
        "Starcoder2",
        {
            **_ATTENTION,
            "mlp.c_fc.weight": ("inner", "hidden"),
            "mlp.c_proj.weight": ("hidden", "inner"),
            **_TWO_NORMS,
            **_TWO_NORM_BIASES,
        },
        {
            "use_bias": {
                **_QKV_BIAS,
                **_O_BIAS,
                "mlp.c_fc.bias": ("inner",),
                "mlp.c_proj.bias": ("hidden",),
            }
        },
        final={**_FINAL_NORM, **_FINAL_NORM_BIAS},
        tied=True,
    ),
    "olmo2": Architecture(
        "Olmo2",
        {
            **_ATTENTION,
            **_GATED_MLP,
            "self_attn.q_norm.weight": ("query",),
            "self_attn.k_norm.weight": ("key",),
            "post_attention_layernorm.weight": ("hidden",),
            "post_feedforward_layernorm.weight": ("hidden",),
        },
        _ATTENTION_BIAS,
    ),
}
"""Model type of config.json to what we know of it."""

_COMPARED_BY_LAYER: Final = """
    apertus arcee bamba bitnet bloom codegen cohere cohere2 dbrx deepseek_v2 deepseek_v3 ernie4_5 exaone4 falcon
    falcon_h1 falcon_mamba gemma3 gemma3n glm glm4 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj granitemoe
    helium jamba jetmoe lfm2 llama4 llama4_text mamba mamba2 minimax ministral mistral3 mixtral modernbert-decoder
    mpt nemotron olmo olmo3 olmoe opt persimmon phi phi4_multimodal phimoe qwen2_moe qwen3_moe qwen3_next
    recurrent_gemma rwkv seed_oss xglm zamba zamba2
"""
"""Model types that exist, but whose layers are only compared with one another."""

_OTHER_TYPES: Final = frozenset(_COMPARED_BY_LAYER.split())


def architecture_of(config: Mapping[str, Json]) -> Architecture | None:
    """What we know of a configuration's architecture; None when its tensors are not in our table."""
    architecture = ARCHITECTURES.get(str(config.get("model_type")))
    # Each head has a norm of its own there, which the table does not describe.
    return None if architecture and config.get("qk_layernorm") is True else architecture


def is_known(model_type: str) -> bool:
    """True for a model type of our lists or of the installed `transformers`, which is not imported for it."""
    if model_type in ARCHITECTURES or model_type in _OTHER_TYPES:
        return True
    found = importlib.util.find_spec("transformers")
    name = model_type.replace("-", "_")
    if found is None or found.origin is None or not name.isidentifier():
        return False
    return (Path(found.origin).parent / "models" / name).is_dir()


def expected_shape(shape: Shape, sizes: Sizes) -> tuple[int, ...] | None:
    """The shape in numbers; None when config.json does not say enough."""
    axes = [sizes.axis(word) for word in shape]
    return None if None in axes else tuple(axis for axis in axes if axis is not None)
