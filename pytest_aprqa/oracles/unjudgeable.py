"""Unjudgeable: says why a case cannot be judged, so that it shows instead of passing."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import Completion, Verdict, inconclusive
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_text

KEYS: Final = frozenset({"why"})


def read_why(config: Config) -> str:
    """The reason."""
    return read_text(config, "why") or "nothing says what a right answer is"


def judge_unjudgeable(question: Question, completion: Completion, config: Config) -> Verdict:  # noqa: ARG001  # one signature for all
    """Always inconclusive."""
    return inconclusive(read_why(config))
