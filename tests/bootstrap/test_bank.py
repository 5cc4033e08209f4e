"""What is asked has the answer that it says, and a wrong answer is refuted."""

from __future__ import annotations

import re

import pytest

from pytest_aprqa.bootstrap.asked import Asked
from pytest_aprqa.bootstrap.continuations import CONTINUATIONS, more_sums
from pytest_aprqa.bootstrap.questions import QUESTIONS
from pytest_aprqa.core import Outcome
from pytest_aprqa.kernels import Topic
from pytest_aprqa.oracles import Question, check_spec, judge
from tests.oracles.asking import said

ALL = (*QUESTIONS.asked, *CONTINUATIONS.asked)
_VALUES = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}


def outcome(asked: Asked, answer: str) -> Outcome:
    question = Question(asked.turns, asked.expected, asked.language, str(asked.topic), declared=True)
    return judge([asked.oracle], question, said(*[answer for _ in asked.turns])).outcome


@pytest.mark.parametrize("asked", ALL, ids=lambda asked: asked.name)
def test_every_scenario_has_a_judge_that_refutes_a_wrong_answer(asked: Asked) -> None:
    check_spec(asked.oracle)
    assert outcome(asked, "I would rather talk about the weather in my garden today.") is Outcome.FALSIFIED


@pytest.mark.parametrize(
    "asked", [each for each in ALL if re.search(r"\d ?[-+*/] ?\d", each.turns[-1])], ids=lambda asked: asked.name
)
def test_sums_come_to_what_they_say(asked: Asked) -> None:
    *_, found = re.finditer(r"([\d.]+) ?([-+*/]) ?([\d.]+)(?:\+(\d+))?", asked.turns[-1].replace("1 + 1 = 2", ""))
    value = _VALUES[found[2]](float(found[1]), float(found[3])) + float(found[4] or 0)
    assert asked.expected == pytest.approx(value)
    assert outcome(asked, f"It is {asked.expected}.") is Outcome.CORROBORATED


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("count_to_ten", "\n".join(f"{number}. {number}" for number in range(1, 11))),
        ("count_to_ten", ", ".join(map(str, range(1, 11)))),
        ("count_to_twenty", ", ".join(map(str, range(1, 21)))),
        ("count_down", "10, 9, 8, 7, 6, 5, 4, 3, 2, 1"),
        ("json_person", '{"name": "Ann", "age": 4}'),
        ("json_array", "[1, 2, 3]"),
        ("python_add", "```python\ndef add(a, b):\n    return a + b\n```"),
        ("number_over_turns", "You told me the number 42."),
        ("russian_capital", "Столица России — Москва."),
        ("korean_capital", "한국의 수도는 서울입니다."),
        ("color_of_the_cat", "The cat is black."),
    ],
)
def test_a_right_answer_is_right(name: str, answer: str) -> None:
    asked = next(each for each in QUESTIONS.asked if each.name == name)
    assert outcome(asked, answer) is Outcome.CORROBORATED


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("counting", " 8, 9, 10"),
        ("json_array", " 6, 7]"),
        ("json_object", ' "Carla", "age": 3}'),
        ("alphabet", " h i j"),
    ],
)
def test_a_right_continuation_is_right(name: str, answer: str) -> None:
    asked = next(each for each in CONTINUATIONS.asked if each.name == name)
    assert outcome(asked, answer) is Outcome.CORROBORATED


@pytest.mark.parametrize("bank", [QUESTIONS, CONTINUATIONS], ids=["questions", "continuations"])
def test_each_topic_begins_with_one_prompt_that_the_smallest_can_answer(bank: object) -> None:
    asked = (QUESTIONS if bank is QUESTIONS else CONTINUATIONS).asked
    for topic in set(Topic) - {Topic.WINDOW}:
        first = next(each for each in asked if each.topic is topic)
        assert (first.level, len(first.turns)) == (0, 1)
    assert len({each.name for each in asked}) == len({each.turns for each in asked}) == len(asked)


def test_drawn_sums_are_distinct_and_none_of_the_bank() -> None:
    drawn = list(more_sums(80, seed=1))
    assert len({each.turns for each in drawn}) == 80
    assert not {each.turns for each in drawn} & {each.turns for each in CONTINUATIONS.asked}
