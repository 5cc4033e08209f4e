from __future__ import annotations

import pytest

from pytest_aprqa.core import Json, OracleSpec, Scenario
from pytest_aprqa.oracles import Question, applicable, choose, oracles_for, question_of
from tests.oracles.asking import asked

GARBAGE, ARITHMETIC = OracleSpec("garbage", {"min_unique_chars": 8}), OracleSpec("arithmetic")
CODE, RESPONSE = OracleSpec("code_syntax"), OracleSpec("response")
TOOLBOX = (ARITHMETIC, GARBAGE, CODE, RESPONSE)


def types(specs: tuple[OracleSpec, ...]) -> list[str]:
    return [spec.type for spec in specs]


@pytest.mark.parametrize(
    ("prompt", "chosen"),
    [
        ("What is 2+2?", ["arithmetic"]),
        ("Write a detailed step-by-step solution to: What is 123 * 456?", ["arithmetic"]),
        ("def fibonacci(n):", ["code_syntax"]),
        ("impl Stack {", ["code_syntax"]),
        ("pub struct Point {", ["code_syntax"]),
        ("Write a Python function to calculate factorial.", ["code_syntax"]),
        ("Write a Python program that prints 2+2.", ["code_syntax"]),
        ("Explain the difference between a stack and a queue.", ["response"]),
        ("Explain UTF-8", []),
        ("Hello!", []),
        ("The capital of France is", []),
        ("What is the capital of France?", []),
        ("Define a function add(a,b) that returns a+b. What does add(3,4) return?", ["response"]),
    ],
)
def test_undeclared_oracle_follows_the_prompt(prompt: str, chosen: list[str]) -> None:
    assert types(choose(asked(prompt))) == chosen


@pytest.mark.parametrize(
    ("expected", "chosen"),
    [(4, "arithmetic"), ("4", "arithmetic"), ("Ada", "contains"), ({"a": 1}, "json"), ([], "json")],
)
def test_undeclared_oracle_follows_the_expected_answer(expected: Json, chosen: str) -> None:
    assert types(choose(asked("Well?", expected=expected))) == [chosen]


def test_edge_probe_only_has_to_survive() -> None:
    question = asked("'; DROP TABLE users; --", category="edge")
    assert types(choose(question)) == types(oracles_for((), TOOLBOX, question)) == ["survives"]


@pytest.mark.parametrize(
    ("prompt", "fitting"),
    [
        ("What is 2+2?", ["arithmetic", "garbage"]),
        ("def fibonacci(n):", ["garbage", "code_syntax"]),
        ("What is the capital of France?", ["garbage", "response"]),
        ("Hello!", ["garbage"]),
    ],
)
def test_toolbox_gives_what_fits_the_prompt(prompt: str, fitting: list[str]) -> None:
    assert types(applicable(TOOLBOX, asked(prompt))) == fitting


def test_toolbox_of_garbage_alone_is_helped_by_the_prompt() -> None:
    assert types(oracles_for((), (GARBAGE,), asked("What is 2+2?"))) == ["garbage", "arithmetic"]
    assert types(oracles_for((), (ARITHMETIC, GARBAGE), asked("def f(n):"))) == ["garbage", "code_syntax"]
    assert types(oracles_for((), (ARITHMETIC, GARBAGE), asked("Hello!"))) == ["garbage"]
    assert types(oracles_for((), (), asked("Hello!"))) == []


def test_declared_response_asks_at_least_for_language() -> None:
    assert types(oracles_for((), (RESPONSE,), asked("Hello!"))) == ["garbage"]


def test_scenarios_own_oracles_come_before_the_playbooks() -> None:
    question = asked("What is 2+2?", declared=True)
    assert oracles_for((CODE,), TOOLBOX, question) == (CODE, GARBAGE)
    assert types(oracles_for((OracleSpec("survives"),), TOOLBOX, question)) == ["survives"]
    assert oracles_for((OracleSpec("garbage"), CODE), TOOLBOX, question) == (OracleSpec("garbage"), CODE)


def test_question_is_what_oracles_may_know_of_a_scenario() -> None:
    scenario = Scenario(name="s", turns=("a", "b"), category="code", oracles=(CODE,), expected=4, language="Rust")
    assert question_of(scenario) == Question(("a", "b"), 4, "rust", "code", None, declared=True)
    assert question_of(scenario).prompt == "b"
