"""Survives, deterministic, unjudgeable: judged by the run rather than by what is said."""

from __future__ import annotations

import pytest

from pytest_aprqa.core import Answer, Completion, Finish, Json, Outcome
from pytest_aprqa.oracles.deterministic import judge_deterministic
from pytest_aprqa.oracles.survives import judge_survives
from pytest_aprqa.oracles.unjudgeable import judge_unjudgeable
from tests.oracles.asking import METRICS, asked, said


@pytest.mark.parametrize("answer", ["", "\x00", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Paris"])
def test_any_text_survives(answer: str) -> None:
    verdict = judge_survives(asked("\x00"), said(answer), {})
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, 1)


@pytest.mark.parametrize("answer", ["\ufffd!", "a\ud800"])
def test_broken_text_does_not_survive(answer: str) -> None:
    assert judge_survives(asked("?"), said(answer), {}).outcome is Outcome.FALSIFIED


def test_character_cut_by_the_token_limit_survives() -> None:
    assert judge_survives(asked("?"), said("日\ufffd", finish=Finish.LENGTH), {}).outcome.passed


def test_replacement_character_of_the_prompt_may_come_back() -> None:
    assert judge_survives(asked("\ufffd?"), said("\ufffd!"), {}).outcome.passed


def test_missing_answer_and_missing_token_do_not_survive() -> None:
    assert judge_survives(asked("a", "b"), said("x"), {}).outcome is Outcome.FALSIFIED
    silent = Completion("r", (Answer("", (), Finish.STOP, 3),), METRICS)
    assert judge_survives(asked("a"), silent, {}).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize(
    ("first", "again", "outcome"),
    [
        (("Paris",), "Paris", Outcome.CORROBORATED),
        (("",), "", Outcome.CORROBORATED),
        (("a", "b"), ["a", "b"], Outcome.CORROBORATED),
        (("a", "b"), "b", Outcome.CORROBORATED),
        (("Paris",), "Parma", Outcome.FALSIFIED),
        (("Paris",), "", Outcome.FALSIFIED),
        (("a", "b"), ["x", "b"], Outcome.FALSIFIED),
        (("a",), ["a", "b"], Outcome.FALSIFIED),
        (("a",), None, Outcome.INCONCLUSIVE),
        (("a",), [], Outcome.INCONCLUSIVE),
    ],
)
def test_deterministic(first: tuple[str, ...], again: Json, outcome: Outcome) -> None:
    assert judge_deterministic(asked(*first), said(*first), {"again": again}).outcome is outcome


def test_unjudgeable_says_why() -> None:
    verdict = judge_unjudgeable(asked("?"), said("4"), {"why": "no reference was recorded"})
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "no reference was recorded")
