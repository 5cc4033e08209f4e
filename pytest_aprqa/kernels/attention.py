"""How a model attends: kind of heads, latent compression, windows, state instead of attention, norms of q and k."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.kernels.facts import KEYS, Facts, heads_by_default, one_kv_head
from pytest_aprqa.kernels.families import traits_of
from pytest_aprqa.kernels.operation import Aspect, Findings, Operation, Unknown
from pytest_aprqa.kernels.reading import Reading

_LAYER_TYPES: Final = ("layer_types", "layers_block_type", "block_types")
_STATEFUL: Final = {
    "linear_attention": "linear_attention",
    "mamba": "state_space",
    "mamba2": "state_space",
    "recurrent": "state_space",
    "conv": "short_convolution",
}
_PERIODS: Final = ("attn_layer_period", "full_attention_interval", "hybrid_override_pattern")
_QK_NORM_KEYS: Final = ("qk_layernorm", "use_qk_norm", "qk_norm", "qk_ln")


def attention(reading: Reading, facts: Facts) -> Findings:
    """The kind of attention, by how many heads share a key."""
    traits = traits_of(reading.model_type)
    if traits.every_layer_recurrent:
        yield Operation(Aspect.ATTENTION, traits.recurrent, f"model_type {reading.model_type}")
        return
    yield from _state(reading)
    latent = reading.whole("kv_lora_rank")
    if latent is not None:
        yield Operation(Aspect.ATTENTION, "multi_head_latent_attention", latent.fact)
        return
    heads = reading.whole(*KEYS["heads"])
    if heads is None or facts.kv_heads is None or facts.heads is None:
        yield Unknown(Aspect.ATTENTION, f"neither says: {KEYS['heads'][0]}, {KEYS['kv_heads'][0]}")
        return
    yield Operation(Aspect.ATTENTION, _kind(facts.heads, facts.kv_heads), f"{_kv_fact(reading)}, {heads.fact}")


def _kind(heads: int, kv_heads: int) -> str:
    """The name for so many heads on so many keys.

    >>> _kind(8, 8), _kind(8, 1), _kind(8, 2)
    ('multi_head_attention', 'multi_query_attention', 'grouped_query_attention')
    """
    if kv_heads >= heads:
        return "multi_head_attention"
    return "multi_query_attention" if kv_heads == 1 else "grouped_query_attention"


def _kv_fact(reading: Reading) -> str:
    if one_kv_head(reading):
        return "multi_query true"
    stated = reading.whole(*KEYS["kv_heads"])
    if stated is not None:
        return stated.fact
    assert heads_by_default(reading)
    return f"no {KEYS['kv_heads'][0]} (model_type {reading.model_type} then has one for each head)"


def _state(reading: Reading) -> Findings:
    """Layers that remember a state, beside those that attend."""
    kinds = dict.fromkeys(_STATEFUL[word] for word in reading.words(*_LAYER_TYPES) if word in _STATEFUL)
    for kind in kinds:
        yield Operation(Aspect.ATTENTION, kind, f"{_LAYER_TYPES[0]} names such layers")
    recurrent = traits_of(reading.model_type).recurrent
    if not kinds and (period := reading.any(*_PERIODS)) is not None:
        yield Operation(Aspect.ATTENTION, recurrent or "hybrid_layers", period.fact)
    elif recurrent and recurrent not in kinds:
        yield Operation(Aspect.ATTENTION, recurrent, f"model_type {reading.model_type}")


def window(reading: Reading) -> Findings:
    """Layers that see only the last tokens."""
    size = reading.whole(*KEYS["window"])
    if size is None or slides(reading) is None:
        return
    longest = reading.whole(*KEYS["positions"])
    if longest is not None and longest.value <= size.value:
        return  # no context is long enough for the window to matter
    yield Operation(Aspect.WINDOW, "sliding_window_attention", f"{size.fact}{_where(reading)}")


def slides(reading: Reading) -> int | None:
    """The window, where some layer has one."""
    size = reading.whole(*KEYS["window"])
    if size is None:
        return None
    kinds = reading.words("layer_types")
    if kinds:
        return size.value if "sliding_attention" in kinds else None
    switch = reading.switch("use_sliding_window")
    on = switch.value if switch is not None else not traits_of(reading.model_type).window_switch
    return size.value if on else None


def _where(reading: Reading) -> str:
    kinds = reading.words("layer_types")
    if kinds:
        return f", in {kinds.count('sliding_attention')} of {len(kinds)} layers"
    pattern = reading.whole("sliding_window_pattern", "_sliding_window_pattern")
    return "" if pattern is None else f", {pattern.fact}"


def qk_norm(reading: Reading) -> Findings:
    """Norms of queries and keys, head by head."""
    traits = traits_of(reading.model_type)
    stated = reading.switch(*_QK_NORM_KEYS)
    if stated is not None:
        if stated.value:
            yield Operation(Aspect.QK_NORM, "qk_norm", stated.fact)
    elif traits.qk_norm:
        yield Operation(Aspect.QK_NORM, "qk_norm", f"model_type {reading.model_type}")
    elif traits.qk_norm is None and reading.model_type not in ("stablelm", "cohere", "phi", "mpt"):
        yield Unknown(Aspect.QK_NORM, f"no key says ({', '.join(_QK_NORM_KEYS[:3])})")
