"""Serving as a user meets it: items of a playbook whose server is a stand-in, sound or with a planted fault."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil
import pytest

from pytest_aprqa.core import Outcome
from tests.plugin.conftest import Project

STAND_IN = f"{sys.executable} -m tests.serving.standin --port {{port}}"
ROOT = Path(__file__).parents[2]
ALLOW = "--aprqa-allow-commands"
OURS = "APRQA_TESTS_SERVING"


@pytest.fixture(autouse=True)
def _stand_in_is_importable_and_known_as_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(OURS, str(tmp_path))


def playbook(project: Project, *faults: str, **serve: object) -> Path:
    """A playbook of one serve cell."""
    command = " ".join((STAND_IN, *(f"--fault {fault}" for fault in faults)))
    matrix = {"modalities": ["serve"], "backends": ["cpu"]}
    scenarios = [{"name": "two_plus_two", "prompt": "What is 2+2?", "oracle": "arithmetic", "expected": 4}]
    serve = serve or {"command": command}
    return project.playbook(test_matrix=matrix, scenarios=scenarios, serve=serve, failure_policy="collect_all")


def test_a_serve_case_is_asked_of_the_playbooks_own_server_which_is_gone_afterwards(project: Project) -> None:
    result = project.run(playbook(project), ALLOW)
    assert result.ret == pytest.ExitCode.OK
    record = project.record("serve[safetensors-cpu-two_plus_two]")
    assert record.outcome is Outcome.CORROBORATED
    assert record.answers[0].text == "4"
    assert record.metrics is not None
    assert record.metrics.ttft_ms is not None
    assert project.record("server[safetensors-cpu-F-SERVE-001]").outcome is Outcome.CORROBORATED
    assert [engine.name for engine in project.evidence().engines if "server" in engine.name] == ["command server"]
    assert _stand_ins(os.environ[OURS]) == []


def test_a_command_of_a_playbook_is_not_started_unless_the_user_says_so(serial: Project) -> None:
    result = serial.run(playbook(serial))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    record = serial.record("serve[safetensors-cpu-two_plus_two]")
    assert record.outcome is Outcome.SKIPPED
    assert "--aprqa-allow-commands" in record.reason


def test_a_wrong_answer_of_the_server_is_refuted(serial: Project) -> None:
    result = serial.run(playbook(serial, "wrong_answers"), ALLOW)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert serial.record("serve[safetensors-cpu-two_plus_two]").outcome is Outcome.FALSIFIED


def test_a_server_that_never_gets_ready_is_told_once_with_the_end_of_its_log(serial: Project) -> None:
    command = f"{STAND_IN} --fault never_ready"
    serial.run(playbook(serial, command=command, ready_timeout_ms=2000), ALLOW)
    start = serial.record("server[safetensors-cpu-F-SERVE-001]")
    assert start.outcome is Outcome.FALSIFIED
    assert "2000 ms" in start.reason
    case = serial.record("serve[safetensors-cpu-two_plus_two]")
    assert case.outcome is Outcome.SKIPPED
    assert "F-SERVE-001 falsified" in case.reason


def test_a_server_that_dies_at_once_is_told_with_its_exit_code(serial: Project) -> None:
    command = f"{sys.executable} -c \"import sys; print('no such model'); sys.exit(7)\" {{port}}"
    serial.run(playbook(serial, command=command), ALLOW)
    start = serial.record("server[safetensors-cpu-F-SERVE-001]")
    assert start.outcome is Outcome.FALSIFIED
    assert "exit code 7" in start.reason
    assert "no such model" in start.stderr_tail


def test_a_server_that_hangs_is_a_timeout_of_the_case_alone(serial: Project) -> None:
    path = playbook(serial, "hang")
    path.write_text(path.read_text().replace("timeout_ms: 10000", "timeout_ms: 1500"))
    serial.run(path, ALLOW)
    assert serial.record("serve[safetensors-cpu-two_plus_two]").outcome is Outcome.TIMEOUT


def test_an_endpoint_that_nobody_answers_is_told_and_nothing_is_asked_of_it(serial: Project) -> None:
    result = serial.run(playbook(serial, url="http://127.0.0.1:9", ready_timeout_ms=1000))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    start = serial.record("server[safetensors-cpu-F-SERVE-001]")
    assert start.outcome is Outcome.FALSIFIED
    assert "127.0.0.1:9" in start.reason


def test_a_key_that_is_not_there_is_told_by_its_name(serial: Project) -> None:
    serial.run(playbook(serial, url="http://127.0.0.1:9", api_key_env="NO_SUCH_KEY"))
    assert "'NO_SUCH_KEY'" in serial.record("server[safetensors-cpu-F-SERVE-001]").reason


def test_an_engine_without_a_server_is_a_skip(serial: Project) -> None:
    path = playbook(serial, formats=["gguf"])
    serial.run(path)
    assert serial.record("serve[safetensors-cpu-two_plus_two]").reason == "the engine 'fake' has no server"


def _stand_ins(ours: str) -> list[int]:
    """Stand-ins of this test that are still running."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "tests.serving.standin" in process.cmdline() and process.environ().get(OURS) == ours:
                found.append(process.pid)
    return found
