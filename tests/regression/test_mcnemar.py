from __future__ import annotations

from fractions import Fraction
from math import comb, erfc, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aprqa.regression import holm, mcnemar, upper_tail


@pytest.mark.parametrize(
    ("broke", "fixed", "p_worse", "p_two_sided"),
    [
        (0, 0, 1.0, 1.0),
        (1, 0, 0.5, 1.0),
        (5, 0, 0.03125, 0.0625),
        (10, 2, 79 / 4096, 158 / 4096),
        (2, 10, 4083 / 4096, 158 / 4096),
        (3, 3, 42 / 64, 1.0),
        # Tables of the binomial distribution with p = 1/2, four digits.
        (12, 3, 0.0176, 0.0352),
        (15, 5, 0.0207, 0.0414),
        (18, 7, 0.0216, 0.0433),
        (21, 9, 0.0214, 0.0428),
    ],
)
def test_known_values(broke: int, fixed: int, p_worse: float, p_two_sided: float) -> None:
    found = mcnemar(broke, fixed)
    assert (found.broke, found.fixed) == (broke, fixed)
    assert found.p_worse == pytest.approx(p_worse, abs=5e-5)
    assert found.p_two_sided == pytest.approx(p_two_sided, abs=5e-5)


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_tail_is_the_binomial_sum(hits: int, more: int) -> None:
    trials = hits + more
    exact = Fraction(sum(comb(trials, k) for k in range(hits, trials + 1)), 2**trials)
    assert upper_tail(hits, trials) == float(exact)


@given(st.integers(0, 60), st.integers(0, 60))
def test_better_and_worse_share_only_the_middle(broke: int, fixed: int) -> None:
    worse, better = mcnemar(broke, fixed).p_worse, mcnemar(fixed, broke).p_worse
    both = comb(broke + fixed, broke) / 2 ** (broke + fixed)
    assert worse + better == pytest.approx(1 + both)
    assert mcnemar(broke, fixed).p_two_sided == mcnemar(fixed, broke).p_two_sided <= 1


def test_twenty_thousand_changes_are_counted_exactly() -> None:
    # The normal approximation with its correction for continuity is good to a percent here.
    normal = 0.5 * erfc((10_300 - 0.5 - 10_000) / sqrt(20_000 / 4) / sqrt(2))
    assert mcnemar(10_300, 9_700).p_worse == pytest.approx(normal, rel=0.01)
    assert mcnemar(20_000, 0).p_worse == 0.0


def test_values_tried_together_grow_and_keep_their_order() -> None:
    assert holm([0.02, 0.01, 0.9]) == (0.04, 0.03, 0.9)
    assert holm([0.5, 0.6]) == (1.0, 1.0)
    assert holm([]) == ()
