from __future__ import annotations

import numpy as np
import pytest

from pytest_aprqa.golden.coarse import (
    coarse_kl,
    coarse_nmse,
    golden_log_probabilities,
    keep_top,
    log_probabilities,
)
from pytest_aprqa.golden.corpus import ROUNDING_KL, ROUNDING_NMSE, Recording
from pytest_aprqa.parity import compare_logits
from tests.golden.talker import Logits


def _recording(logits: Logits, k: int) -> Recording:
    top = keep_top(logits, k=k)
    none = np.zeros(1, np.float32)
    ids = np.zeros(1, np.int32)
    return Recording(ids, ids, none, top.ids, top.values, top.largest, top.log_total, top.log_rest, top.variance)


def _random(seed: int, *, spread: float = 3.0) -> Logits:
    return np.random.default_rng(seed).normal(0, spread, (40, 500)).astype(np.float32)


@pytest.mark.parametrize("k", [2, 10, 64, 499])
def test_what_is_kept_is_the_largest_in_order(k: int) -> None:
    logits = _random(1)
    top = keep_top(logits, k=k)
    expected = -np.sort(-logits, axis=1)[:, :k]
    assert np.array_equal(np.take_along_axis(logits, top.ids, axis=1), expected)
    assert top.largest == pytest.approx(expected[:, 0])
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
    assert np.exp(top.log_total) == pytest.approx(probabilities.sum(axis=1), rel=1e-5)
    kept = np.take_along_axis(probabilities, top.ids, axis=1).sum(axis=1)
    assert np.exp(top.log_rest) == pytest.approx(1 - kept / probabilities.sum(axis=1), rel=1e-3)
    assert top.variance == pytest.approx(logits.var(axis=1), rel=1e-5)


def test_of_equal_logits_the_lower_id_comes_first() -> None:
    assert keep_top(np.zeros((1, 6), np.float32), k=3).ids.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("spread", [0.5, 3.0, 8.0])
@pytest.mark.parametrize("k", [5, 64])
def test_the_coarse_divergence_is_a_lower_bound_of_the_full_one(spread: float, k: int) -> None:
    reference = _random(1, spread=spread)
    other = (reference + _random(2, spread=0.5)).astype(np.float32)
    coarse = _kl(reference, other, k)
    full = compare_logits([(reference, other, np.zeros(0, np.int64))]).kl_mean.value
    assert coarse.mean() <= full * (1 + 1e-3)
    if spread > 1:  # an almost even distribution has most of its mass in the rest
        assert coarse.mean() > 0.3 * full


def _kl(reference: Logits, other: Logits, k: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    recording = _recording(reference, k)
    return coarse_kl(golden_log_probabilities(recording), log_probabilities(other, recording.top_ids))


@pytest.mark.parametrize("spread", [0.5, 3.0, 8.0])
def test_rounding_alone_stays_below_its_stated_bound(spread: float) -> None:
    logits = _random(3, spread=spread)
    recording = _recording(logits, 64)
    golden, other = golden_log_probabilities(recording), log_probabilities(logits, recording.top_ids)
    assert coarse_kl(golden, other).mean() < ROUNDING_KL
    assert coarse_nmse(golden[:, :-1], other[:, :-1], recording.variance.astype(np.float64)).mean() < ROUNDING_NMSE


def test_the_coarse_error_can_be_held_against_one_of_all_logits() -> None:
    reference = _random(1)
    other = (reference + _random(2, spread=0.1)).astype(np.float32)
    recording = _recording(reference, 64)
    golden, seen = golden_log_probabilities(recording), log_probabilities(other, recording.top_ids)
    coarse = coarse_nmse(golden[:, :-1], seen[:, :-1], recording.variance.astype(np.float64)).mean()
    full = compare_logits([(reference, other, np.zeros(0, np.int64))]).nmse.value
    assert coarse == pytest.approx(full, rel=0.1)


def test_a_masked_token_costs_much_and_crashes_nothing() -> None:
    reference = _random(1)
    other = reference.copy()
    other[:, 1:] = -np.inf
    divergence = _kl(reference, other, 64)
    assert np.isfinite(divergence).all()
    assert divergence.min() > 10
