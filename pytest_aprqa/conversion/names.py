"""Names of tensors: Hugging Face's, and GGUF's by the `gguf` library's own table.

The way back is the inverse of the way there, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import gguf

from pytest_aprqa.conversion.families import Family

HEAD: Final = "lm_head.weight"
EMBEDDING: Final = "model.embed_tokens.weight"

ROPE_FREQUENCIES: Final = "rope_freqs.weight"
ROPE_LONG: Final = "rope_factors_long.weight"
ROPE_SHORT: Final = "rope_factors_short.weight"
ROPE_TENSORS: Final = frozenset({ROPE_FREQUENCIES, ROPE_LONG, ROPE_SHORT})
"""What GGUF stores as tensors and config.json as numbers of ``rope_scaling``."""

_MAX_LAYERS: Final = 1024
"""The deepest published model has 126 layers; more is not worth a table of names."""


class Names(NamedTuple):
    """All names that a model of so many layers may have, both ways."""

    known: frozenset[str]
    """Every Hugging Face name that is a tensor of the architecture."""
    to_gguf: dict[str, str]
    """Hugging Face to GGUF; without the head where llama.cpp always uses the embedding."""
    from_gguf: dict[str, str]


@lru_cache(maxsize=32)
def names_of(family: Family, layers: int) -> Names:
    """The names of a family's tensors.

    >>> from pytest_aprqa.conversion.families import FAMILIES
    >>> names_of(FAMILIES[0], 2).to_gguf["model.layers.1.self_attn.q_proj.weight"]
    'blk.1.attn_q.weight'
    """
    table = gguf.get_tensor_name_map(_architecture(family.architecture), min(layers, _MAX_LAYERS))
    known = frozenset(_names(family, layers))
    raw_names = {name: table.get_name(name, try_suffixes=(".weight", ".bias")) for name in sorted(known)}
    to_gguf = {name: str(raw) for name, raw in raw_names.items() if raw is not None}
    if family.always_tied:
        to_gguf.pop(HEAD, None)
    return Names(known, to_gguf, {raw: name for name, raw in to_gguf.items()})


def _names(family: Family, layers: int) -> Iterator[str]:
    yield EMBEDDING
    yield "model.norm.weight"
    if family.layer_norm:
        yield "model.norm.bias"
    yield HEAD
    for layer in range(min(layers, _MAX_LAYERS)):
        for part in family.parts:
            yield f"model.layers.{layer}.{part}.weight"
            yield f"model.layers.{layer}.{part}.bias"


def _architecture(name: str) -> gguf.MODEL_ARCH:
    return next(arch for arch, text in gguf.MODEL_ARCH_NAMES.items() if text == name)


def is_norm(name: str) -> bool:
    """True for the weight of a norm, by its Hugging Face name.

    >>> is_norm("model.layers.0.input_layernorm.weight"), is_norm("model.norm.weight"), is_norm("lm_head.weight")
    (True, True, False)
    """
    return name.endswith("norm.weight")


def rotary_heads(name: str) -> str | None:
    """The key of config.json that counts the heads of a tensor whose rows rotary embedding pairs.

    >>> rotary_heads("model.layers.0.self_attn.k_proj.weight"), rotary_heads("model.norm.weight")
    ('num_key_value_heads', None)
    """
    module = name.rpartition(".")[0]
    if module.endswith("self_attn.q_proj"):
        return "num_attention_heads"
    return "num_key_value_heads" if module.endswith("self_attn.k_proj") else None
