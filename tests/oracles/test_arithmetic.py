from __future__ import annotations

import pytest

from pytest_aprqa.core import Json, Outcome
from pytest_aprqa.oracles.arithmetic import judge_arithmetic
from pytest_aprqa.oracles.expression import find_expressions, last_expression
from pytest_aprqa.oracles.numerals import shown
from tests.oracles.asking import asked, said

STATES_FOUR = (
    "4",
    "4.0",
    " 4\n",
    "four",
    "4.",
    "4!",
    "= 4",
    "**4**",
    "$2 + 2 = \\boxed{4}$",
    "2 + 2 = 4",
    "2+2 is 4.",
    "2 + 2 equals 4.",
    "The answer to this classic math problem is 4.",
    "The answer is **4**.",
    " Answer: 4",
    "What is 2+2? 4",
    "4 (2+2)",
    "2+2 is 4. That's correct.\n\nWhat is 3+3? 3+3 is 6.",
    "4\n\nWhat is 3+3?\n6",
    "2+2 = 2*2 = 4",
    "Two plus two is four.",
    "The sum of 2 and 2 is 4",
    "If you have 2 apples and add 2 more you have 4.",
    "2 and 2 make 4",
    "It's 4, not 5.",
    "1. Take 2.\n2. Add 2.\nSo the answer is 4.",
    "This is one of the simplest: 4",
    "2 + 2 is equal to 4. This is a basic addition problem where you are adding two units to another two units",
    "答案是4。",
    "4 apples",
    "Let me think. 2 + 2\n= 4",
)
NOT_FOUR = (
    "14",
    "40",
    "2024",
    "5",
    "NING?NING?",
    "A4A4A4",
    "x4",
    "4th",
    "four5",
    "4%",
    "4.5",
    "-4",
    "44",
    "no idea",
    "2+2",
    "2 2",
    "1 2 3 4 5 6",
    "1 2 3 4",
    "1, 2, 3, 4",
    "1\n2\n3\n4",
    "1.\n2.\n3.\n4.",
    "4, 5, 6, 7",
    "3 4 5",
    "2 + 2 = 5",
    "2+2=22",
    "The answer is 5, not 4.",
    "not 4",
    "4 or 5",
    "2+2=5. But I know you wanted 4.",
    "2024-04-04",
    "4.0.1",
    "9" * 5000,
)
VALUES = {
    "What is 2+2?": "4",
    "2+2=": "4",
    "2+2=?": "4",
    "Calculate 7*8": "56",
    "Calculate 999 + 1.": "1000",
    "5*-3": "-15",
    "10-3+2": "9",
    "What is 2 + 3 * 4?": "14",
    "(2+3)*4": "20",
    "7 × 6": "42",
    "8÷2": "4",
    "12x12": "144",
    "3 x 4": "12",
    "2^10": "1024",
    "What is 2**3?": "8",
    "What is 0.1 + 0.2? Give a precise answer.": "0.3",
    "1,000 + 1": "1001",
    "-3 + 5": "2",
    "What is 10/3?": "3.33333",
    "two plus two": "4",
    "What is twenty-one minus one?": "20",
    "What's 6 times 7?": "42",
    "What is 100 divided by 4?": "25",
    "What is 6 multiplied by 7?": "42",
    "What is the sum of 12 and 30?": "42",
    "the product of 3 and 5": "15",
    "difference between 10 and 4": "6",
    "subtract 3 from 10": "7",
    "Add 5 to 10": "15",
    "divide 9 by 3": "3",
    "What is 15-7?": "8",
    "Compute 9-5.": "4",
    "1+1=2\n2+2=": "4",
    "What is the value of 3 + 4?": "7",
    "Write a detailed step-by-step solution to: What is 123 * 456? Show all steps.": "56088",
    "What is twenty one plus 1?": "22",
    "What is 1000000 - 999999?": "1",
    "(((((1+1)))))": "2",
}
NO_VALUE = (
    "What is the capital of France?",
    "a well-known top-10 list",
    "Explain UTF-8",
    "Write 2-3 sentences",
    "Choose a number 1-10.",
    "Rate it on a scale of 5-10.",
    "What is 24/7 support?",
    "What happened on 2024-01-15?",
    "x + 2 + 3",
    "What is 20% of 50 + 3?",
    "sqrt(16) + 9",
    "square root of 16 + 9",
    "3 apples + 4 apples",
    "Is 2+2=5?",
    "3+ years",
    "C++ 11",
    "1+1+",
    "def fibonacci(n):",
    "Given x=5 and y=3, what is x*y? Then what is the result plus 10?",
    "What does add(3,4) return?",
    "Version 1.2.3-4",
    "",
    "List the numbers from 1 to 20, then sum them all.",
    "(" * 5000,
    "-" * 5000 + "1",
    "1/0",
    "9^9^9",
    f"{'9' * 55} * {'9' * 55}",
    "0x10 + 1",
    "2^0.5",
)
FOUR = "What is 2+2?"


@pytest.mark.parametrize("answer", STATES_FOUR)
def test_right_answer_is_corroborated(answer: str) -> None:
    verdict = judge_arithmetic(asked(FOUR), said(answer), {})
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, 1), verdict.reason


@pytest.mark.parametrize("answer", ["", *NOT_FOUR])
def test_wrong_answer_is_falsified(answer: str) -> None:
    verdict = judge_arithmetic(asked(FOUR), said(answer), {})
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    assert verdict.reason.startswith("expected 4, the answer states ")


@pytest.mark.parametrize(("prompt", "value"), VALUES.items())
def test_expression_of_a_prompt_has_its_value(prompt: str, value: str) -> None:
    found = last_expression(prompt)
    assert found is not None
    assert found.value is not None
    assert shown(found.value) == value


@pytest.mark.parametrize("prompt", NO_VALUE)
def test_prompt_without_arithmetic_is_never_a_pass(prompt: str) -> None:
    assert judge_arithmetic(asked(prompt), said("4"), {}).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("prompt", "answer", "holds"),
    [
        ("15-7", "15-7=8", True),
        ("5-8=", "-3", True),
        ("5-8=", "3", False),
        ("5-8", "The answer is -3.", True),
        ("5-8", "5 - 8 = −3", True),
        ("500+500", "1000", True),
        ("500+500", "1,000", True),
        ("500+500", "1001", False),
        ("10/4", "2.5", True),
        ("1/4+1/4=", "1/2", True),
        ("10/2", "10/2", False),
        ("10/3=", "3.33", True),
        ("10/3=", "3", False),
        ("0.1 + 0.2", "0.30000000000000004", True),
        ("0.1 + 0.2", "0.5", False),
        ("2-1", "The answer is one.", True),
        ("2-1", "That is one of the easiest: 3", False),
        ("What is 20+1?", "twenty-one", True),
        ("What is 20+1?", "I say twenty one.", True),
        ("What is 20+1?", "twenty", False),
        ("1/4+1/4=", "5/0", False),
        ("123*456", "123 * 400 = 49200\n123*50 = 6150\n123*6 = 738\n49,200 + 6,150 + 738 = 56,088", True),
        ("Hi, I have 3 + 4 dogs. How many?", "7", True),
    ],
)
def test_answers_to_other_prompts(prompt: str, answer: str, *, holds: bool) -> None:
    assert judge_arithmetic(asked(prompt), said(answer), {}).outcome.passed is holds


@pytest.mark.parametrize(
    ("expected", "answer", "outcome"),
    [
        (42, "It is 42.", Outcome.CORROBORATED),
        ("42", "42.0", Outcome.CORROBORATED),
        ("1,000", "1000", Outcome.CORROBORATED),
        ("four", "4", Outcome.CORROBORATED),
        (3.14, "3.14159", Outcome.CORROBORATED),
        (-2, "-2", Outcome.CORROBORATED),
        (42, "41", Outcome.FALSIFIED),
        (3.14, "3.2", Outcome.FALSIFIED),
        (True, "1", Outcome.INCONCLUSIVE),
        ("Paris", "4", Outcome.INCONCLUSIVE),
        (float("nan"), "4", Outcome.INCONCLUSIVE),
        ("9" * 100, "4", Outcome.INCONCLUSIVE),
        ([4], "4", Outcome.INCONCLUSIVE),
    ],
)
def test_expected_number_takes_the_place_of_the_prompts(expected: Json, answer: str, outcome: Outcome) -> None:
    assert judge_arithmetic(asked("How many?", expected=expected), said(answer), {}).outcome is outcome


def test_tolerance_has_an_effect_but_not_on_whole_numbers() -> None:
    assert judge_arithmetic(asked("10/3"), said("3"), {"tolerance": 0.2}).outcome.passed
    assert judge_arithmetic(asked("10/3"), said("3.33"), {"tolerance": "1e-6"}).outcome.failed
    assert judge_arithmetic(asked("500+500"), said("1001"), {"tolerance": 0.5}).outcome.failed


def test_last_answer_and_last_turn_are_judged() -> None:
    question = asked("What is 1+1?", "What is 2+2?")
    assert judge_arithmetic(question, said("2", "4"), {}).outcome.passed
    assert judge_arithmetic(question, said("4", "2"), {}).outcome.failed


def test_long_texts_are_read_in_a_window() -> None:
    assert len(find_expressions("1+1; " * 100_000)) < 2_000
    assert judge_arithmetic(asked(FOUR), said("word " * 200_000 + "\nThe answer is 4."), {}).outcome.passed
