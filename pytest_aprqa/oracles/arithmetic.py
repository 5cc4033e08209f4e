"""Arithmetic: does the last answer state the number that the question asks for?

What is asked is the scenario's expected number, else the value of the last expression in the last prompt. A whole
number must be met exactly, whatever the tolerance: 1001 is not 1000. Any other must be met within `tolerance`,
absolute below 1 and relative above. Which of an answer's numbers counts is told in `stated`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from pytest_aprqa.core import Completion, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.expression import Expression, last_expression
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.numerals import expected_number, shown
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_number
from pytest_aprqa.oracles.stated import read_statement
from pytest_aprqa.oracles.text import excerpt, without_echo

KEYS: Final = frozenset({"tolerance"})
_MOST_SHOWN: Final = 6


def read_tolerance(config: Config) -> float:
    """The tolerance that a configuration sets, 0.01 by default."""
    return read_number(config, "tolerance", 0.01, high=1.0)


def asks_arithmetic(question: Question) -> bool:
    """True when a number is expected or the last prompt holds an expression that has a value."""
    return _wanted(question, last_expression(question.prompt)) is not None


def judge_arithmetic(question: Question, completion: Completion, config: Config) -> Verdict:
    """Corroborated when the last answer states the expected number; inconclusive when nothing says which that is."""
    tolerance = read_tolerance(config)
    expression = last_expression(question.prompt)
    expected = _wanted(question, expression)
    if expected is None:
        return inconclusive(f"no arithmetic that has a value in the prompt {excerpt(question.prompt, 60)!r}")
    answer = without_echo(completion.text, question.prompt)
    statement = read_statement(answer, expression)
    if any(_agree(value, expected, tolerance) for value in statement.allows(expected)):
        return corroborated(f"the answer states {shown(expected)}, as expected", compared=1, answer=excerpt(answer))
    found = [shown(number.value) for number in statement.numbers]
    stated = ", ".join(found[:_MOST_SHOWN]) + (" ..." if len(found) > _MOST_SHOWN else "") if found else "no number"
    return falsified(f"expected {shown(expected)}, the answer states {stated}", answer=excerpt(answer))


def _wanted(question: Question, expression: Expression | None) -> Fraction | None:
    if question.expected is not None:
        return expected_number(question.expected)
    return expression.value if expression else None


def _agree(value: Fraction, expected: Fraction, tolerance: float) -> bool:
    if expected.denominator == 1:
        return value == expected
    return abs(value - expected) <= Fraction(tolerance) * max(Fraction(1), abs(expected))
