from __future__ import annotations

import pytest

from pytest_aprqa.core import Answer, Completion, Finish, Metrics, Outcome
from pytest_aprqa.gates import Observation, judge_inference, judge_quality, judge_stability


def completion(*texts: str) -> Completion:
    answers = tuple(Answer(text, (1,), Finish.STOP, 3) for text in texts)
    return Completion("r", answers, Metrics(1.0, 3, 1, 1))


def case(
    outcome: Outcome = Outcome.CORROBORATED, *, hostile: bool = False, has_text: bool = True, garbage: bool = False
) -> Observation:
    return Observation("run[x]", outcome, hostile, has_text, garbage)


@pytest.mark.parametrize("text", ["4", " Paris.", "\n\n!", "你好", "\x00a"])
def test_one_printable_character_is_an_answer(text: str) -> None:
    assert judge_inference(completion(text)).outcome is Outcome.CORROBORATED


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\x7f" * 32, "\x00", "\u200b", "\u3000"])
def test_an_answer_without_a_printable_character_fails_inference(text: str) -> None:
    assert judge_inference(completion(text)).outcome is Outcome.FALSIFIED


def test_no_answer_at_all_says_nothing_of_inference() -> None:
    assert judge_inference(completion()).outcome is Outcome.INCONCLUSIVE


def test_one_crash_on_a_well_formed_request_fails_stability() -> None:
    verdict = judge_stability([case(), case(Outcome.CRASHED), case()])
    assert verdict.outcome is Outcome.FALSIFIED
    assert verdict.compared == 3


@pytest.mark.parametrize(
    "harmless", [case(Outcome.TIMEOUT), case(Outcome.FALSIFIED), case(Outcome.CRASHED, hostile=True)]
)
def test_neither_a_timeout_nor_a_wrong_answer_nor_a_crash_on_hostile_input_fails_stability(
    harmless: Observation,
) -> None:
    verdict = judge_stability([case(), harmless])
    assert verdict.outcome is Outcome.CORROBORATED


@pytest.mark.parametrize("cases", [[], [case(Outcome.SKIPPED)], [case(Outcome.CRASHED, hostile=True)]])
def test_stability_of_nothing_observed_is_inconclusive(cases: list[Observation]) -> None:
    assert judge_stability(cases).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("garbage", "total", "outcome"), [(1, 4, "corroborated"), (26, 100, "falsified"), (1, 3, "falsified")]
)
def test_more_than_a_quarter_of_garbage_fails_quality(garbage: int, total: int, outcome: str) -> None:
    verdict = judge_quality([case(garbage=place < garbage) for place in range(total)])
    assert verdict.outcome == outcome
    assert verdict.compared == total


def test_only_generated_texts_count_for_quality() -> None:
    cases = [case(garbage=True), *[case(Outcome.CRASHED, has_text=False)] * 9]
    assert judge_quality(cases).outcome is Outcome.FALSIFIED
    assert judge_quality(cases[1:]).outcome is Outcome.INCONCLUSIVE
