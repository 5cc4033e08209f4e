"""Scaled rotary embedding: numbers in config.json, keys and up to two tensors in GGUF.

Llama 3's four numbers become one factor for each rotated pair, and have to be found again from the factors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.conversion.configuration import head_size, integer, optional_float, short_float
from pytest_aprqa.conversion.names import ROPE_FREQUENCIES, ROPE_LONG, ROPE_SHORT
from pytest_aprqa.core import ArtefactError, Json

Fields = dict[str, Json]

_YARN: Final = {
    "extrapolation_factor": "yarn_ext_factor",
    "attention_factor": "yarn_attn_factor",
    "beta_fast": "yarn_beta_fast",
    "beta_slow": "yarn_beta_slow",
}
"""config.json to GGUF, of the numbers that only yarn has."""

_LLAMA3: Final = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
"""What every published Llama 3 model has."""

_DEFAULT_THETA: Final = 10000.0


def rope_fields(config: Mapping[str, Json], *, path: Path) -> Fields:
    """The keys below ``<architecture>.rope.scaling.`` of a configuration.

    Raises:
        ArtefactError: a kind of scaling that llama.cpp does not know.
    """
    scaling = config.get("rope_scaling")
    if not isinstance(scaling, dict):
        return {}
    kind = scaling.get("rope_type")
    if kind == "llama3":
        return {}
    if kind in ("su", "longrope"):
        return {"type": "longrope", **_longrope_fields(config, scaling, path)}
    if kind not in ("linear", "yarn"):
        raise ArtefactError(
            "this rope_scaling cannot be said in GGUF",
            path=path,
            expected="linear, yarn, llama3 or longrope",
            found=repr(kind)[:80],
        )
    fields: Fields = {"type": kind, "factor": _number(scaling, "factor", path)}
    if kind == "yarn":
        fields["original_context_length"] = integer(scaling, "original_max_position_embeddings", path=path)
        for key, raw in _YARN.items():
            value = optional_float(scaling, key, path=path)
            fields |= {} if value is None else {raw: value}
    return fields


def _longrope_fields(config: Mapping[str, Json], scaling: Mapping[str, Json], path: Path) -> Fields:
    original = integer({**config, **scaling}, "original_max_position_embeddings", path=path)
    scale = integer(config, "max_position_embeddings", path=path) / original
    factor = math.sqrt(1 + math.log(scale) / math.log(original)) if scale > 1 else 1.0
    return {"attn_factor": factor, "original_context_length": original}


def rope_tensors(config: Mapping[str, Json], *, path: Path) -> dict[str, NDArray[np.float32]]:
    """What GGUF stores as tensors, by name: float32 (rotated values / 2,)."""
    scaling = config.get("rope_scaling")
    if not isinstance(scaling, dict):
        return {}
    if scaling.get("rope_type") == "llama3":
        theta = optional_float(config, "rope_theta", path=path) or _DEFAULT_THETA
        return {ROPE_FREQUENCIES: _llama3_factors(scaling, theta, head_size(config, path=path), path)}
    names = {ROPE_LONG: "long_factor", ROPE_SHORT: "short_factor"}
    return {raw: _factors(scaling, key, path) for raw, key in names.items() if scaling.get(key) is not None}


def _factors(scaling: Mapping[str, Json], key: str, path: Path) -> NDArray[np.float32]:
    values = scaling[key]
    numbers = [v for v in values if isinstance(v, int | float)] if isinstance(values, list) else []
    if not isinstance(values, list) or not values or len(numbers) != len(values):
        raise ArtefactError(f"rope_scaling.{key} is no list of numbers", path=path, found=repr(values)[:80])
    return np.array(numbers, np.float32)


def _llama3_factors(scaling: Mapping[str, Json], theta: float, dim: int, path: Path) -> NDArray[np.float32]:
    """What each frequency is divided by: 1 for short waves, `factor` for long ones, smooth between."""
    factor = _number(scaling, "factor", path)
    low, high = _number(scaling, "low_freq_factor", path), _number(scaling, "high_freq_factor", path)
    original = integer(scaling, "original_max_position_embeddings", path=path)
    # float32, as the reference computes the frequencies: the factors are compared with those of other converters.
    frequencies = np.float32(1) / np.float32(theta) ** (np.arange(0, dim, 2, dtype=np.float32) / np.float32(dim))
    return np.array(list(_smoothed(frequencies, factor, (low, high), original)), np.float32)


def _smoothed(
    frequencies: NDArray[np.float32], factor: float, bounds: tuple[float, float], original: int
) -> Iterator[float]:
    low, high = bounds
    for frequency in frequencies:
        wavelength = 2 * math.pi / float(frequency)
        if wavelength < original / high:
            yield 1.0
        elif wavelength > original / low:
            yield factor
        else:
            smooth = (original / wavelength - low) / (high - low)
            yield 1 / ((1 - smooth) / factor + smooth)


def rope_scaling_of(
    fields: Mapping[str, Json], tensors: Mapping[str, NDArray[np.float32]], config: Mapping[str, Json], *, path: Path
) -> Json:
    """``rope_scaling`` of config.json from what GGUF says; None where there is none.

    Args:
        fields: the keys below ``<architecture>.rope.scaling.``, without that prefix.
        tensors: of `ROPE_TENSORS`, those that the file has.
        config: what is known of the configuration already.
        path: the file, for errors.

    Raises:
        ArtefactError: factors that no known scaling explains.
    """
    if ROPE_FREQUENCIES in tensors:
        return _llama3_scaling(tensors[ROPE_FREQUENCIES], config, path)
    kind = fields.get("type")
    if ROPE_LONG in tensors or kind == "longrope":
        return _longrope_scaling(fields, tensors)
    if kind not in ("linear", "yarn"):
        return None
    scaling: Fields = {"rope_type": kind, "factor": fields.get("factor")}
    if kind == "yarn":
        scaling["original_max_position_embeddings"] = fields.get("original_context_length")
        scaling |= {key: fields[raw] for key, raw in _YARN.items() if raw in fields}
    return {key: value for key, value in scaling.items() if value is not None}


def _longrope_scaling(fields: Mapping[str, Json], tensors: Mapping[str, NDArray[np.float32]]) -> Json:
    scaling: Fields = {"rope_type": "longrope"}
    for raw, key in ((ROPE_LONG, "long_factor"), (ROPE_SHORT, "short_factor")):
        if raw in tensors:
            scaling[key] = [short_float(float(value)) for value in tensors[raw].reshape(-1)]
    if "original_context_length" in fields:
        scaling["original_max_position_embeddings"] = fields["original_context_length"]
    return scaling


def _llama3_scaling(factors: NDArray[np.float32], config: Mapping[str, Json], path: Path) -> Json:
    """The scaling whose factors these are, if it is one that Llama 3 models have."""
    guess: Fields = {"rope_type": "llama3", "factor": short_float(float(factors.max(initial=1.0))), **_LLAMA3}
    theta = optional_float(config, "rope_theta", path=path) or _DEFAULT_THETA
    expected = _llama3_factors(guess, theta, head_size(config, path=path), path)
    if expected.shape != factors.reshape(-1).shape or not np.allclose(expected, factors.reshape(-1), rtol=1e-4):
        raise ArtefactError(
            "rope_freqs.weight holds factors that no known rope_scaling explains",
            path=path,
            expected=f"those of llama3 with factor {guess['factor']}, 1, 4, 8192",
            found=", ".join(f"{value:g}" for value in factors.reshape(-1)[:6]) + " ...",
        )
    return guess


def _number(scaling: Mapping[str, Json], key: str, path: Path) -> float:
    value = optional_float(scaling, key, path=path)
    if value is None or value <= 0:
        raise ArtefactError(
            f"rope_scaling.{key} is missing or unusable", path=path, expected="a number above 0", found=f"{value}"
        )
    return value
