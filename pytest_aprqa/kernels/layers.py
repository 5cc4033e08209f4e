"""What a layer computes besides attention: norms, activation and gate, biases, residuals, experts."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.kernels.facts import KEYS, Facts
from pytest_aprqa.kernels.families import Traits, traits_of
from pytest_aprqa.kernels.operation import Aspect, Findings, Operation, Unknown
from pytest_aprqa.kernels.reading import Reading, Stated

_RMS_KEYS: Final = ("rms_norm_eps",)
_LAYER_NORM_KEYS: Final = ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "layernorm_epsilon")
_ACTIVATION_KEYS: Final = ("hidden_activation", "hidden_act", "activation_function", "activation")
_ACTIVATIONS: Final = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "quick_gelu": "gelu_quick",
    "relu": "relu",
    "relu2": "relu_squared",
}
_GATED: Final = {"silu": "swi_glu", "gelu": "ge_glu", "gelu_tanh": "ge_glu", "relu": "re_glu"}
_PARTS: Final = {"qkv": "bias_qkv", "o": "bias_o", "mlp": "bias_mlp"}
_SHARED_KEYS: Final = ("n_shared_experts", "num_shared_experts", "shared_expert_intermediate_size")


def norm(reading: Reading) -> Findings:
    """Which norm, and where it stands."""
    traits, by_type = traits_of(reading.model_type), f"model_type {reading.model_type}"
    stated = _norm_key(reading)
    if traits.norm:
        fact = stated.fact if stated is not None and stated.value == traits.norm else by_type
        yield Operation(Aspect.NORM, traits.norm, fact)
    elif stated is not None:
        yield Operation(Aspect.NORM, stated.value, stated.fact)
    else:
        yield Unknown(Aspect.NORM, f"no key says ({_RMS_KEYS[0]}, {_LAYER_NORM_KEYS[0]})")
    before = reading.switch("do_layer_norm_before")
    if before is not None:
        yield Operation(Aspect.PLACEMENT, "pre_norm" if before.value else "post_norm", before.fact)
    elif traits.placement:
        yield Operation(Aspect.PLACEMENT, traits.placement, by_type)
    else:
        yield Unknown(Aspect.PLACEMENT, "the model_type decides, and is not known here")


def _norm_key(reading: Reading) -> Stated[str] | None:
    for name, keys in (("rms_norm", _RMS_KEYS), ("layer_norm", _LAYER_NORM_KEYS)):
        if (found := reading.any(*keys)) is not None:
            return Stated(name, found.fact)
    return None


def activation(reading: Reading) -> Findings:
    """The activation of the feed-forward layer, and whether a gate multiplies it."""
    traits = traits_of(reading.model_type)
    if traits.recurrent and traits.every_layer_recurrent:
        return
    name = _activation(reading, traits)
    if name is None:
        yield Unknown(Aspect.ACTIVATION, f"no key says ({', '.join(_ACTIVATION_KEYS[:3])})")
        return
    yield Operation(Aspect.ACTIVATION, name.value, name.fact)
    if traits.gated:
        gate = _GATED.get(name.value, "gated_mlp")
        yield Operation(Aspect.ACTIVATION, gate, f"model_type {reading.model_type}")
    elif traits.gated is None:
        yield Unknown(Aspect.ACTIVATION, "whether a gate multiplies it: the model_type decides, and is not known here")


def _activation(reading: Reading, traits: Traits) -> Stated[str] | None:
    # Gemma's own files say gelu and mean its approximation; `hidden_activation` is the later, exact key.
    stated = reading.word(*_ACTIVATION_KEYS[:1] if traits.activation else _ACTIVATION_KEYS)
    if stated is not None:
        plain = stated.value.lower()
        return Stated(_ACTIVATIONS.get(plain, f"activation_{_plain(plain)}"), stated.fact)
    if traits.activation:
        return Stated(_ACTIVATIONS[traits.activation], f"model_type {reading.model_type}")
    return None


def _plain(word: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in word)[:30]


def bias(reading: Reading) -> Findings:
    """Which products have something added."""
    traits, by_type = traits_of(reading.model_type), f"model_type {reading.model_type}"
    switches = dict(traits.bias_switches)
    fixed = {"qkv": traits.qkv_bias, "o": traits.o_bias, "mlp": traits.mlp_bias}
    open_parts = []
    for part, name in _PARTS.items():
        stated = reading.switch(switches[part]) if part in switches else None
        if stated is not None:
            if stated.value:
                yield Operation(Aspect.BIAS, name, stated.fact)
        elif fixed[part]:
            yield Operation(Aspect.BIAS, name, by_type)
        elif fixed[part] is None and not _off_by_default(reading, part, traits):
            open_parts.append(part)
    if open_parts and not traits.every_layer_recurrent:
        keys = sorted({switches[part] for part in open_parts if part in switches}) or ["attention_bias", "mlp_bias"]
        yield Unknown(Aspect.BIAS, f"of {', '.join(open_parts)}: no key says ({', '.join(keys)})")


def _off_by_default(reading: Reading, part: str, traits: Traits) -> bool:
    """Llama's switches are off where they are absent, whoever reads the file."""
    return reading.model_type == "llama" and part in dict(traits.bias_switches)


def residual(reading: Reading) -> Findings:
    """Whether attention and feed-forward layer read the same input."""
    traits = traits_of(reading.model_type)
    if traits.parallel:
        yield Operation(Aspect.RESIDUAL, "parallel_residual", f"model_type {reading.model_type}")
    elif traits.parallel is None:
        stated = reading.switch("use_parallel_residual", "parallel_attn")
        if stated is None and reading.model_type:
            yield Unknown(Aspect.RESIDUAL, "no key says (use_parallel_residual, parallel_attn)")
        elif stated is not None and stated.value:
            yield Operation(Aspect.RESIDUAL, "parallel_residual", stated.fact)


def experts(reading: Reading, facts: Facts) -> Findings:
    """A router and its experts."""
    many = reading.whole(*KEYS["experts"])
    nested = reading.block("ffn_config")
    if many is None:
        inner = nested.get("moe_num_experts")
        if isinstance(inner, int) and not isinstance(inner, bool) and inner > 1:
            yield Operation(Aspect.EXPERTS, "mixture_of_experts", f"ffn_config.moe_num_experts {inner}")
        return
    if many.value < 2:
        return
    chosen = reading.whole(*KEYS["experts_per_token"])
    per_token = f", {chosen.fact}" if chosen is not None else ""
    yield Operation(Aspect.EXPERTS, "mixture_of_experts", f"{many.fact}{per_token}")
    if facts.experts_per_token is None:
        yield Unknown(Aspect.EXPERTS, f"how many a token takes: no key says ({KEYS['experts_per_token'][0]})")
    shared = reading.whole(*_SHARED_KEYS)
    if shared is not None:
        yield Operation(Aspect.EXPERTS, "shared_experts", shared.fact)
