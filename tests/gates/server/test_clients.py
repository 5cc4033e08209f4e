from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pytest_aprqa.core import Outcome, Verdict
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server import asking, clients, told
from pytest_aprqa.gates.server.asking import difference, voice
from pytest_aprqa.gates.server.clients import (
    CLIENTS,
    judge_disconnect,
    judge_own_answers,
    judge_slow_reader,
    judge_ten_clients,
)
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.table import judge_service
from tests.gates.server.planted import CROWD, Plant
from tests.gates.server.standing import HASTY_MS, planted, standing

Judge = Callable[[Service], Verdict]


@pytest.fixture(scope="module")
def sound() -> Iterator[Service]:
    with standing() as service:
        yield service


@pytest.fixture(scope="module")
def raw() -> Iterator[Service]:
    with standing(chat_template=False) as service:
        yield service


@pytest.mark.parametrize("judge", [judge_ten_clients, judge_own_answers, judge_disconnect, judge_slow_reader])
def test_a_sound_server_stands(judge: Judge, sound: Service) -> None:
    verdict = judge(sound)
    assert verdict.outcome is Outcome.CORROBORATED, verdict


@pytest.mark.parametrize("judge", [judge_ten_clients, judge_own_answers, judge_disconnect, judge_slow_reader])
def test_a_model_without_a_chat_template_is_asked_raw(judge: Judge, raw: Service) -> None:
    assert judge(raw).outcome is Outcome.CORROBORATED


@pytest.mark.parametrize("plant", CROWD, ids=str)
def test_a_faulty_server_is_falsified(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_SETTLING_S", 0.3)
    monkeypatch.setattr(clients, "_PAUSES_MS", (20.0, 60.0))
    with planted(plant) as service:
        verdict = judge_service(plant.gate_id, service, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict
    assert plant.words in verdict.reason


@pytest.mark.parametrize("fault", ["no_done", "stream_differs"])
def test_how_streams_end_and_whether_they_differ_is_another_gates_matter(fault: str) -> None:
    with standing(fault) as service:
        assert judge_ten_clients(service).outcome is Outcome.CORROBORATED
        assert judge_own_answers(service).outcome is Outcome.CORROBORATED


def test_an_answer_of_nobody_is_none_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with standing() as service:
        strange = [clients.Heard(asking.PROBE, streamed, "Bananas") for streamed in (False, True)]
        monkeypatch.setattr(clients, "_crowd", lambda _: strange[:1])
        assert "Bananas" in judge_own_answers(service).reason
        monkeypatch.setattr(clients, "_crowd", lambda _: strange[1:])
        assert judge_own_answers(service).outcome is Outcome.FALSIFIED


def test_answers_that_are_all_the_same_cannot_be_mixed_up() -> None:
    with standing("wrong_answers") as service, pytest.raises(Unjudgeable, match="only 1 different answers"):
        judge_own_answers(service)


def test_answers_that_are_never_the_same_alone_are_not_judged() -> None:
    with standing("random_answers") as service, pytest.raises(Unjudgeable, match="alone, too"):
        judge_own_answers(service)


@pytest.mark.parametrize(("clear", "outcome"), [(4, Outcome.CORROBORATED), (3, None)])
def test_an_answer_that_differs_alone_too_is_left_out(
    clear: int, outcome: Outcome | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_: Service, one: clients.Heard, __: object) -> str:
        if one.question == "?":
            raise Unjudgeable("alone, too, the answers differ")
        return ""

    heard = [*[clients.Heard("q", streamed=False)] * clear, *[clients.Heard("?", streamed=False)] * 4]
    monkeypatch.setattr(clients, "_crowd", lambda _: heard)
    monkeypatch.setattr(clients, "_wrong", wrong)
    with standing() as service:
        if outcome is None:
            with pytest.raises(Unjudgeable, match="alone, too"):
                judge_own_answers(service)
        else:
            verdict = judge_own_answers(service)
            assert (verdict.outcome, verdict.compared) == (outcome, clear)
            assert "4 are left out: alone, too" in verdict.reason


def test_a_server_stuck_by_clients_that_left_is_replaced() -> None:
    with standing("stuck_after_disconnect", timeout_ms=HASTY_MS) as service:
        before = service.server()
        judge_disconnect(service)
        assert not before.alive


def test_where_descriptors_cannot_be_counted_the_answer_alone_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.serving.standin_server.StandinServer.descriptors", lambda _: None)
    with standing() as service:
        assert judge_disconnect(service).compared == 1


def test_every_client_has_a_question_and_different_answers_come_first() -> None:
    owed = {f"q{number}": f"a{number % 5}" for number in range(CLIENTS + 4)}
    chosen = clients._chosen(owed)
    assert len(chosen) == CLIENTS
    assert len({owed[question] for question in chosen[:5]}) == 5


@pytest.mark.parametrize("chat", [True, False])
def test_a_parting_at_a_near_tie_is_none(chat: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told, "WIDEST", 9.0)
    with standing(chat_template=chat) as service:
        question = asking.PROBE
        before = asking.answered(voice(service).ask(question))
        now = f"{before[: before.index(' ')]} other1"
        assert "they part at character" in difference(service, question, before, now)
        monkeypatch.setattr(asking, "tie_of", lambda _: 9.0)
        assert difference(service, question, before, now) == ""
        assert difference(service, question, before, now.replace("other", "another"))


def test_without_log_probabilities_answers_must_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "tie_of", lambda _: 9.0)
    for fault in ("no_logprobs", "bad_logprobs"):
        with standing(fault) as service:
            before = asking.answered(voice(service).ask(asking.PROBE))
            assert difference(service, asking.PROBE, before, f"{before}!")
            assert not difference(service, asking.PROBE, before, before)
