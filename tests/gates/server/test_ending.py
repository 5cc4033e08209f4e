from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from pytest_aprqa.core import Outcome, Verdict
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server import asking, ending
from pytest_aprqa.gates.server.ending import judge_end, judge_end_under_load
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.table import judge_service
from pytest_aprqa.serving.server import Stopped
from tests.gates.server.planted import ENDS, Plant
from tests.gates.server.standing import planted, process, standing
from tests.serving.standin_server import StandinServer

Judge = Callable[[Service], Verdict]
both_ends = pytest.mark.parametrize("judge", [judge_end, judge_end_under_load])


@both_ends
def test_a_process_that_ends_stands(judge: Judge) -> None:
    with process() as service:
        verdict = judge(service)
        assert verdict.outcome is Outcome.CORROBORATED, verdict
        assert verdict.details["exit_code"] == 0


def test_a_process_that_leaves_a_child_is_falsified() -> None:
    with process("leaks_child") as service:
        verdict = judge_end(service)
    assert verdict.outcome is Outcome.FALSIFIED, verdict
    assert "1 of its processes lived on, its port stayed open" in verdict.reason


@pytest.mark.parametrize("plant", ENDS, ids=str)
def test_a_server_that_does_not_end_well_is_falsified(plant: Plant) -> None:
    with planted(plant) as service:
        verdict = judge_service(plant.gate_id, service, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict
    assert plant.words in verdict.reason
    assert ("lived on" in verdict.reason) == (plant.fault == "leaks_child")


@both_ends
def test_a_server_of_somebody_else_is_not_stopped(judge: Judge) -> None:
    with standing(ours=False) as service:
        with pytest.raises(Unjudgeable, match="not ours to stop"):
            judge(service)
        assert service.server().alive


@pytest.mark.parametrize("code", [0, -signal.SIGTERM, 128 + signal.SIGTERM])
def test_dead_of_the_signal_it_was_sent_is_an_end(code: int) -> None:
    stopped = Stopped(code, 5.0, killed=False, survivors=0, port_open=False)
    assert ending._verdict(stopped, "told to end").outcome is Outcome.CORROBORATED


@pytest.mark.parametrize("code", [1, -signal.SIGSEGV, -signal.SIGKILL, None])
def test_dead_of_anything_else_is_none(code: int | None) -> None:
    stopped = Stopped(code, 5.0, killed=False, survivors=0, port_open=False)
    assert ending._verdict(stopped, "told to end").outcome is Outcome.FALSIFIED


@pytest.mark.parametrize("fault", ["cut_stream", "hang"])
def test_without_streams_there_is_no_load(fault: str) -> None:
    with standing(fault, timeout_ms=300) as service, pytest.raises(Unjudgeable, match="no streams"):
        judge_end_under_load(service)


def test_a_stream_that_fails_later_takes_nothing_back() -> None:
    with standing() as service:
        caller = ending._Caller(asking.voice(service))
        caller.start()
        assert caller.is_answered()
        service.server().stop()
        caller.leave()
        assert caller.is_answered()


def test_a_server_may_let_its_streams_come_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[int] = []

    def stop(server: StandinServer, *, term_ms: int = 0) -> Stopped:
        allowed.append(term_ms)
        return Stopped(0, 5.0, killed=False, survivors=0, port_open=False)

    monkeypatch.setattr(ending, "_LOADED_TOKENS", 8)
    with standing(token_delay_ms=20.0) as service, monkeypatch.context() as patched:
        patched.setattr(StandinServer, "stop", stop)
        assert judge_end_under_load(service).outcome is Outcome.CORROBORATED
    # Twice a stream of eight tokens, twenty milliseconds between each two of them.
    assert allowed[0] >= ending._ENDING_MS + 2 * 7 * 20


def test_without_a_stream_at_the_moment_of_the_end_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending._Caller, "ran_at", lambda *_: False)
    with standing() as service, pytest.raises(Unjudgeable, match="no stream ran"):
        judge_end_under_load(service)
