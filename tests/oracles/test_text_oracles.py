from __future__ import annotations

import pytest

from pytest_aprqa.core import Finish, Json, Outcome
from pytest_aprqa.oracles.contains import judge_contains
from pytest_aprqa.oracles.golden import judge_golden
from pytest_aprqa.oracles.json_value import judge_json
from pytest_aprqa.oracles.regex import find_nested_repeat, judge_regex
from tests.oracles.asking import asked, said

Config = dict[str, Json]
GOLDEN: Config = {
    "prefix": "2 + 2 equals 4.",
    "must_contain": ["4"],
    "must_not_contain": ["NaN", "Inf", "<pad>"],
}


@pytest.mark.parametrize(
    ("config", "answer", "outcome"),
    [
        ({"all": ["Paris"]}, "paris!", Outcome.CORROBORATED),
        ({"all": "Paris"}, "It is Paris.", Outcome.CORROBORATED),
        ({"any": ["Lyon", "Paris"]}, "Paris", Outcome.CORROBORATED),
        ({"none": ["Inf"]}, "information", Outcome.CORROBORATED),
        ({"all": ["东京"]}, "首都是东京。", Outcome.CORROBORATED),
        ({"all": ["form"], "whole_words": False}, "information", Outcome.CORROBORATED),
        ({"all": [4]}, "It is 4.", Outcome.CORROBORATED),
        ({"all": ["C++"]}, "Use C++.", Outcome.CORROBORATED),
        ({"all": ["form"]}, "information", Outcome.FALSIFIED),
        ({"all": [4]}, "It is 14.", Outcome.FALSIFIED),
        ({"all": ["Paris"], "ignore_case": False}, "paris", Outcome.FALSIFIED),
        ({"all": ["Paris", "Lyon"]}, "Paris", Outcome.FALSIFIED),
        ({"any": ["Lyon", "Nice"]}, "Paris", Outcome.FALSIFIED),
        ({"none": ["Paris"]}, "Paris", Outcome.FALSIFIED),
        ({}, "Paris", Outcome.INCONCLUSIVE),
    ],
)
def test_contains(config: Config, answer: str, outcome: Outcome) -> None:
    assert judge_contains(asked("Where?"), said(answer), config).outcome is outcome


def test_contains_looks_for_the_expected_text_by_itself() -> None:
    assert judge_contains(asked("Who am I?", expected="Ada"), said("You are Ada."), {}).outcome.passed
    assert judge_contains(asked("Who am I?", expected="Ada"), said("I do not know."), {}).outcome.failed


@pytest.mark.parametrize(
    ("config", "answer", "outcome"),
    [
        (GOLDEN, "2 + 2 equals 4. It is information.", Outcome.CORROBORATED),
        (GOLDEN, " 2 + 2 EQUALS 4.", Outcome.CORROBORATED),
        ({"expected_prefix": "Paris"}, "Paris is", Outcome.CORROBORATED),
        ({"text": "Paris  is\nfine"}, " Paris is fine ", Outcome.CORROBORATED),
        (GOLDEN, "4", Outcome.FALSIFIED),
        (GOLDEN, "2 + 2 equals 4. <pad>", Outcome.FALSIFIED),
        ({"must_contain": ["def"]}, "undefined", Outcome.FALSIFIED),
        ({"text": "Paris"}, "paris", Outcome.FALSIFIED),
        ({"text": "Paris"}, "Paris is", Outcome.FALSIFIED),
        ({"text": "Paris"}, "", Outcome.FALSIFIED),
        ({}, "Paris", Outcome.INCONCLUSIVE),
    ],
)
def test_golden(config: Config, answer: str, outcome: Outcome) -> None:
    assert judge_golden(asked("Where?"), said(answer), config).outcome is outcome


def test_golden_says_where_the_answer_differs() -> None:
    verdict = judge_golden(asked("Where?", expected="Paris is"), said("Parma is"), {})
    assert "differs from character 3: expected 'is is', found 'ma is'" in verdict.reason


@pytest.mark.parametrize(
    ("config", "answer", "outcome"),
    [
        ({}, '{"a": 1}', Outcome.CORROBORATED),
        ({}, "[1, 2]", Outcome.CORROBORATED),
        ({"keys": ["a"]}, 'Here:\n```json\n{"a": 1}\n```\nDone.', Outcome.CORROBORATED),
        ({"keys": ["a"]}, 'Use {braces}: {"a": [1]} and more', Outcome.CORROBORATED),
        ({"keys": ["a", "b"]}, '{"a": 1}', Outcome.FALSIFIED),
        ({"keys": ["a"]}, "[1]", Outcome.FALSIFIED),
        ({}, "4", Outcome.FALSIFIED),
        ({}, "Paris", Outcome.FALSIFIED),
        ({}, "{'a': 1}", Outcome.FALSIFIED),
        ({}, '{"a": NaN}', Outcome.FALSIFIED),
        ({}, '{"a": 1', Outcome.FALSIFIED),
        ({}, "[" * 90_000, Outcome.FALSIFIED),
    ],
)
def test_json(config: Config, answer: str, outcome: Outcome) -> None:
    assert judge_json(asked("Give JSON"), said(answer), config).outcome is outcome


def test_json_cut_by_the_token_limit_is_inconclusive() -> None:
    cut = said('{"a": [1, 2', finish=Finish.LENGTH)
    assert judge_json(asked("Give JSON"), cut, {}).outcome is Outcome.INCONCLUSIVE
    assert judge_json(asked("Give JSON"), said("Paris", finish=Finish.LENGTH), {}).outcome is Outcome.FALSIFIED


def test_json_must_equal_the_expected_value() -> None:
    question = asked("Give JSON", expected={"a": 1})
    assert judge_json(question, said('{"a": 1}'), {}).outcome.passed
    assert judge_json(question, said('{"a": 2}'), {}).outcome.failed


@pytest.mark.parametrize(
    ("config", "answer", "outcome"),
    [
        ({"pattern": r"\bParis\b"}, "It is Paris.", Outcome.CORROBORATED),
        ({"pattern": "paris", "flags": "i"}, "PARIS", Outcome.CORROBORATED),
        ({"pattern": "^b$", "flags": "ms"}, "a\nb\nc", Outcome.CORROBORATED),
        ({"pattern": "paris"}, "PARIS", Outcome.FALSIFIED),
        ({"pattern": "end"}, "x" * 20_000 + "end", Outcome.FALSIFIED),
    ],
)
def test_regex(config: Config, answer: str, outcome: Outcome) -> None:
    assert judge_regex(asked("Where?"), said(answer), config).outcome is outcome


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a*)*b", "(?:a+b?){2,}", "((a+)b?)+", "(a|aa)*", "(a{2,})*", r"([a-z]+\s?)*$", "(a+)+?", "(.*a){500}"],
)
def test_pattern_that_may_never_end_is_found(pattern: str) -> None:
    assert find_nested_repeat(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["a+b*", "(ab)+c*", "(a+)b", r"\(a+\)+", "[(a+)]+", "(a|b)c", "(a+)?", "(?:ab){2,3}", r"^\d+(?:\.\d{1,3})?$"],
)
def test_plain_pattern_is_not_refused(pattern: str) -> None:
    assert find_nested_repeat(pattern) is None
