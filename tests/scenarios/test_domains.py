"""The domains hold what their tables promise."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, find, given, settings

from pytest_aprqa.core import Scenario
from pytest_aprqa.scenarios import strategy
from pytest_aprqa.scenarios.draw import shares
from pytest_aprqa.scenarios.generators import GENERATORS
from pytest_aprqa.scenarios.phrasings import DISTRACTIONS, EDGE_TEXTS, FACTS
from pytest_aprqa.scenarios.snippets import LANGUAGE_NAMES, SNIPPETS


@pytest.mark.parametrize("name", GENERATORS)
def test_every_scenario_of_a_generator_is_well_formed(name: str) -> None:
    @settings(max_examples=50, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy(name))
    def check(scenario: Scenario) -> None:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", scenario.name)
        assert scenario.turns
        assert scenario.oracles
        assert scenario.line == 0

    check()


def test_hypothesis_finds_and_shrinks_a_prompt() -> None:
    found = find(strategy("arithmetic(a: 1..50, b: 1..50, op: +)"), lambda each: int(str(each.expected)) >= 20)
    assert found.expected == 20  # the smallest counterexample; which terms make it is hypothesis's choice


def test_no_told_value_hides_in_another_or_in_a_distraction() -> None:
    for fact in FACTS:
        for value in fact.values:
            assert not any(value in other for other in fact.values if other != value)
            assert not any(value.lower() in turn.lower().split() for turn in DISTRACTIONS)


def test_every_language_has_snippets_and_openings_are_distinct() -> None:
    assert {snippet.language for snippet in SNIPPETS} == set(LANGUAGE_NAMES)
    openings = [snippet.opening for snippet in SNIPPETS]
    assert len(set(openings)) == len(openings)


def test_python_snippets_are_valid_programs() -> None:
    for snippet in SNIPPETS:
        if snippet.language == "python":
            ast.parse(snippet.text)
        else:
            assert snippet.text.count("{") == snippet.text.count("}") > 0


def test_edge_texts_are_distinct_and_none_is_harmless() -> None:
    assert len(set(EDGE_TEXTS.values())) == len(EDGE_TEXTS)
    assert not any(re.fullmatch(r"[A-Za-z ,.]{2,99}", text) for text in EDGE_TEXTS.values())


def test_shares_add_up_and_keep_proportions() -> None:
    assert shares([3, 1, 1], 100) == [60, 20, 20]
    assert sum(shares([7, 5, 3], 101)) == 101
    assert shares([1, 0], 5) == [5, 0]


def test_importing_the_room_imports_no_hypothesis() -> None:
    program = "import sys, pytest_aprqa.scenarios; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
