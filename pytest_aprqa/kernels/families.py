"""What the architecture itself fixes, so that no key of config.json says it: one row for each model type.

Facts of the modelling code of `transformers` (and, of InternLM2, of its own repository). A blank means that the
configuration decides, or that it is not known here; then nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model type fixes."""

    norm: str = ""
    """``rms_norm`` or ``layer_norm``."""
    placement: str = ""
    """``pre_norm``, ``post_norm`` or ``sandwich_norm`` (both)."""
    gated: bool | None = None
    """Whether the feed-forward layer multiplies with a gate."""
    position: str = ""
    """``rope``, ``alibi``, ``learned_position`` or ``no_position``."""
    qkv_bias: bool | None = None
    o_bias: bool | None = None
    mlp_bias: bool | None = None
    bias_switches: tuple[tuple[str, str], ...] = ()
    """Part (``qkv``, ``o``, ``mlp``) to the key that switches its bias."""
    qk_norm: bool | None = None
    tied: bool | None = None
    """What an absent ``tie_word_embeddings`` means."""
    activation: str = ""
    """What an absent key means, or what the code does whatever the key says."""
    parallel: bool | None = False
    """Attention and feed-forward layer side by side; None where a key decides."""
    own_heads: bool = False
    """An absent ``num_key_value_heads`` means as many as heads."""
    window_switch: bool = False
    """``sliding_window`` counts only with ``use_sliding_window``."""
    recurrent: str = ""
    """``state_space`` or ``linear_attention`` where layers remember a state instead of attending."""
    every_layer_recurrent: bool = False


_ATTENTION_BIAS: Final = (("qkv", "attention_bias"), ("o", "attention_bias"))
_LLAMA: Final = Traits(
    norm="rms_norm",
    placement="pre_norm",
    gated=True,
    position="rope",
    bias_switches=(*_ATTENTION_BIAS, ("mlp", "mlp_bias")),
    qk_norm=False,
    tied=False,
    own_heads=True,
)
_NO_BIAS: Final = replace(_LLAMA, qkv_bias=False, o_bias=False, mlp_bias=False, bias_switches=(), own_heads=False)
_QWEN2: Final = replace(_NO_BIAS, qkv_bias=True, window_switch=True)
_QWEN3: Final = replace(_NO_BIAS, qkv_bias=None, o_bias=None, bias_switches=_ATTENTION_BIAS, qk_norm=True)
_GEMMA: Final = replace(
    _LLAMA,
    mlp_bias=False,
    bias_switches=_ATTENTION_BIAS,
    tied=True,
    activation="gelu_pytorch_tanh",
    own_heads=False,
)
_GPT: Final = Traits(
    norm="layer_norm",
    placement="pre_norm",
    gated=False,
    position="learned_position",
    qkv_bias=True,
    o_bias=True,
    mlp_bias=True,
    qk_norm=False,
    tied=True,
    own_heads=True,
)
_MLA: Final = replace(_NO_BIAS, qkv_bias=None, o_bias=None, bias_switches=_ATTENTION_BIAS)
_MAMBA: Final = Traits(
    norm="rms_norm",
    placement="pre_norm",
    position="no_position",
    qk_norm=False,
    recurrent="state_space",
    every_layer_recurrent=True,
)

FAMILIES: Final[Mapping[str, Traits]] = {
    "llama": _LLAMA,
    "granite": _LLAMA,
    "granitemoe": replace(_NO_BIAS, qkv_bias=None, o_bias=None, bias_switches=_ATTENTION_BIAS, own_heads=True),
    "smollm3": replace(_LLAMA, tied=True, own_heads=False, window_switch=True),
    "mistral": _NO_BIAS,
    "mixtral": _NO_BIAS,
    "internlm2": replace(_NO_BIAS, qkv_bias=None, o_bias=None, bias_switches=(("qkv", "bias"), ("o", "bias"))),
    "qwen2": _QWEN2,
    "qwen2_moe": replace(_QWEN2, qkv_bias=None, bias_switches=(("qkv", "qkv_bias"),)),
    "qwen3": replace(_QWEN3, window_switch=True),
    "qwen3_moe": replace(_QWEN3, window_switch=True),
    "qwen3_next": replace(_QWEN3, recurrent="linear_attention"),
    "phi3": _NO_BIAS,
    "gemma": _GEMMA,
    "gemma2": replace(_GEMMA, placement="sandwich_norm"),
    "gemma3_text": replace(_GEMMA, placement="sandwich_norm", qk_norm=True),
    "gemma3": replace(_GEMMA, placement="sandwich_norm", qk_norm=True),
    "olmo2": replace(_LLAMA, placement="post_norm", mlp_bias=False, bias_switches=_ATTENTION_BIAS, qk_norm=True),
    "olmo3": replace(_LLAMA, placement="post_norm", mlp_bias=False, bias_switches=_ATTENTION_BIAS, qk_norm=True),
    "olmo": replace(_LLAMA, norm="layer_norm", mlp_bias=False, bias_switches=_ATTENTION_BIAS),
    "olmoe": replace(_LLAMA, mlp_bias=False, bias_switches=_ATTENTION_BIAS, qk_norm=True),
    "cohere": replace(
        _LLAMA, norm="layer_norm", mlp_bias=False, bias_switches=_ATTENTION_BIAS, qk_norm=None, tied=True, parallel=True
    ),
    "stablelm": replace(
        _LLAMA,
        norm="layer_norm",
        o_bias=False,
        mlp_bias=False,
        bias_switches=(("qkv", "use_qkv_bias"),),
        qk_norm=None,
        parallel=None,
        own_heads=False,
    ),
    "starcoder2": replace(
        _LLAMA,
        norm="layer_norm",
        gated=False,
        bias_switches=(("qkv", "use_bias"), ("o", "use_bias"), ("mlp", "use_bias")),
        tied=True,
        own_heads=False,
    ),
    "deepseek_v2": _MLA,
    "deepseek_v3": _MLA,
    "gpt2": _GPT,
    "gpt_bigcode": replace(_GPT, own_heads=False),
    "opt": replace(_GPT, placement="", bias_switches=()),
    "bloom": replace(_GPT, position="alibi", activation="gelu_pytorch_tanh"),
    "mpt": replace(
        _GPT, position="alibi", qkv_bias=False, o_bias=False, mlp_bias=False, activation="gelu", qk_norm=None
    ),
    "gpt_neox": replace(
        _GPT,
        position="rope",
        qkv_bias=None,
        o_bias=None,
        bias_switches=_ATTENTION_BIAS,
        tied=False,
        parallel=None,
    ),
    "gptj": replace(_GPT, position="rope", qkv_bias=False, o_bias=False, tied=False, parallel=True),
    "phi": replace(_GPT, position="rope", qk_norm=None, tied=False, parallel=True),
    "falcon": replace(
        _GPT,
        position="rope",
        qkv_bias=None,
        o_bias=None,
        mlp_bias=None,
        bias_switches=(("qkv", "bias"), ("o", "bias"), ("mlp", "bias")),
        parallel=None,
        activation="gelu",
        own_heads=False,
    ),
    "nemotron": replace(_LLAMA, norm="layer_norm", gated=False, own_heads=True),
    "mamba": _MAMBA,
    "mamba2": _MAMBA,
    "falcon_mamba": _MAMBA,
}
"""Model type to what it fixes."""

UNKNOWN: Final = Traits(parallel=None)
"""Of a model type that is not in the table nothing is known."""


def traits_of(model_type: str) -> Traits:
    """What a model type fixes.

    >>> traits_of("qwen2").qkv_bias, traits_of("no such model").qkv_bias
    (True, None)
    """
    return FAMILIES.get(model_type, UNKNOWN)
