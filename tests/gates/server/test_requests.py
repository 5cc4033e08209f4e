from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pytest_aprqa.core import Outcome, Verdict
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server import requests, trying
from pytest_aprqa.gates.server.requests import (
    judge_beyond_context,
    judge_empty_messages,
    judge_error_message,
    judge_huge_max_tokens,
    judge_malformed,
    judge_max_tokens_one,
    judge_max_tokens_zero,
    judge_no_messages,
    judge_oversized,
    judge_recovery,
    judge_unknown_model,
)
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.table import judge_service
from tests.gates.server.planted import REQUESTS, Plant
from tests.gates.server.standing import HASTY_MS, planted, standing

Judge = Callable[[Service], Verdict]

JUDGES: list[Judge] = [
    judge_max_tokens_zero,
    judge_max_tokens_one,
    judge_huge_max_tokens,
    judge_beyond_context,
    judge_empty_messages,
    judge_no_messages,
    judge_malformed,
    judge_oversized,
    judge_unknown_model,
    judge_error_message,
    judge_recovery,
]


@pytest.fixture(scope="module")
def sound() -> Iterator[Service]:
    with standing() as service:
        yield service


@pytest.fixture(scope="module")
def raw() -> Iterator[Service]:
    with standing(chat_template=False) as service:
        yield service


def named(judge: Judge) -> str:
    return judge.__name__.removeprefix("judge_")


@pytest.mark.parametrize("judge", JUDGES, ids=named)
def test_a_sound_server_stands(judge: Judge, sound: Service) -> None:
    verdict = judge(sound)
    assert verdict.outcome is Outcome.CORROBORATED, verdict
    assert verdict.compared > 0


@pytest.mark.parametrize("judge", [one for one in JUDGES if one is not judge_empty_messages], ids=named)
def test_a_model_without_a_chat_template_is_asked_raw(judge: Judge, raw: Service) -> None:
    assert judge(raw).outcome is Outcome.CORROBORATED


def test_without_a_chat_template_there_are_no_messages_to_be_empty(raw: Service) -> None:
    with pytest.raises(Unjudgeable, match="no chat template"):
        judge_empty_messages(raw)


@pytest.mark.parametrize("plant", REQUESTS, ids=str)
def test_a_faulty_server_is_falsified(plant: Plant) -> None:
    with planted(plant) as service:
        verdict = judge_service(plant.gate_id, service, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict
    assert plant.words in verdict.reason


@pytest.mark.parametrize("fault", ["accepts_beyond_context", "no_usage"])
def test_nothing_that_says_that_a_prompt_was_cut_is_falsified(fault: str) -> None:
    with standing("accepts_beyond_context", fault) as service:
        assert judge_beyond_context(service).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize(("tokens", "words"), [(None, "not known"), (trying.MAX_CONTEXT + 1, "only up to")])
def test_a_context_that_cannot_be_overrun_is_not_judged(tokens: int | None, words: str) -> None:
    with standing(context_tokens=tokens) as service, pytest.raises(Unjudgeable, match=words):
        judge_beyond_context(service)


def test_a_short_answer_to_max_tokens_one_is_not_judged() -> None:
    with standing("empty_content") as service, pytest.raises(Unjudgeable, match="too short"):
        judge_max_tokens_one(service)


def test_answers_that_are_never_the_same_leave_nothing_to_compare_with() -> None:
    with standing("random_answers") as service, pytest.raises(Unjudgeable, match="does not answer the same way twice"):
        judge_recovery(service)


def test_a_server_that_does_not_answer_plain_questions_is_not_judged_by_bad_ones() -> None:
    with standing("status_500") as service, pytest.raises(Unjudgeable, match="status 500"):
        judge_malformed(service)


def test_where_every_bad_request_is_taken_no_error_can_have_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "TRIES", {"a text that is no JSON": trying.TRIES["a text that is no JSON"]})
    with standing("accepts_malformed") as service, pytest.raises(Unjudgeable, match="no bad request was refused"):
        judge_error_message(service)


def test_each_bad_request_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Service] = []

    def record(service: Service, _send: object) -> trying.Tried:
        sent.append(service)
        return trying.Tried(None, "closed")

    monkeypatch.setattr(trying, "_try", record)
    with standing() as service:
        judge_recovery(service)
        assert judge_malformed(service).outcome is Outcome.FALSIFIED
        judge_recovery(service)
    assert len(sent) == len(trying.TRIES)


def test_a_server_that_hangs_is_replaced_for_whoever_asks_next() -> None:
    with standing("hangs_on_oversized", timeout_ms=HASTY_MS) as service:
        before = service.server()
        judge_oversized(service)
        assert not before.alive
        assert service.server() is not before
