"""Deterministic: does a second run of the same question give the same answer?

The second run's text comes in ``again`` (one text for the last answer, or a list with one for each turn); an oracle
cannot run anything itself, so without it nothing is compared.
"""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import Completion, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.text import counted

KEYS: Final = frozenset({"again"})


def read_again(config: Config) -> tuple[str, ...] | None:
    """The texts of the second run; empty answers are texts too. None where there was no second run."""
    again = config.get("again")
    if again is None:
        return None
    texts = tuple(text for text in (again if isinstance(again, list) else [again]) if isinstance(text, str))
    if len(texts) != (len(again) if isinstance(again, list) else 1):
        raise ValueError(f"again: expected the second run's text or a list of texts, found {again!r}")
    return texts


def judge_deterministic(question: Question, completion: Completion, config: Config) -> Verdict:  # noqa: ARG001  # one signature for all
    """Corroborated when every text of the second run equals the first run's."""
    again = read_again(config)
    if again is None:
        return inconclusive("there was no second run to compare with")
    first = [answer.text for answer in completion.answers][-len(again) :] if again else []
    if len(first) != len(again):
        return falsified(
            f"{len(again)} answers in the second run, {len(completion.answers)} in the first", compared=len(again)
        )
    for turn, (one, two) in enumerate(zip(first, again, strict=True), start=1 + len(completion.answers) - len(again)):
        if one != two:
            place = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
            here, there = one[place : place + 24], two[place : place + 24]
            return falsified(
                f"turn {turn} differs from character {place}: {here!r} first, {there!r} again", compared=len(again)
            )
    return corroborated(f"{counted(len(again), 'answer')} the same twice", compared=len(again))
