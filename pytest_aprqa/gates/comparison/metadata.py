"""What the artefact's metadata says of the model, against the ground truth's config.json: one judge for each subject.

Both are read in config.json's words. Where a file is silent the value counts that every engine then takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from pytest_aprqa.core import Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.sizes import sizes_of

_ROPE_BASE: Final = 10_000.0
"""What `transformers` and llama.cpp take where nothing is said."""
_FLOAT32_STEP: Final = 1e-6
"""GGUF keeps these numbers as float32: a relative difference up to here is rounding."""
_EPSILONS: Final = ("rms_norm_eps", "layer_norm_eps", "norm_epsilon", "layer_norm_epsilon", "norm_eps")
_ORIGINAL_CONTEXT: Final = "original_max_position_embeddings"

Config = Mapping[str, Json]


class Fact(NamedTuple):
    """One number or word that both should state alike."""

    name: str
    read: Callable[[Config], Json]
    """None where the configuration is silent and there is no common default."""


def rope_base(config: Config) -> Json:
    """The base of the rotary embedding."""
    return _rope(config).get("rope_theta", _ROPE_BASE)


def rope_type(config: Config) -> Json:
    """How the rotary embedding is scaled: ``default``, ``linear``, ``yarn``, ``llama3`` ..."""
    rope = _rope(config)
    word = rope.get("rope_type") or rope.get("type") or "default"
    return "longrope" if word == "su" else word


def _rope(config: Config) -> dict[str, Json]:
    """The rotary embedding's settings, from their three places: older files scatter what newer ones collect."""
    found: dict[str, Json] = {}
    for key in ("rope_theta", "partial_rotary_factor"):
        if config.get(key) is not None:
            found[key] = config[key]
    for key in ("rope_scaling", "rope_parameters"):
        nested = config.get(key)
        if isinstance(nested, dict):
            found |= {name: value for name, value in nested.items() if value is not None}
    return found


def _scaling_number(key: str) -> Callable[[Config], Json]:
    def read(config: Config) -> Json:
        return _rope(config).get(key) if rope_type(config) != "default" else None

    return read


def _epsilon(config: Config) -> Json:
    return next((config[key] for key in _EPSILONS if config.get(key) is not None), None)


SIZES: Final = (
    Fact("num_hidden_layers", lambda config: sizes_of(config).layers),
    Fact("hidden_size", lambda config: sizes_of(config).hidden),
    Fact("intermediate_size", lambda config: sizes_of(config).inner),
    Fact("vocab_size", lambda config: sizes_of(config).vocab),
)
HEADS: Final = (
    Fact("num_attention_heads", lambda config: sizes_of(config).heads),
    Fact("num_key_value_heads", lambda config: sizes_of(config).kv_heads),
    Fact("head_dim", lambda config: sizes_of(config).head),
)
ROPE: Final = (
    Fact("rope_theta", rope_base),
    Fact("rope_type", rope_type),
    *(Fact(f"rope_scaling.{key}", _scaling_number(key)) for key in ("factor", _ORIGINAL_CONTEXT)),
    Fact("partial_rotary_factor", lambda config: _rope(config).get("partial_rotary_factor", 1.0)),
)
NORM: Final = (Fact("rms_norm_eps", _epsilon),)
"""Under its commonest name; a few families call it otherwise."""
CONTEXT: Final = (Fact("max_position_embeddings", lambda config: config.get("max_position_embeddings")),)

_ALL: Final = (*SIZES, *HEADS, *ROPE, *NORM, *CONTEXT)


def judge_facts(facts: tuple[Fact, ...]) -> Callable[[Pair], Verdict]:
    """F-META-SIZE-001 and its like: all facts of one subject."""
    return lambda pair: _judge(pair, facts)


def differences(pair: Pair) -> dict[str, tuple[Json, Json]]:
    """Every fact on which the two do not agree: (the ground truth's, the artefact's), by config.json's word."""
    found = {fact.name: (fact.read(pair.reference.config), fact.read(pair.artefact.config)) for fact in _ALL}
    found["tie_word_embeddings"] = (pair.tied, pair.artefact.tied)
    return {name: both for name, both in found.items() if both[0] is not None and not same(*both)}


def _judge(pair: Pair, facts: tuple[Fact, ...]) -> Verdict:
    ours, theirs = pair.reference.config, pair.artefact.config
    problems, silent, compared = [], [], 0
    details: dict[str, Json] = {}
    for fact in facts:
        wanted, found = fact.read(ours), fact.read(theirs)
        if wanted is None:
            silent.append(fact.name)
            continue
        compared += 1
        details[fact.name] = [wanted, found]
        if found is None:
            problems.append(f"{fact.name} is {_shown(wanted)} in config.json, the file says nothing")
        elif not same(wanted, found):
            problems.append(f"{fact.name} is {_shown(wanted)} in config.json, the file says {_shown(found)}")
    if problems:
        return falsified("; ".join(problems), compared=compared, values=details)
    if not compared:
        return inconclusive(f"config.json says nothing of {', '.join(silent)}")
    return corroborated(
        ", ".join(f"{fact.name} {_shown(fact.read(theirs))}" for fact in facts if fact.name in details),
        compared=compared,
        values=details,
    )


def same(one: Json, other: Json) -> bool:
    """Equal, as far as float32 can tell.

    >>> same(1e-05, 9.999999747378752e-06), same(10000, 10000.0), same("yarn", "linear")
    (True, True, False)
    """
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=_FLOAT32_STEP)
    return one == other


def _shown(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)[:60]
