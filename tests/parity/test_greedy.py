from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_aprqa.parity import compare_greedy


def test_equal_continuations_are_equal() -> None:
    seen = compare_greedy([1, 2, 3], [1, 2, 3])
    assert seen.equal
    assert seen.compared == 3
    assert seen.first is None


def test_a_shorter_continuation_is_equal_as_far_as_it_goes() -> None:
    seen = compare_greedy([1, 2, 3], [1, 2])
    assert seen.equal
    assert seen.shorter
    assert seen.compared == 2


@pytest.mark.parametrize(("reference", "other"), [([], []), ([1], []), ([], [1])])
def test_nothing_generated_compares_nothing(reference: list[int], other: list[int]) -> None:
    seen = compare_greedy(reference, other)
    assert seen.compared == 0
    assert not seen.equal


def test_the_margin_is_the_reference_s_between_both_choices() -> None:
    logits = np.log(np.array([[0.9, 0.05, 0.05], [0.5, 0.4, 0.1]]))
    seen = compare_greedy([0, 0], [0, 1], logits=logits)
    assert (seen.first, seen.reference_token, seen.other_token) == (1, 0, 1)
    assert seen.margin == pytest.approx(math.log(0.5 / 0.4))
    assert seen.nearly_undecided(0.3)
    assert not seen.nearly_undecided(0.2)


def test_without_logits_nothing_is_known_to_be_undecided() -> None:
    seen = compare_greedy([0, 0], [0, 1])
    assert seen.margin is None
    assert not seen.nearly_undecided(math.inf)


def test_a_token_outside_the_logits_has_no_margin() -> None:
    assert compare_greedy([0], [7], logits=np.zeros((1, 3))).margin is None
    assert compare_greedy([0, 0], [0, 1], logits=np.zeros((1, 3))).margin is None
