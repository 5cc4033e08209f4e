"""A model's configuration as GGUF has it, and back: one table of keys, and what each family does otherwise.

The keys and their units are those of llama.cpp's converter. What llama.cpp cannot do is refused, not left out: a file
without it would load and compute something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.conversion.configuration import (
    head_size,
    integer,
    key_value_heads,
    layer_count,
    optional_float,
    optional_integer,
    short_float,
)
from pytest_aprqa.conversion.families import Family
from pytest_aprqa.conversion.rope import rope_fields, rope_scaling_of
from pytest_aprqa.core import ArtefactError, Json


class _Key(NamedTuple):
    """One number: its name in config.json, and in GGUF below the architecture's prefix."""

    plain: str
    raw: str
    whole: bool = True
    families: tuple[str, ...] = ()
    """Model types that have it; all when empty."""


_GEMMA_2_3: Final = ("gemma2", "gemma3_text")
_GRANITE: Final = ("granite",)

_KEYS: Final = (
    _Key("num_hidden_layers", "block_count"),
    _Key("max_position_embeddings", "context_length"),
    _Key("hidden_size", "embedding_length"),
    _Key("intermediate_size", "feed_forward_length"),
    _Key("num_attention_heads", "attention.head_count"),
    _Key("num_key_value_heads", "attention.head_count_kv"),
    _Key("head_dim", "attention.key_length"),
    _Key("rope_theta", "rope.freq_base", whole=False),
    _Key("sliding_window", "attention.sliding_window", families=("phi3", *_GEMMA_2_3)),
    _Key("original_max_position_embeddings", "rope.scaling.original_context_length", families=("phi3",)),
    _Key("attn_logit_softcapping", "attn_logit_softcapping", whole=False, families=("gemma2",)),
    _Key("final_logit_softcapping", "final_logit_softcapping", whole=False, families=_GEMMA_2_3),
    _Key("rope_local_base_freq", "rope.freq_base_swa", whole=False, families=("gemma3_text",)),
    _Key("attention_multiplier", "attention.scale", whole=False, families=_GRANITE),
    _Key("embedding_multiplier", "embedding_scale", whole=False, families=_GRANITE),
    _Key("residual_multiplier", "residual_scale", whole=False, families=_GRANITE),
    _Key("logits_scaling", "logit_scale", whole=False, families=_GRANITE),
)

_REQUIRED: Final = frozenset(
    {"num_hidden_layers", "max_position_embeddings", "hidden_size", "intermediate_size", "num_attention_heads"}
)

_WHEN_ABSENT: Final[Mapping[str, float]] = {
    "attention_multiplier": 1.0,
    "embedding_multiplier": 1.0,
    "residual_multiplier": 1.0,
    "logits_scaling": 1.0,
    "rope_local_base_freq": 10000.0,
}
"""What config.json means when it does not say, where llama.cpp would take something else or nothing."""

_PARTIAL: Final[Mapping[str, float]] = {"stablelm": 0.25, "phi3": 1.0}
"""Families that may rotate only a part of each head, and the part when config.json does not say."""

_LARGEST_GEMMA: Final[Mapping[str, int]] = {"gemma2": 46, "gemma3_text": 62}
"""Layers of the one size that llama.cpp scales by hidden size per head instead of by head size."""

_SLIDING_PERIOD: Final[Mapping[str, int]] = {"gemma2": 2, "gemma3_text": 6}
"""Each so many layers, llama.cpp lets one see the whole context: the last of them."""


def gguf_fields(family: Family, config: Mapping[str, Json], *, path: Path) -> dict[str, Json]:
    """The metadata below the architecture's prefix, prefix included.

    Raises:
        ArtefactError: a number is missing or unusable, or llama.cpp computes something else for this family.
    """
    _require_expressible(family, config, path)
    fields: dict[str, Json] = {}
    for key in _KEYS:
        if not key.families or family.model_type in key.families:
            fields |= _said(key, family, config, path)
    epsilon = optional_float(config, family.epsilon, path=path)
    if epsilon is None:
        raise ArtefactError(f"{family.epsilon} is missing", path=path, expected="a number")
    fields[_epsilon_key(family)] = epsilon
    fields |= _special_fields(family, config, path)
    fields |= {f"rope.scaling.{name}": value for name, value in rope_fields(config, path=path).items()}
    return {f"{family.architecture}.{name}": value for name, value in fields.items()}


def _said(key: _Key, family: Family, config: Mapping[str, Json], path: Path) -> dict[str, Json]:
    if key.plain in _REQUIRED:
        return {key.raw: integer(config, key.plain, path=path)}
    if key.whole:
        whole = optional_integer(config, key.plain, path=path)
        return {} if whole is None else {key.raw: whole}
    default = family.rope_theta if key.plain == "rope_theta" else _WHEN_ABSENT.get(key.plain)
    value = optional_float(config, key.plain, path=path)
    chosen = default if value is None else value
    return {} if chosen is None else {key.raw: chosen}


def _epsilon_key(family: Family) -> str:
    return "attention.layer_norm_epsilon" if family.layer_norm else "attention.layer_norm_rms_epsilon"


def _special_fields(family: Family, config: Mapping[str, Json], path: Path) -> dict[str, Json]:
    """What is said only for some families, or is always said by llama.cpp's converter."""
    dim = head_size(config, path=path)
    fields: dict[str, Json] = {"attention.head_count_kv": key_value_heads(config, path=path)}
    if config.get("head_dim") is not None or family.norm_offset:
        fields |= {"attention.key_length": dim, "attention.value_length": dim}
    if family.permuted:
        fields |= {"vocab_size": integer(config, "vocab_size", path=path), "rope.dimension_count": dim}
    if family.model_type in _PARTIAL:
        fields["rope.dimension_count"] = int(_partial(family, config, path) * dim)
    if family.model_type == "phi3":
        # 0 tells llama.cpp's phi3 that there is no window; without the key it takes a default one.
        fields["attention.sliding_window"] = optional_integer(config, "sliding_window", path=path) or 0
    if family.model_type == "stablelm":
        fields["use_parallel_residual"] = bool(config.get("use_parallel_residual", False))
    return fields


def _partial(family: Family, config: Mapping[str, Json], path: Path) -> float:
    stated = optional_float(config, "partial_rotary_factor", path=path)
    part = _PARTIAL[family.model_type] if stated is None else stated
    if not 0 < part <= 1:
        raise ArtefactError("partial_rotary_factor is no part", path=path, expected="0 to 1", found=f"{part}")
    return part


def _require_expressible(family: Family, config: Mapping[str, Json], path: Path) -> None:
    """Refuses what llama.cpp would silently compute in another way."""
    for said, expected, found in _conflicts(family, config, path):
        if expected != found:
            raise ArtefactError(
                f"llama.cpp's {family.architecture} cannot do this {said}",
                path=path,
                expected=f"{expected}",
                found=f"{found}"[:80],
            )


def _conflicts(family: Family, config: Mapping[str, Json], path: Path) -> Iterator[tuple[str, Json, Json]]:
    """What must be equal: (key, what llama.cpp does, what config.json says)."""
    activation = config.get("hidden_activation") or config.get("hidden_act") or family.activation
    if not (family.norm_offset and activation == "gelu"):  # the first Gemma files said gelu and meant its tanh form
        yield "hidden_act", family.activation, activation
    if family.model_type not in _PARTIAL:
        part = optional_float(config, "partial_rotary_factor", path=path)
        yield "partial_rotary_factor", 1.0, 1.0 if part is None else part
    if config.get("use_qk_norm") or config.get("qk_layernorm"):
        yield "qk_layernorm", False, True
    scalar = optional_float(config, "query_pre_attn_scalar", path=path)
    if scalar is not None and family.model_type in _LARGEST_GEMMA:
        yield "query_pre_attn_scalar", _query_scalar(family, config, path), scalar
    if family.model_type in _SLIDING_PERIOD:
        yield from _window_conflicts(family, config, path)


def _query_scalar(family: Family, config: Mapping[str, Json], path: Path) -> float:
    if layer_count(config, path=path) == _LARGEST_GEMMA[family.model_type]:
        return integer(config, "hidden_size", path=path) // integer(config, "num_attention_heads", path=path)
    return head_size(config, path=path)


def _window_conflicts(family: Family, config: Mapping[str, Json], path: Path) -> Iterator[tuple[str, Json, Json]]:
    period = _SLIDING_PERIOD[family.model_type]
    if config.get("sliding_window_pattern") is not None:
        yield "sliding_window_pattern", period, config["sliding_window_pattern"]
    if config.get("layer_types") is not None:
        yield "layer_types", layer_types(family, layer_count(config, path=path)), config["layer_types"]


def layer_types(family: Family, layers: int) -> list[Json]:
    """Which layers of Gemma see a window and which the whole context, as llama.cpp has it."""
    period = _SLIDING_PERIOD[family.model_type]
    return ["full_attention" if (layer + 1) % period == 0 else "sliding_attention" for layer in range(layers)]


def config_of_gguf(
    family: Family,
    raw: Mapping[str, Json],
    rope: Mapping[str, NDArray[np.float32]],
    *,
    tied: bool,
    vocabulary: int | None,
    path: Path,
) -> dict[str, Json]:
    """What GGUF's metadata says, in the words of config.json.

    Args:
        family: of ``general.architecture``.
        raw: all metadata.
        rope: the tensors that belong to rope_scaling, by name.
        tied: whether the file has no head of its own.
        vocabulary: rows of the embedding, which is what counts where ``vocab_size`` is absent.
        path: the file, for errors.
    """
    prefix = f"{family.architecture}."
    fields = {key.removeprefix(prefix): value for key, value in raw.items() if key.startswith(prefix)}
    config: dict[str, Json] = {"architectures": [family.model_class], "model_type": family.model_type}
    for key in _KEYS:
        if key.raw in fields and (not key.families or family.model_type in key.families):
            config[key.plain] = _heard(key, fields[key.raw], path)
    if _epsilon_key(family) in fields:
        config[family.epsilon] = _heard(_Key("", _epsilon_key(family), whole=False), fields[_epsilon_key(family)], path)
    size = fields.get("vocab_size", vocabulary)
    config |= {} if size is None else {"vocab_size": size}
    config["tie_word_embeddings"] = tied
    config["hidden_act"] = family.activation
    if {"num_attention_heads", "hidden_size"} <= config.keys():
        config |= _derived(family, fields, config, path)
    scaling = {key.removeprefix("rope.scaling."): v for key, v in fields.items() if key.startswith("rope.scaling.")}
    config["rope_scaling"] = rope_scaling_of(scaling, rope, config, path=path)
    return config


def _heard(key: _Key, value: Json, path: Path) -> Json:
    """A number as people write it; arrays (one number for each layer) only where all are the same."""
    if isinstance(value, list) and value and all(item == value[0] for item in value):
        value = value[0]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (key.whole and not isinstance(value, int)):
        raise ArtefactError(
            f"the field {key.raw} is no {'whole ' if key.whole else ''}number", path=path, found=repr(value)[:80]
        )
    assert isinstance(value, int | float)
    return value if key.whole else short_float(value)


def _derived(family: Family, fields: Mapping[str, Json], config: Mapping[str, Json], path: Path) -> dict[str, Json]:
    """What follows from two numbers, or from the architecture."""
    derived: dict[str, Json] = {}
    part = _rotated_part(fields, config, path)
    # Most families turn whole heads, of which config.json says nothing: only what is unlike that is heard.
    if part is not None and (family.model_type in _PARTIAL or part != 1.0):
        derived["partial_rotary_factor"] = part
    if family.model_type == "phi3":
        derived["sliding_window"] = fields.get("attention.sliding_window") or None
    if family.model_type == "stablelm" and "use_parallel_residual" in fields:
        derived["use_parallel_residual"] = fields["use_parallel_residual"]
    if family.model_type in _LARGEST_GEMMA and "num_hidden_layers" in config:
        derived["query_pre_attn_scalar"] = _query_scalar(family, config, path)
        derived["layer_types"] = layer_types(family, layer_count(config, path=path))
    if family.norm_offset:
        derived["hidden_activation"] = family.activation
    return derived


def _rotated_part(fields: Mapping[str, Json], config: Mapping[str, Json], path: Path) -> float | None:
    """The part of each head that is rotated; None where the file does not say, or its heads have no width."""
    rotated = fields.get("rope.dimension_count")
    if not isinstance(rotated, int):
        return None
    head = head_size(config, path=path)
    return short_float(rotated / head) if head else None
