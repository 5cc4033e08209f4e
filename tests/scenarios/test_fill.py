"""A playbook is filled up to its count with distinct prompts, each with an oracle that can judge it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from pytest_aprqa.core import OracleSpec, Scenario
from pytest_aprqa.scenarios import Draw, digest, draw, fill

LISTED = (
    Scenario("two_plus_two", ("What is 2+2?",), "prompt", line=3),
    Scenario("arithmetic-3_plus_3", ("three and three",), "prompt", line=4),
)


def test_a_hundred_are_a_hundred_different_prompts_with_judges() -> None:
    filled = fill(LISTED, [], count=100, seed=42)
    assert filled[:2] == LISTED
    assert len({scenario.turns for scenario in filled}) == 100
    assert len({scenario.name for scenario in filled}) == 100
    assert all(scenario.oracles for scenario in filled[2:])


def test_the_default_mix_is_three_to_one_to_one() -> None:
    assert Counter(each.category for each in fill([], [], count=50, seed=0)) == {
        "arithmetic": 30,
        "code": 10,
        "chat": 10,
    }


def test_all_that_is_listed_stays_when_the_count_is_smaller() -> None:
    assert fill(LISTED, [], count=1, seed=0) == LISTED


def test_draws_share_by_their_counts() -> None:
    draws = [Draw("sums", "arithmetic()", count=30), Draw("talk", "chat_prompt()", count=10)]
    assert Counter(each.category for each in fill([], draws, count=12, seed=0)) == {"arithmetic": 9, "chat": 3}


def test_a_listed_prompt_is_not_drawn_again() -> None:
    draws = [Draw("few", "arithmetic(a: 2..2, b: 1..9, op: +)")]
    everything = fill([], draws, count=9, seed=0)
    listed = [replace(everything[4], name="mine")]
    filled = fill(listed, draws, count=9, seed=0)
    assert {scenario.turns for scenario in filled} == {scenario.turns for scenario in everything}
    assert filled[0].name == "mine"


def test_a_drawn_name_gives_way_to_a_listed_one() -> None:
    filled = fill(LISTED, [Draw("one", "arithmetic(a: 3..3, b: 3..3, op: +)")], count=3, seed=0)
    assert filled[2].name.startswith("arithmetic-3_plus_3-")


def test_a_small_domain_spills_over_to_sums() -> None:
    filled = fill([], [Draw("few", "arithmetic(a: 200..200, b: 1..9, op: +)")], count=30, seed=0)
    assert len({scenario.turns for scenario in filled}) == 30
    assert sum(scenario.name.startswith("arithmetic-200_") for scenario in filled) == 9


def test_the_declared_oracle_judges_what_is_drawn() -> None:
    filled = fill([], [Draw("again", "chat_prompt()", "run(seed) == run(seed)")], count=5, seed=0)
    assert [scenario.oracles for scenario in filled] == [(OracleSpec("deterministic", {}),)] * 5


@pytest.mark.parametrize(
    "entry",
    [Draw("mine", "nothing()"), Draw("mine", "arithmetic()", "nothing"), Draw("mine", "arithmetic(", "correct")],
)
def test_a_bad_draw_is_named(entry: Draw) -> None:
    with pytest.raises(ValueError, match="property test 'mine': "):
        fill([], [entry], count=5, seed=0)


def test_the_digest_sees_prompts_and_oracles_but_not_lines() -> None:
    first = draw("arithmetic()", seed=0, count=3)
    assert digest(first) == digest([replace(each, line=9) for each in first])
    assert digest(first) != digest(first[::-1])
    assert digest(first) != digest([replace(first[0], expected=-1), *first[1:]])
    assert digest(first) != digest([replace(first[0], oracles=()), *first[1:]])
    assert len(digest(first)) == 64
