"""A model's configuration in the words of config.json, whatever file said it.

Two generations of config.json say rotary embedding differently (``rope_theta`` and ``rope_scaling``, or one
``rope_parameters``); here it is always the first. What a file does not say is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from pytest_aprqa.core import ArtefactError, Json

_NOT_SCALING: Final = ("rope_theta", "partial_rotary_factor")

MAX_LAYERS: Final = 1024
"""The deepest published model has 126."""


def plain_configuration(raw: Mapping[str, Json]) -> dict[str, Json]:
    """The content of config.json with rotary embedding said in one way.

    >>> plain_configuration({"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}})
    {'rope_theta': 10000.0, 'rope_scaling': None}
    """
    plain = {key: value for key, value in raw.items() if key not in ("rope_parameters", "rope_scaling")}
    rotary = raw.get("rope_parameters") or raw.get("rope_scaling")
    if not isinstance(rotary, dict):
        if "rope_scaling" in raw or "rope_parameters" in raw:
            plain["rope_scaling"] = None
        return plain
    whole = rotary.get("full_attention")
    sliding = rotary.get("sliding_attention")
    if isinstance(sliding, dict) and "rope_theta" in sliding:
        plain.setdefault("rope_local_base_freq", sliding["rope_theta"])
    parameters = whole if isinstance(whole, dict) else rotary
    for key in _NOT_SCALING:
        if parameters.get(key) is not None:
            plain.setdefault(key, parameters[key])
    plain["rope_scaling"] = _scaling(parameters)
    return plain


def _scaling(parameters: Mapping[str, Json]) -> Json:
    kind = parameters.get("rope_type", parameters.get("type"))
    if kind in (None, "default"):
        return None
    rest = {
        key: value
        for key, value in parameters.items()
        if key not in (*_NOT_SCALING, "type", "rope_type", "full_attention", "sliding_attention")
    }
    return {"rope_type": kind, **rest}


def integer(config: Mapping[str, Json], key: str, *, path: Path) -> int:
    """A natural number that must be there."""
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31:
        raise ArtefactError(
            f"{key} is missing or unusable", path=path, expected="a number above 0", found=_short(value)
        )
    return value


def optional_integer(config: Mapping[str, Json], key: str, *, path: Path) -> int | None:
    """A natural number, or None where it is absent or null."""
    return None if config.get(key) is None else integer(config, key, path=path)


def optional_float(config: Mapping[str, Json], key: str, *, path: Path) -> float | None:
    """A number, or None where it is absent or null."""
    value = config.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ArtefactError(f"{key} is no number", path=path, found=_short(value))
    return float(value)


def layer_count(config: Mapping[str, Json], *, path: Path) -> int:
    """``num_hidden_layers``, of a depth that exists."""
    layers = integer(config, "num_hidden_layers", path=path)
    if layers > MAX_LAYERS:
        raise ArtefactError(
            "num_hidden_layers is too large", path=path, expected=f"at most {MAX_LAYERS}", found=f"{layers}"
        )
    return layers


def head_size(config: Mapping[str, Json], *, path: Path) -> int:
    """``head_dim``, or what it is by default."""
    stated = optional_integer(config, "head_dim", path=path)
    heads = integer(config, "num_attention_heads", path=path)
    return stated or integer(config, "hidden_size", path=path) // heads


def key_value_heads(config: Mapping[str, Json], *, path: Path) -> int:
    """``num_key_value_heads``, or what it is by default."""
    heads = optional_integer(config, "num_key_value_heads", path=path)
    return heads or integer(config, "num_attention_heads", path=path)


def head_count(config: Mapping[str, Json], key: str, *, path: Path) -> int:
    """How many heads, of queries or of keys and values, by the key of config.json."""
    return key_value_heads(config, path=path) if key == "num_key_value_heads" else integer(config, key, path=path)


def short_float(value: float) -> float:
    """The shortest decimal that is the same float32; GGUF stores float32, and people write decimals.

    >>> short_float(9.999999747378752e-06)
    1e-05
    """
    return float(str(np.float32(value)))


def _short(value: Json) -> str:
    return "nothing" if value is None else repr(value)[:80]
