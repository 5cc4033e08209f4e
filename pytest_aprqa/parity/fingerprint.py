"""The statistics of one tensor, and how far those of another one have moved, in units that need no scale.

Pure NumPy. Roles come from Hugging Face names; limits are in `limits`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 1 << 16
"""Values held in float64 at a time: they stay in a core's cache."""
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
    seen = _Seen()
    for start in range(0, flat.size, PIECE):
        seen.add(flat[start : start + PIECE].astype(np.float32, copy=False))
    percentiles = _percentiles(flat)
    return Fingerprint(
        values=seen.count,
        mean=seen.mean,
        std=math.sqrt(seen.spread / seen.count) if seen.count else 0.0,
        min=seen.low if seen.count else 0.0,
        max=seen.high if seen.count else 0.0,
        l2=math.sqrt(seen.squares),
        p5=percentiles[0],
        p25=percentiles[1],
        p50=percentiles[2],
        p75=percentiles[3],
        p95=percentiles[4],
        zero_fraction=seen.zeros / seen.count if seen.count else 0.0,
        nan_count=seen.nans,
        inf_count=seen.infs,
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


class _Seen:
    """Sums over the finite values of the pieces seen so far, in float64.

    The spread around the mean is joined piece by piece (Chan, Golub and LeVeque 1983): subtracting squares would lose a
    small spread around a large mean, and a second pass would cost as much as the first.
    """

    def __init__(self) -> None:
        self.count = self.zeros = self.nans = self.infs = 0
        self.mean = self.spread = self.squares = 0.0
        self.low, self.high = math.inf, -math.inf

    def add(self, piece: NDArray[np.float32]) -> None:
        """Takes one piece."""
        wide = piece.astype(np.float64)
        squares = float(wide @ wide)
        if not math.isfinite(squares):  # float32 squared and summed is finite in float64
            nans = int(np.count_nonzero(np.isnan(piece)))
            piece = piece[np.isfinite(piece)]
            self.nans, self.infs = self.nans + nans, self.infs + wide.size - piece.size - nans
            wide = piece.astype(np.float64)
            squares = float(wide @ wide)
        if not piece.size:
            return
        self.zeros += piece.size - int(np.count_nonzero(piece))
        self.squares += squares
        self.low, self.high = min(self.low, float(piece.min())), max(self.high, float(piece.max()))
        mean = float(wide.mean())
        wide -= mean
        self._join(piece.size, mean, float(wide @ wide))

    def _join(self, count: int, mean: float, spread: float) -> None:
        whole, apart = self.count + count, mean - self.mean
        self.spread += spread + apart * apart * self.count * count / whole
        self.mean += apart * count / whole
        self.count = whole


def _percentiles(flat: NDArray[Any]) -> tuple[float, ...]:
    """With linear interpolation, of a sorted sample: sorting float32 costs less than selecting ten places of it."""
    step = -(-flat.size // SAMPLE) or 1
    sample = np.sort(flat[::step].astype(np.float32, copy=False))
    # -inf is sorted first, +inf and then NaN last
    endless = np.float32(np.inf)
    sample = sample[np.searchsorted(sample, -endless, side="right") : np.searchsorted(sample, endless)]
    if not sample.size:
        return (0.0,) * len(PERCENTILES)
    places = np.array(PERCENTILES) / 100 * (sample.size - 1)
    below = places.astype(np.int64)
    low, high = sample[below].astype(np.float64), sample[np.minimum(below + 1, sample.size - 1)].astype(np.float64)
    return tuple((low + (high - low) * (places - below)).tolist())
