"""The statistics of one tensor, and how far those of another one have moved, in units that need no scale.

Pure NumPy. Roles come from Hugging Face names; limits are in `limits`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 1 << 20
"""Values held in float64 at a time."""
SAMPLE = 1 << 22
"""Above this many values the percentiles come from every n-th value; everything else is exact."""
PERCENTILES = (5, 25, 50, 75, 95)


class Role(StrEnum):
    """What a tensor does in the model; tolerances of its statistics go by it."""

    NORM = "norm"
    EMBEDDING = "embedding"
    ATTENTION = "attention"
    FFN = "ffn"
    LM_HEAD = "lm_head"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Statistics over the finite values of one tensor."""

    values: int
    mean: float
    std: float
    min: float
    max: float
    l2: float
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    zero_fraction: float
    nan_count: int
    inf_count: int
    checksum: str
    """SHA-256 of the values as little-endian float32, in row-major order."""


class Stat(StrEnum):
    """The statistics whose deviations are judged, in two groups: moments move little, ranges move by a whole step."""

    MEAN = "mean"
    STD = "std"
    L2 = "l2"
    MIN = "min"
    MAX = "max"
    P5 = "p5"
    P25 = "p25"
    P50 = "p50"
    P75 = "p75"
    P95 = "p95"


MOMENTS = frozenset({Stat.MEAN, Stat.STD, Stat.L2})
"""Judged by the limits of STAT_DEVIATION."""
RANGES = frozenset(Stat) - MOMENTS
"""Judged by the limits of STAT_RANGE."""

# first match wins; Hugging Face names of the decoder families we know
_ROLE_WORDS: tuple[tuple[str, Role], ...] = (
    ("lm_head", Role.LM_HEAD),
    ("embed_out", Role.LM_HEAD),
    ("norm", Role.NORM),
    ("ln_", Role.NORM),
    ("embed", Role.EMBEDDING),
    ("wte", Role.EMBEDDING),
    ("wpe", Role.EMBEDDING),
    ("attn", Role.ATTENTION),
    ("attention", Role.ATTENTION),
    ("mlp", Role.FFN),
    ("feed_forward", Role.FFN),
    ("ffn", Role.FFN),
)


def role_of(name: str) -> Role:
    """The role that a Hugging Face tensor name tells.

    >>> role_of("model.layers.0.self_attn.q_proj.weight"), role_of("model.layers.0.post_attention_layernorm.weight")
    (<Role.ATTENTION: 'attention'>, <Role.NORM: 'norm'>)
    """
    return next((role for word, role in _ROLE_WORDS if word in name), Role.OTHER)


def fingerprint(values: NDArray[Any]) -> Fingerprint:
    """Takes the statistics of a tensor; those of no finite value are all zero, and `values` says so."""
    flat = values.reshape(-1)
    digest = hashlib.sha256()
    count = nans = infs = zeros = 0
    total = squares = 0.0
    low, high = math.inf, -math.inf
    for start in range(0, flat.size, PIECE):
        piece = np.ascontiguousarray(flat[start : start + PIECE], dtype="<f4")
        digest.update(piece.tobytes())
        finite = piece[np.isfinite(piece)].astype(np.float64)
        nan = int(np.count_nonzero(np.isnan(piece)))
        nans, infs = nans + nan, infs + piece.size - finite.size - nan
        if not finite.size:
            continue
        count += finite.size
        zeros += int(np.count_nonzero(finite == 0))
        total += float(finite.sum())
        squares += float(finite @ finite)
        low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    mean = total / count if count else 0.0
    percentiles = _percentiles(flat)
    return Fingerprint(
        values=count,
        mean=mean,
        std=_std(flat, mean, count),
        min=low if count else 0.0,
        max=high if count else 0.0,
        l2=math.sqrt(squares),
        p5=percentiles[0],
        p25=percentiles[1],
        p50=percentiles[2],
        p75=percentiles[3],
        p95=percentiles[4],
        zero_fraction=zeros / count if count else 0.0,
        nan_count=nans,
        inf_count=infs,
        checksum=digest.hexdigest(),
    )


def deviations(reference: Fingerprint, other: Fingerprint) -> Mapping[Stat, float]:
    """How far every statistic moved: mean, percentiles by the reference's std, l2 by its l2, min and max by its range.

    Infinite where the count of NaN or infinities differs, or where one side has no finite value.
    """
    if (reference.nan_count, reference.inf_count) != (other.nan_count, other.inf_count) or not (
        reference.values and other.values
    ):
        return dict.fromkeys(Stat, math.inf)
    largest = max(abs(reference.min), abs(reference.max))
    # a constant tensor (norm weights of one) has no spread of its own to measure by
    spread = reference.std if reference.std > 1e-6 * largest else largest
    scales = {Stat.L2: reference.l2, Stat.MIN: largest, Stat.MAX: largest}
    return {
        stat: _relative(getattr(other, stat.value) - getattr(reference, stat.value), scales.get(stat, spread))
        for stat in Stat
    }


def _relative(change: float, scale: float) -> float:
    if change == 0:
        return 0.0
    return abs(change) / scale if scale > 0 else math.inf


def _std(flat: NDArray[Any], mean: float, count: int) -> float:
    """Second pass around the mean: subtracting squares would lose a small spread around a large mean."""
    spread = 0.0
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE].astype(np.float64)
        centered = piece[np.isfinite(piece)] - mean
        spread += float(centered @ centered)
    return math.sqrt(spread / count) if count else 0.0


def _percentiles(flat: NDArray[Any]) -> tuple[float, ...]:
    step = -(-flat.size // SAMPLE) or 1
    sample = flat[::step].astype(np.float32)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return (0.0,) * len(PERCENTILES)
    return tuple(float(value) for value in np.percentile(sample, PERCENTILES))
