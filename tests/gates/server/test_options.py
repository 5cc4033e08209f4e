"""What a server may tell of log-probabilities, item by item, and what a stop sequence does."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_aprqa.core import Json, Outcome, Verdict
from pytest_aprqa.gates.server.forks import Path, Rival, Step
from pytest_aprqa.gates.server.options import _item_wrong, judge_repeat
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import PLAIN, Question, Said
from pytest_aprqa.gates.server.table import judge_service
from pytest_aprqa.gates.server.ties import COARSE
from pytest_aprqa.serving.reply import Reply
from tests.gates.server.served import served, standin_spoken

ITEM: dict[str, Any] = {
    "token": "4",
    "logprob": -0.1,
    "bytes": [52],
    "top_logprobs": [
        {"token": "4", "logprob": -0.1, "bytes": [52]},
        {"token": "5", "logprob": -2.5, "bytes": None},
    ],
}


def item(*path: str | int, value: object) -> dict[str, Any]:
    """The good item, one value changed."""
    changed = copy.deepcopy(ITEM)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    "good",
    [ITEM, item("logprob", value=0), item("bytes", value=None), item("top_logprobs", value=[])],
)
def test_a_token_in_the_apis_shape_is_taken(good: dict[str, Any]) -> None:
    assert _item_wrong(good) == ""


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (item("token", value=4), "no text under 'token'"),
        (item("logprob", value=0.5), "above 0"),
        (item("logprob", value="-1"), "no finite number"),
        (item("logprob", value=True), "no finite number"),
        (item("logprob", value=float("-inf")), "no finite number"),
        (item("bytes", value=[256]), "for bytes"),
        (item("bytes", value="4"), "for bytes"),
        (item("top_logprobs", value=None), "no list top_logprobs"),
        (item("top_logprobs", value=ITEM["top_logprobs"] * 2), "4 alternatives, 3 were asked for"),
        (item("top_logprobs", 1, "logprob", value=-0.05), "not sorted"),
        (item("top_logprobs", 1, "logprob", value=None), "an alternative that has None for a logprob"),
    ],
)
def test_a_token_in_another_shape_is_refused(bad: dict[str, Any], words: str) -> None:
    assert words in _item_wrong(bad)


@pytest.mark.parametrize("bad", [None, [], "token"])
def test_what_is_no_token_is_refused(bad: Json) -> None:
    assert _item_wrong(bad)


def test_log_probabilities_of_other_tokens_than_the_message_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aprqa.gates.server.options._joined", lambda _: "something else")
    with served() as service:
        verdict = judge_service("F-HTTP-031", service)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "say 'something else'" in verdict.reason


def test_a_stop_sequence_that_is_ignored_is_named() -> None:
    with served("ignores_stop") as service:
        verdict = judge_service("F-HTTP-030", service)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "which holds it" in verdict.reason


def test_no_answer_long_enough_to_be_stopped_is_inconclusive() -> None:
    with served("empty_content") as service:
        verdict = judge_service("F-HTTP-030", service, alone=True)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.compared == 0


def test_answers_that_part_at_a_near_tie_are_the_same_answer_and_named() -> None:
    spoken = standin_spoken()
    undecided = tuple(
        replace(one, text="1: 4", steps=(Step(1, (Rival("6", 0.001),)), Step(4)))
        if one.asked == Question(PLAIN)
        else one
        for one in spoken.said
    )
    with served("random_answers") as service:
        service.spoken = lambda: replace(spoken, said=undecided)
        verdict = judge_repeat(service)
    # The first question's answers part at a near tie; those of the others do not.
    assert verdict.outcome is Outcome.FALSIFIED
    assert "'How are you?'" in verdict.reason
    assert "over 3 nats" in verdict.reason


def test_what_the_own_engine_does_not_know_the_server_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Question] = []

    def told(_: Service, question: Question) -> Path:
        asked.append(question)
        text = f"{len(asked)}: 4"
        return Path(text, (Step(1, tuple(Rival(digit, 0.1) for digit in "123456789")), Step(4)))

    monkeypatch.setattr("pytest_aprqa.gates.server.exchanges._told", told)
    with served("random_answers") as service:
        service.spoken = lambda: replace(standin_spoken(), said=())
        verdict = judge_repeat(service)
    assert verdict.outcome is Outcome.CORROBORATED
    assert len(asked) == verdict.compared
    assert "near ties: 'What is 2+2?' parts at character 0" in verdict.reason


def stopped(monkeypatch: pytest.MonkeyPatch, text: str, lead: float) -> Verdict:
    """What is judged where the server, asked for the same with a stop sequence, says something else."""

    def reply(*_: object) -> Reply:
        body = {"choices": [{"message": {"content": text}, "text": text, "finish_reason": "stop"}]}
        return Reply(200, {}, json.dumps(body).encode(), 1.0)

    def along(said: Said) -> Said:
        return replace(said, steps=(Step(len(said.text), (Rival("Never", lead),)),))

    monkeypatch.setattr("pytest_aprqa.gates.server.options.ask_again", reply)
    spoken = standin_spoken()
    with served() as service:
        service.spoken = lambda: replace(spoken, said=tuple(map(along, spoken.said)))
        return judge_service("F-HTTP-030", service, alone=True)


def test_another_answer_at_a_near_tie_tells_nothing_about_the_stop_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = stopped(monkeypatch, "Never mind", COARSE / 2)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "near ties" in verdict.reason


def test_another_answer_of_which_the_model_is_sure_refutes_the_stop_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stopped(monkeypatch, "Never mind", COARSE).outcome is Outcome.FALSIFIED


def test_an_answer_that_is_cut_too_early_is_no_other_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stopped(monkeypatch, "", 0.0).outcome is Outcome.FALSIFIED
