"""Oracles: pure functions that judge what a model said, from generated text and token ids alone.

`oracles_for` says which judge a question, `judge` gives the verdict. Comparing nothing is never a pass.
"""

from pytest_aprqa.oracles.choice import applicable, choose, oracles_for
from pytest_aprqa.oracles.garbage import Limits, find_garbage
from pytest_aprqa.oracles.judging import judge
from pytest_aprqa.oracles.kind import Oracle
from pytest_aprqa.oracles.question import Question, question_of
from pytest_aprqa.oracles.table import check_spec, known_oracles

__all__ = [
    "Limits",
    "Oracle",
    "Question",
    "applicable",
    "check_spec",
    "choose",
    "find_garbage",
    "judge",
    "known_oracles",
    "oracles_for",
    "question_of",
]
