"""How far the next-token distributions of two models lie apart over the same token ids.

Pure NumPy: log-softmax and all sums in float64, a few rows at a time, so that only the numbers per position are kept.
Knows no engine and no limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import AprqaError
from pytest_aprqa.parity.estimate import NOTHING, Estimate, mean_estimate, quantile_estimate, share_estimate

Logits = NDArray[Any]
Pair: TypeAlias = "tuple[Logits, Logits, NDArray[Any]]"
Float64s = NDArray[np.float64]

ROWS = 64
"""Positions held in float64 at a time: 64 × 150k values × 8 bytes is 80 MB."""
TOP_K = 10
NEAR_TIE = 0.1
"""Nats between the reference's two likeliest tokens below which either may win: rounding alone decides there."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """What separates the other model's predictions from the reference's; NaN estimates where nothing was compared."""

    positions: int
    """Positions compared. Zero means that nothing can be said."""
    not_finite: int
    """Positions left out because the other's logits (or the divergence itself) are NaN or infinite."""
    reference_not_finite: int
    """Positions left out because the reference's own logits are."""
    vocab: int
    """Logits compared at each position."""
    trimmed: int
    """Logits that only the larger of the two vocabularies has (padding), left out."""
    kl_mean: Estimate
    """Mean of KL(reference‖other) in nats."""
    kl_p99: Estimate
    """Its 99th percentile."""
    kl_max: float
    """Its largest value."""
    kl_worst: int
    """The position of `kl_max`, counted over all pairs, those left out included."""
    top1: Estimate
    """Share of positions with the same likeliest token; disagreements at near ties are in neither part."""
    top1_strict: Estimate
    """The same with near ties counted as disagreements."""
    near_ties: int
    """Disagreements where the reference's two likeliest tokens are closer than `NEAR_TIE`."""
    topk: Estimate
    """Mean share of the reference's ten likeliest tokens that are among the other's ten."""
    nmse: Estimate
    """Mean over positions of the normalized error of the logits, each position's mean taken away first."""
    nmse_p99: Estimate
    """Its 99th percentile over positions."""
    nmse_max: float
    """Its largest value over positions."""
    disagreement_margin: float
    """Most nats that the reference held between its likeliest token and the other's, where they differ; else 0."""
    max_delta_logp: float
    """Largest |Δ log p| over the reference's ten likeliest tokens of every position."""
    ppl_ratio: Estimate
    """Perplexity of the other over that of the reference, on the same next tokens; NaN where none were given."""
    ppl_reference: float
    """Perplexity of the reference itself on them."""
    next_tokens: int
    """Next tokens behind `ppl_ratio`."""


def compare_logits(pairs: Iterable[Pair], *, near_tie: float = NEAR_TIE) -> Divergence:
    """Compares logits of the same rows of token ids, row by row as they come.

    Args:
        pairs: (reference logits (n, v), other logits (n, v'), next ids (n - 1) or (n) or empty). The next id of
            position i is the token that follows it in the text.
        near_tie: nats below which the reference's first choice counts as undecided.
    """
    seen = _Seen(near_tie)
    for reference, other, next_ids in pairs:
        _check(reference, other, next_ids)
        for start in range(0, len(reference), ROWS):
            stop = start + ROWS
            seen.add(reference[start:stop], other[start:stop], next_ids[start:stop])
    return seen.result()


def log_softmax(logits: Logits) -> Float64s:
    """Log-probabilities in float64, along the last axis."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return wide


def _check(reference: Logits, other: Logits, next_ids: NDArray[Any]) -> None:
    if reference.ndim != 2 or other.ndim != 2 or len(reference) != len(other):
        raise AprqaError(
            f"logits of the same token ids must have as many rows on both sides; expected {reference.shape}; "
            f"found {other.shape}"
        )
    if len(next_ids) > len(reference):
        raise AprqaError(f"there are {len(next_ids)} next tokens for {len(reference)} positions of logits")


class _Seen:
    """The numbers of every position so far."""

    def __init__(self, near_tie: float) -> None:
        self.near_tie = near_tie
        self.kl: list[Float64s] = []
        self.nmse: list[Float64s] = []
        self.overlap: list[Float64s] = []
        self.next_reference: list[Float64s] = []
        self.next_other: list[Float64s] = []
        self.agreed = self.ties = self.rows = self.bad = self.reference_bad = self.vocab = self.trimmed = 0
        self.kl_max, self.kl_worst, self.max_delta, self.margin = -math.inf, 0, 0.0, 0.0

    def add(self, reference: Logits, other: Logits, next_ids: NDArray[Any]) -> None:
        """Takes a few rows."""
        vocab = min(reference.shape[1], other.shape[1])
        self.vocab = vocab
        self.trimmed = max(self.trimmed, max(reference.shape[1], other.shape[1]) - vocab)
        rows = np.arange(self.rows, self.rows + len(reference))
        self.rows += len(reference)
        if not vocab:
            return
        r, o = reference[:, :vocab], other[:, :vocab]
        reference_good, good = _usable(r), _usable(o)
        self.reference_bad += int(np.count_nonzero(~reference_good))
        kept = np.flatnonzero(reference_good & good)
        log_r, log_o = log_softmax(r[kept]), log_softmax(o[kept])
        divergence = _kl(log_r, log_o)
        finite = np.isfinite(divergence)
        self.bad += int(np.count_nonzero(reference_good & ~good)) + int(np.count_nonzero(~finite))
        kept, log_r, log_o, divergence = kept[finite], log_r[finite], log_o[finite], divergence[finite]
        if not kept.size:
            return
        self.kl.append(divergence)
        worst = int(divergence.argmax())
        if divergence[worst] > self.kl_max:
            self.kl_max, self.kl_worst = float(divergence[worst]), int(rows[kept[worst]])
        self.nmse.append(_centered_nmse(log_r, log_o))
        self._choices(log_r, log_o)
        self._next(log_r, log_o, kept, next_ids, vocab)

    def _choices(self, log_r: Float64s, log_o: Float64s) -> None:
        k = min(TOP_K, log_r.shape[1])
        best_r, best_o = _best(log_r, k), _best(log_o, k)
        first = log_r.argmax(axis=1)
        second = log_o.argmax(axis=1)
        agreed = first == second
        rows = np.arange(len(first))
        self.margin = max(self.margin, float((log_r[rows, first] - log_r[rows, second]).max(initial=0.0)))
        self.agreed += int(np.count_nonzero(agreed))
        self.ties += int(np.count_nonzero(~agreed & (margins(log_r) < self.near_tie)))
        shared = (best_r[:, :, None] == best_o[:, None, :]).any(axis=2).sum(axis=1)
        self.overlap.append(shared / k)
        change = np.take_along_axis(log_r, best_r, 1) - np.take_along_axis(log_o, best_r, 1)
        self.max_delta = max(self.max_delta, float(np.abs(change[np.isfinite(change)]).max(initial=0.0)))

    def _next(
        self, log_r: Float64s, log_o: Float64s, kept: NDArray[np.intp], next_ids: NDArray[Any], vocab: int
    ) -> None:
        has_next = kept < len(next_ids)
        ids = np.asarray(next_ids)[kept[has_next]].astype(np.int64)
        known = (ids >= 0) & (ids < vocab)
        rows = np.flatnonzero(has_next)[known]
        first, second = log_r[rows, ids[known]], log_o[rows, ids[known]]
        finite = np.isfinite(first) & np.isfinite(second)
        self.next_reference.append(first[finite])
        self.next_other.append(second[finite])

    def result(self) -> Divergence:
        kl, nmse = _joined(self.kl), _joined(self.nmse)
        next_reference, next_other = _joined(self.next_reference), _joined(self.next_other)
        positions = kl.size
        return Divergence(
            positions=positions,
            not_finite=self.bad,
            reference_not_finite=self.reference_bad,
            vocab=self.vocab,
            trimmed=self.trimmed,
            kl_mean=mean_estimate(kl),
            kl_p99=quantile_estimate(kl, 0.99),
            kl_max=self.kl_max if positions else math.nan,
            kl_worst=self.kl_worst,
            top1=share_estimate(self.agreed, positions - self.ties),
            top1_strict=share_estimate(self.agreed, positions),
            near_ties=self.ties,
            topk=mean_estimate(_joined(self.overlap)),
            nmse=mean_estimate(nmse),
            nmse_p99=quantile_estimate(nmse, 0.99),
            nmse_max=float(nmse.max()) if positions else math.nan,
            disagreement_margin=self.margin if positions else math.nan,
            max_delta_logp=self.max_delta if positions else math.nan,
            ppl_ratio=_exp(mean_estimate(next_reference - next_other)),
            ppl_reference=math.exp(-float(next_reference.mean())) if next_reference.size else math.nan,
            next_tokens=next_reference.size,
        )


def margins(log_probabilities: Logits) -> Float64s:
    """Distance between the two likeliest tokens of every row, in nats; infinite with one token only."""
    if log_probabilities.shape[-1] < 2:
        return np.full(log_probabilities.shape[:-1], math.inf)
    two = np.partition(log_probabilities, -2, axis=-1)[..., -2:]
    result: Float64s = (two[..., 1] - two[..., 0]).astype(np.float64)
    return result


def _usable(logits: Logits) -> NDArray[np.bool_]:
    """Rows with no NaN, no +∞ and at least one finite logit; −∞ is how engines mask padding."""
    usable: NDArray[np.bool_] = np.isfinite(logits.max(axis=1))
    return usable


def _kl(log_r: Float64s, log_o: Float64s) -> Float64s:
    p = np.exp(log_r)
    with np.errstate(invalid="ignore"):
        terms = np.where(p > 0, p * (log_r - log_o), 0.0)
    # rounding can leave −1e-17 for equal rows
    result: Float64s = np.maximum(terms.sum(axis=1), 0.0)
    return result


def _centered_nmse(log_r: Float64s, log_o: Float64s) -> Float64s:
    """Per row; log-probabilities are logits shifted by a constant, which centering takes away."""
    both = np.isfinite(log_r) & np.isfinite(log_o)
    count = both.sum(axis=1, keepdims=True)
    r, o = np.where(both, log_r, 0.0), np.where(both, log_o, 0.0)
    r = np.where(both, r - r.sum(axis=1, keepdims=True) / count, 0.0)
    o = np.where(both, o - o.sum(axis=1, keepdims=True) / count, 0.0)
    error, energy = ((o - r) ** 2).sum(axis=1), (r**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Float64s = np.where(error > 0, error / energy, 0.0)
    return result


def _best(log_probabilities: Float64s, k: int) -> NDArray[np.intp]:
    return np.argpartition(log_probabilities, -k, axis=1)[:, -k:]


def _joined(pieces: list[Float64s]) -> Float64s:
    return np.concatenate(pieces) if pieces else np.zeros(0)


def _exp(estimate: Estimate) -> Estimate:
    if math.isnan(estimate.value):
        return NOTHING
    return Estimate(*(math.exp(min(value, 700.0)) for value in (estimate.value, estimate.low, estimate.high)))
