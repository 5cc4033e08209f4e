from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.core import AprqaError
from pytest_aprqa.parity import compare_logits, log_softmax
from pytest_aprqa.parity import logits as module

Floats = NDArray[np.float32]
NO_NEXT = np.zeros(0, np.int64)


def logits(rows: int = 300, vocab: int = 50, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(0, 4, (rows, vocab)).astype(np.float32)


def following(rows: int = 300, vocab: int = 50) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, vocab, rows - 1)


def test_equal_logits_do_not_diverge() -> None:
    seen = compare_logits([(logits(), logits(), following())])
    assert (seen.positions, seen.next_tokens) == (300, 299)
    assert seen.kl_mean.value == seen.kl_max == seen.nmse.value == seen.max_delta_logp == 0.0
    assert seen.top1.value == seen.topk.value == seen.ppl_ratio.value == 1.0


def test_a_constant_added_to_the_logits_changes_nothing() -> None:
    seen = compare_logits([(logits(), logits() + 3, NO_NEXT)])
    assert seen.kl_mean.value < 1e-9
    assert seen.nmse.value < 1e-9


def test_kl_is_that_of_the_definition() -> None:
    p, q = np.array([[0.5, 0.25, 0.25]]), np.array([[0.25, 0.25, 0.5]])
    seen = compare_logits([(np.log(p), np.log(q), NO_NEXT)])
    assert seen.kl_max == pytest.approx(0.5 * math.log(2) - 0.25 * math.log(2))


def test_perplexities_are_those_of_the_next_tokens() -> None:
    p, q = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0.25, 0.75], [0.5, 0.5]])
    seen = compare_logits([(np.log(p), np.log(q), np.array([0]))])
    assert seen.ppl_reference == pytest.approx(2.0)
    assert seen.ppl_ratio.value == pytest.approx(2.0)
    assert seen.next_tokens == 1


def test_noise_is_measured_and_lies_in_its_interval() -> None:
    noise = np.random.default_rng(7).normal(0, 0.1, (300, 50))
    seen = compare_logits([(logits(), logits() + noise, following())])
    assert 0.001 < seen.kl_mean.low < seen.kl_mean.value < seen.kl_mean.high < 0.01
    assert seen.kl_mean.value < seen.kl_p99.low <= seen.kl_p99.value <= seen.kl_p99.high <= seen.kl_max
    assert seen.nmse.value == pytest.approx(0.1**2 / 4**2, rel=0.1)
    assert seen.ppl_ratio.low < 1 < seen.ppl_ratio.high
    assert seen.top1.low < seen.top1.value <= seen.top1.high


def test_the_same_numbers_have_the_same_interval() -> None:
    other = logits() + np.random.default_rng(7).normal(0, 0.1, (300, 50))
    first, second = (compare_logits([(logits(), other, following())]) for _ in range(2))
    assert first == second


def test_permuted_tokens_are_seen_by_every_measure() -> None:
    seen = compare_logits([(logits(), np.roll(logits(), 1, axis=1), following())])
    assert seen.kl_mean.low > 1
    assert seen.top1.value < 0.2
    assert seen.topk.value < 0.4
    assert seen.nmse.value > 1


def test_the_worst_position_is_named_across_pairs() -> None:
    other = logits(10)
    other[7] = -other[7]
    seen = compare_logits([(logits(10, seed=3), logits(10, seed=3), NO_NEXT), (logits(10), other, NO_NEXT)])
    assert seen.kl_worst == 17
    assert seen.positions == 20


def test_a_near_tie_is_neither_agreement_nor_disagreement() -> None:
    reference, other = np.zeros((3, 4)), np.zeros((3, 4))
    reference[:, 0], reference[:, 1] = 1.0, [0.99, 0.0, 0.0]
    other[:, 0], other[:, 1] = 0.5, [1.0, 1.0, 0.0]
    seen = compare_logits([(reference, other, NO_NEXT)])
    assert seen.near_ties == 1
    assert seen.top1.value == 0.5
    assert seen.top1_strict.value == pytest.approx(1 / 3)
    assert seen.disagreement_margin == pytest.approx(1.0)


def test_padding_of_the_vocabulary_is_trimmed_and_told() -> None:
    padded = np.concatenate([logits(), np.full((300, 14), 30.0, np.float32)], axis=1)
    seen = compare_logits([(logits(), padded, following())])
    assert (seen.vocab, seen.trimmed) == (50, 14)
    assert seen.kl_mean.value == 0.0


def test_masked_padding_does_not_disturb() -> None:
    reference, other = logits(), logits()
    reference[:, 48:] = other[:, 48:] = -np.inf
    seen = compare_logits([(reference, other, NO_NEXT)])
    assert seen.positions == 300
    assert seen.kl_mean.value == 0.0
    assert seen.nmse.value == 0.0


def test_logits_that_are_not_finite_are_counted_and_left_out() -> None:
    reference, other = logits(), logits()
    other[3, 4] = np.nan
    other[5, 0] = np.inf
    other[6, :] = -np.inf
    reference[9, 0] = np.nan
    seen = compare_logits([(reference, other, NO_NEXT)])
    assert (seen.positions, seen.not_finite, seen.reference_not_finite) == (296, 3, 1)
    assert seen.kl_max == 0.0


def test_a_token_ruled_out_makes_an_infinite_divergence_that_is_counted() -> None:
    other = logits()
    other[0, int(logits()[0].argmax())] = -np.inf
    seen = compare_logits([(logits(), other, NO_NEXT)])
    assert (seen.positions, seen.not_finite) == (299, 1)


@pytest.mark.parametrize("pairs", [[], [(logits(0), logits(0), NO_NEXT)], [(logits(0, 0), logits(0, 0), NO_NEXT)]])
def test_nothing_compared_is_no_number(pairs: list[module.Pair]) -> None:
    seen = compare_logits(pairs)
    assert seen.positions == 0
    for estimate in (seen.kl_mean, seen.kl_p99, seen.top1, seen.topk, seen.nmse, seen.ppl_ratio):
        assert math.isnan(estimate.value)
    assert math.isnan(seen.kl_max)


def test_other_numbers_of_rows_are_refused() -> None:
    with pytest.raises(AprqaError, match="as many rows"):
        compare_logits([(logits(3), logits(4), NO_NEXT)])
    with pytest.raises(AprqaError, match="next tokens"):
        compare_logits([(logits(3), logits(3), np.zeros(5, np.int64))])


def test_next_ids_outside_the_vocabulary_are_left_out() -> None:
    assert compare_logits([(logits(3), logits(3), np.array([1, 500]))]).next_tokens == 1


def test_blocks_of_rows_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    other = logits() + np.random.default_rng(7).normal(0, 0.1, (300, 50))
    whole = compare_logits([(logits(), other, following())])
    monkeypatch.setattr(module, "ROWS", 7)
    parts = compare_logits([(logits(), other, following())])
    assert parts.kl_mean.value == pytest.approx(whole.kl_mean.value)
    assert parts.ppl_ratio.value == pytest.approx(whole.ppl_ratio.value)
    assert (parts.kl_worst, parts.top1, parts.next_tokens) == (whole.kl_worst, whole.top1, whole.next_tokens)


def test_log_softmax_stands_large_logits() -> None:
    assert log_softmax(np.array([1000.0, 1000.0])).tolist() == pytest.approx([-math.log(2)] * 2)
