"""The model families that can be converted: one table, from which names, layouts and configuration keys follow.

A family is what `config.json` calls ``model_type``. GGUF knows fewer: Mistral and SmolLM are its ``llama``.
Nothing here reads a file. Facts from llama.cpp's converter and from the modeling code of `transformers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import ArtefactError

_ATTENTION: Final = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
_NORMS: Final = ("input_layernorm", "post_attention_layernorm")
_GATED: Final = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
_LLAMA: Final = (*_NORMS, *_ATTENTION, *_GATED)
_SANDWICH: Final = ("pre_feedforward_layernorm", "post_feedforward_layernorm")
_HEAD_NORMS: Final = ("self_attn.q_norm", "self_attn.k_norm")


@dataclass(frozen=True, slots=True)
class Family:
    """What conversion has to know of one architecture."""

    model_type: str
    """As in config.json."""
    architecture: str
    """As in ``general.architecture`` of GGUF."""
    model_class: str
    """As in ``architectures`` of config.json."""
    parts: tuple[str, ...] = _LLAMA
    """Modules of one layer by their Hugging Face names; each may have a weight and a bias."""
    permuted: bool = False
    """True where llama.cpp rotates adjacent pairs, so that GGUF stores the rows of q and k interleaved."""
    norm_offset: float = 0.0
    """What GGUF adds to the weights of norms: Gemma multiplies by 1 + weight, llama.cpp by weight."""
    activation: str = "silu"
    """``hidden_act``; GGUF does not say it, the architecture implies it."""
    layer_norm: bool = False
    """True for LayerNorm with a bias, False for RMSNorm."""
    epsilon: str = "rms_norm_eps"
    """The key of the norms' epsilon in config.json."""
    always_tied: bool = False
    """True where llama.cpp always uses the embedding as head."""
    rope_theta: float | None = None
    """What config.json means when it does not say; None: 10000, which is llama.cpp's default too."""


FAMILIES: Final[tuple[Family, ...]] = (
    Family("llama", "llama", "LlamaForCausalLM", permuted=True),
    Family("mistral", "llama", "MistralForCausalLM", permuted=True),
    Family("granite", "granite", "GraniteForCausalLM", permuted=True),
    Family("qwen2", "qwen2", "Qwen2ForCausalLM"),
    Family("qwen3", "qwen3", "Qwen3ForCausalLM", parts=(*_LLAMA, *_HEAD_NORMS)),
    Family(
        "phi3",
        "phi3",
        "Phi3ForCausalLM",
        parts=(*_NORMS, "self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"),
    ),
    Family("gemma", "gemma", "GemmaForCausalLM", norm_offset=1.0, activation="gelu_pytorch_tanh", always_tied=True),
    Family(
        "gemma2",
        "gemma2",
        "Gemma2ForCausalLM",
        parts=(*_LLAMA, *_SANDWICH),
        norm_offset=1.0,
        activation="gelu_pytorch_tanh",
        always_tied=True,
    ),
    Family(
        "gemma3_text",
        "gemma3",
        "Gemma3ForCausalLM",
        parts=(*_LLAMA, *_SANDWICH, *_HEAD_NORMS),
        norm_offset=1.0,
        activation="gelu_pytorch_tanh",
        rope_theta=1_000_000.0,
    ),
    Family("stablelm", "stablelm", "StableLmForCausalLM", layer_norm=True, epsilon="layer_norm_eps"),
    Family(
        "starcoder2",
        "starcoder2",
        "Starcoder2ForCausalLM",
        parts=(*_NORMS, *_ATTENTION, "mlp.c_fc", "mlp.c_proj"),
        activation="gelu_pytorch_tanh",
        layer_norm=True,
        epsilon="norm_epsilon",
    ),
)

_BY_TYPE: Final = {family.model_type: family for family in FAMILIES}
_BY_ARCHITECTURE: Final = {family.architecture: family for family in reversed(FAMILIES)}


def family_of_type(model_type: object, *, path: Path) -> Family:
    """The family of a ``model_type``."""
    family = _BY_TYPE.get(model_type) if isinstance(model_type, str) else None
    if family is None:
        raise ArtefactError(
            "the model_type is none that can be converted",
            path=path,
            expected=", ".join(_BY_TYPE),
            found=repr(model_type)[:80],
        )
    return family


def family_of_architecture(architecture: object, *, path: Path) -> Family:
    """The family of a ``general.architecture``; of several that share it, the one it is named after."""
    family = _BY_ARCHITECTURE.get(architecture) if isinstance(architecture, str) else None
    if family is None:
        raise ArtefactError(
            "general.architecture is none that can be converted",
            path=path,
            expected=", ".join(sorted(_BY_ARCHITECTURE)),
            found=repr(architecture)[:80],
        )
    return family
