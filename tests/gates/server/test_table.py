from __future__ import annotations

from collections import Counter

import pytest

from pytest_aprqa.core import GATES, EngineCrashed, EngineUnavailable, Outcome
from pytest_aprqa.gates.check import Kind
from pytest_aprqa.gates.server.service import Service, Spoken
from pytest_aprqa.gates.server.table import SERVER_CHECKS, judge_service
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.server import Server, ServeWish
from tests.gates.server.planted import (
    ALONE,
    ANSWERED,
    CLOSED_PORT,
    FUNCTIONAL,
    HELD_OPEN,
    OF_TESTS,
    PLANTED,
    RAW_STREAM,
    SILENT,
    STARTS,
)
from tests.gates.server.served import served
from tests.gates.server.standing import planted
from tests.serving.opened import LIMITS, NOWHERE, TARGET
from tests.serving.standin import FAULTS, Standin
from tests.serving.standin_server import StandinServer


def falsified(service: Service) -> set[str]:
    return {gate_id for gate_id in FUNCTIONAL if judge_service(gate_id, service).outcome is Outcome.FALSIFIED}


def test_every_gate_on_servers_has_one_check() -> None:
    wanted = {gate_id for gate_id in GATES if gate_id.startswith(("F-SERVE-", "F-HTTP-", "F-API-"))}
    counted = Counter(check.gate_id for check in SERVER_CHECKS)
    assert set(counted) == wanted
    assert set(counted.values()) == {1}
    assert {check.kind for check in SERVER_CHECKS} == {Kind.SERVER}


def test_a_check_rests_on_earlier_ones_only() -> None:
    seen: set[str] = set()
    for check in SERVER_CHECKS:
        assert seen.issuperset(check.after), check.gate_id
        seen.add(check.gate_id)


def test_the_gates_that_stop_the_server_come_last() -> None:
    assert [check.gate_id for check in SERVER_CHECKS[-2:]] == ["F-SERVE-005", "F-HTTP-004"]


def test_a_correct_server_stands_every_gate() -> None:
    with served() as service:
        verdicts = {gate_id: judge_service(gate_id, service) for gate_id in FUNCTIONAL}
    others = {gate_id: verdict for gate_id, verdict in verdicts.items() if not verdict.outcome.passed}
    assert not others
    assert min(verdict.compared for verdict in verdicts.values()) > 0


def test_a_correct_server_of_ours_stands_the_whole_table() -> None:
    with served(ours=True) as service:
        verdicts = {check.gate_id: judge_service(check, service) for check in SERVER_CHECKS}
    assert {gate_id: verdict for gate_id, verdict in verdicts.items() if not verdict.outcome.passed} == {}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_falsifies_its_gate_and_no_other(fault: str) -> None:
    with served(fault) as service:
        assert falsified(service) == {PLANTED[fault]}


@pytest.mark.parametrize("fault", SILENT)
def test_a_server_that_does_not_answer_is_told_once(fault: str) -> None:
    with served(fault, timeout_ms=400) as service:
        assert falsified(service) == {ANSWERED}
        assert "within 400 ms" in judge_service(ANSWERED, service).reason


def test_every_gate_has_a_planted_fault_and_every_fault_a_gate() -> None:
    gates = {CLOSED_PORT, ANSWERED, *PLANTED.values(), *STARTS.values(), *(plant.gate_id for plant in ALONE)}
    assert gates == {check.gate_id for check in SERVER_CHECKS}
    faults = {*PLANTED, *SILENT, *STARTS, *(plant.fault for plant in ALONE)}
    assert faults | OF_TESTS == set(FAULTS)
    assert not faults & OF_TESTS


def test_raw_streams_have_a_gate_of_their_own() -> None:
    with served(RAW_STREAM.fault) as service:
        assert judge_service(RAW_STREAM.gate_id, service).reason.startswith("not checked: F-HTTP-022 is falsified: ")
        verdict = judge_service(RAW_STREAM.gate_id, service, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED
    assert RAW_STREAM.words in verdict.reason


def test_a_stream_that_does_not_end_is_no_answer() -> None:
    with planted(HELD_OPEN) as service:
        verdict = judge_service(HELD_OPEN.gate_id, service, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED
    assert HELD_OPEN.words in verdict.reason


def test_a_server_that_never_gets_ready_falsifies_the_first_gate() -> None:
    with Standin("never_ready") as standin, served() as service:
        wish = ServeWish(url=standin.url, ready_timeout_ms=300)
        service.server = lambda: open_server(TARGET, NOWHERE, LIMITS, wish)
        assert falsified(service) == {"F-SERVE-001"}


def test_a_server_that_dies_at_its_start_falsifies_the_first_gate() -> None:
    def crash() -> Server:
        raise EngineCrashed("starting", exit_code=1)

    with served() as service:
        service.server = crash
        assert falsified(service) == {"F-SERVE-001"}


def test_a_server_that_died_is_not_ready() -> None:
    with served() as service:
        server = service.server()
        server.stop()
        service.server = lambda: server
        assert falsified(service) == {"F-SERVE-001"}


def test_a_closed_port_falsifies_the_connection() -> None:
    server = StandinServer()
    server.standin.stop()  # the port is closed, and nothing says that the server died
    with served() as service:
        service.server = lambda: server
        assert falsified(service) == {CLOSED_PORT}


def test_a_missing_extra_is_no_fault_of_the_server() -> None:
    def missing() -> Server:
        raise EngineUnavailable("llama_cpp", "not there", install="pip install it")

    with served() as service:
        service.server = missing
        verdicts = [judge_service(gate_id, service) for gate_id in FUNCTIONAL]
    assert {verdict.outcome for verdict in verdicts} == {Outcome.INCONCLUSIVE}
    assert "pip install it" in verdicts[0].reason


def test_without_the_own_engine_nothing_is_claimed_of_what_it_would_say() -> None:
    def silent() -> Spoken:
        raise EngineCrashed("loading", exit_code=-11)

    with served() as service:
        service.spoken = silent
        verdicts = {gate_id: judge_service(gate_id, service) for gate_id in FUNCTIONAL}
    unknown = {gate_id for gate_id, verdict in verdicts.items() if verdict.outcome is Outcome.INCONCLUSIVE}
    assert unknown == {"F-HTTP-012", "F-HTTP-013", "F-HTTP-029", "F-SERVE-PARITY-001", "F-HTTP-014"}
    assert "SIGSEGV" in verdicts["F-HTTP-014"].reason
