"""Logits on a coarse alphabet: the recorded top tokens, each alone, and one bucket for all others.

Merging tokens can only lose divergence (the data processing inequality), so the KL divergence measured here is a lower
bound of the one over the whole vocabulary: a difference found here is one, but a model that only redistributes what
the rest shares is not found out. Pure NumPy.

Reference: Cover and Thomas, Elements of Information Theory, section 2.5 (log sum inequality) and 2.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.golden.corpus import Recording

Floats = NDArray[np.float64]

_BLOCK: Final = 16
"""Positions that are computed at once: 32 MB of float64 for a vocabulary of 256,000."""

_LOG_FLOOR: Final = -700.0
"""Where exp reaches zero in float64; a bucket never weighs less."""


@dataclass(frozen=True, slots=True)
class Top:
    """The most likely tokens at some positions, and what the others share; see `Recording` for the shapes."""

    ids: NDArray[np.int32]
    values: NDArray[np.float16]
    largest: NDArray[np.float32]
    log_total: NDArray[np.float32]
    log_rest: NDArray[np.float32]
    variance: NDArray[np.float32]


def keep_top(logits: NDArray[Any], *, k: int) -> Top:
    """Reduces logits (positions, vocabulary) to the k largest of each position.

    Of equal logits the lower id comes first, so that the result does not depend on the sorting.
    """
    parts = [_keep_block(logits[start : start + _BLOCK], k) for start in range(0, len(logits), _BLOCK)]
    return Top(*(np.concatenate([getattr(part, name) for part in parts]) for name in Top.__slots__))


def _keep_block(logits: NDArray[Any], k: int) -> Top:
    exact = logits.astype(np.float64)
    order = np.argsort(-exact, axis=1, kind="stable")[:, :k]
    largest = np.take_along_axis(exact, order[:, :1], axis=1)
    shifted = exact - largest
    log_total = _log_sum(shifted)
    top = np.take_along_axis(shifted, order, axis=1)
    others = shifted.copy()
    np.put_along_axis(others, order, -np.inf, axis=1)
    return Top(
        order.astype(np.int32),
        top.astype(np.float16),
        largest[:, 0].astype(np.float32),
        log_total.astype(np.float32),
        np.maximum(_log_sum(others) - log_total, _LOG_FLOOR).astype(np.float32),
        exact.var(axis=1).astype(np.float32),
    )


def golden_log_probabilities(recording: Recording) -> Floats:
    """(positions, k + 1): log probabilities of the recorded top tokens and of the rest, normalized."""
    top = recording.top.astype(np.float64) - recording.log_total[:, None].astype(np.float64)
    return _normalized(np.concatenate([top, recording.log_rest[:, None].astype(np.float64)], axis=1))


def log_probabilities(logits: NDArray[Any], top_ids: NDArray[np.int32]) -> Floats:
    """(positions, k + 1): log probabilities that other logits (positions, vocabulary) give the same buckets."""
    blocks = []
    for start in range(0, len(logits), _BLOCK):
        exact = logits[start : start + _BLOCK].astype(np.float64)
        ids = top_ids[start : start + _BLOCK]
        shifted = exact - np.max(exact, axis=1, keepdims=True)
        top = np.take_along_axis(shifted, ids, axis=1)
        np.put_along_axis(shifted, ids, -np.inf, axis=1)
        blocks.append(_normalized(np.concatenate([top, _log_sum(shifted)[:, None]], axis=1)))
    return np.concatenate(blocks)


def coarse_nmse(golden: Floats, other: Floats, variance: Floats) -> Floats:
    """(positions,): mean squared error of the top logits, each side's mean taken away, over the logits' variance.

    The variance is that of the whole vocabulary, so that the number can be held against one measured on all logits.
    """
    error = (other - other.mean(axis=1, keepdims=True)) - (golden - golden.mean(axis=1, keepdims=True))
    squares: Floats = (error**2).mean(axis=1)
    return squares / np.maximum(variance, np.finfo(np.float32).tiny)


def coarse_kl(golden: Floats, other: Floats) -> Floats:
    """(positions,): KL divergence of `other` from `golden` in nats, 0 or more; a lower bound of the full one."""
    terms = np.exp(golden) * (golden - other)
    divergence: Floats = np.maximum(terms.sum(axis=1), 0.0)
    return divergence


def _normalized(logs: Floats) -> Floats:
    return np.maximum(logs - _log_sum(logs)[:, None], _LOG_FLOOR)


def _log_sum(values: Floats) -> Floats:
    """(positions,): log of the sum of exponentials; minus infinity where every value is."""
    peak = np.max(values, axis=1)
    safe = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        summed: Floats = safe + np.log(np.sum(np.exp(values - safe[:, None]), axis=1))
    return summed
