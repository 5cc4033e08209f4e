from __future__ import annotations

import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.oracles.response import content_words, judge_response
from tests.oracles.asking import asked, said

QUEUES = "Explain the difference between a stack and a queue."


@pytest.mark.parametrize(
    "answer",
    [
        "Stacks are last in, first out; queues are first in, first out.",
        "The main difference is the order in which items leave.",
        QUEUES + " A stack gives the newest item first.",
    ],
)
def test_answer_about_the_prompt_is_corroborated(answer: str) -> None:
    verdict = judge_response(asked(QUEUES), said(answer), {})
    assert verdict.outcome is Outcome.CORROBORATED
    assert verdict.compared == 4


@pytest.mark.parametrize(
    "answer",
    [
        "The weather in Paris is lovely this time of year.",
        QUEUES,
        QUEUES.upper(),
        f"  {QUEUES}\n",
        "explain the difference between a stack and a queue",
    ],
)
def test_answer_about_something_else_or_an_echo_is_falsified(answer: str) -> None:
    assert judge_response(asked(QUEUES), said(answer), {}).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Hello!", "Hello there, how are you today?"),
        ("What is the capital of France?", "Paris."),
        ("你好吗", "我很好，谢谢。"),
    ],
)
def test_too_little_to_go_by_is_inconclusive(prompt: str, answer: str) -> None:
    assert judge_response(asked(prompt), said(answer), {}).outcome is Outcome.INCONCLUSIVE


def test_demands_have_an_effect() -> None:
    answer = said("The main difference is the order in which items leave.")
    assert judge_response(asked(QUEUES), answer, {"min_relevance": 0.5}).outcome is Outcome.FALSIFIED
    echo = said(QUEUES)
    assert judge_response(asked(QUEUES), echo, {"check_coherence": "false", "min_relevance": 0}).outcome.passed


def test_numbers_are_content_words_however_they_are_written() -> None:
    assert content_words("five fruits") & content_words("5 fruit") == {"5", "fruit"}
