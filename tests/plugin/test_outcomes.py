"""What becomes of a case: each outcome as pytest shows it and as the evidence keeps it, serially and on two workers."""

from __future__ import annotations

import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import Selection
from tests.plugin.conftest import Project

CASE = "run[safetensors-cpu-two_plus_two]"


def test_a_healthy_model_passes_and_leaves_evidence(project: Project) -> None:
    result = project.run(project.playbook())
    result.assert_outcomes(passed=11)
    assert result.ret == pytest.ExitCode.OK
    evidence = project.evidence()
    assert {record.outcome for record in evidence.records} == {Outcome.CORROBORATED}
    assert evidence.run.selection is Selection.COMPLETE
    assert evidence.distinct_prompts == 3
    assert evidence.weights[0].digests["model.safetensors"]
    assert evidence.engines[0].name == "fake"
    assert project.record(CASE).answers[0].text == "4"
    result.stdout.fnmatch_lines(["*run[[]safetensors-cpu]*3/3 corroborated*"])


def test_a_wrong_answer_is_a_failed_test_in_one_line(project: Project) -> None:
    project.script(answers={"2\\+2": "The answer is 5."})
    result = project.run(project.playbook(), "-k", "two_plus_two")
    result.assert_outcomes(failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*falsified F-A1-001: *"])
    assert "examiner.py" not in result.stdout.str()
    assert project.record(CASE).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        ({"crash": "SIGSEGV"}, Outcome.CRASHED),
        ({"exit": 3}, Outcome.CRASHED),
        ({"hang": True}, Outcome.TIMEOUT),
        ({"raise": "MemoryError"}, Outcome.CRASHED),
        ({"refuse": "not today"}, Outcome.FALSIFIED),
    ],
    ids=["segfault", "exit", "hang", "memory", "refusal"],
)
def test_a_broken_engine_fails_its_case_and_no_other(serial: Project, act: dict[str, object], outcome: Outcome) -> None:
    serial.script(answers={"3\\*3": act})
    playbook = serial.playbook(test_matrix={"timeout_ms": 3000}, scenarios=SCENARIOS_RUN, failure_policy="collect-all")
    serial.run(playbook, "-m", "run")
    assert serial.record("run[safetensors-cpu-three_times_three]").outcome is outcome
    others = [it for it in serial.evidence().records if it.modality and "three" not in it.case_id]
    assert {record.outcome for record in others} == {Outcome.CORROBORATED}
    assert len(others) == 2


SCENARIOS_RUN: list[dict[str, object]] = [
    {"name": "two_plus_two", "prompt": "What is 2+2?", "oracle": "arithmetic", "expected": 4},
    {"name": "three_times_three", "prompt": "What is 3*3?", "oracle": "arithmetic", "expected": 9},
    {"name": "four_plus_four", "prompt": "What is 4+4?", "oracle": "arithmetic", "expected": 8},
]


def test_memory_beyond_the_limit_ends_the_engine_and_says_so(serial: Project) -> None:
    serial.script(answers={"3\\*3": {"allocate_bytes": 900_000_000, "answer": "9"}})
    playbook = serial.playbook(failure_policy="collect-all")
    serial.run(playbook, "-m", "run", "--aprqa-memory-limit=400M")
    record = serial.record("run[safetensors-cpu-three_times_three]")
    assert record.outcome is Outcome.CRASHED
    assert "memory" in record.reason
    assert serial.record(CASE).outcome is Outcome.CORROBORATED


def test_a_prompt_that_nothing_can_judge_is_inconclusive_and_no_pass(project: Project) -> None:
    scenario = {"name": "mute", "prompt": "What is 2+2?", "oracle": {"type": "json"}}
    project.script(answers={"2\\+2": "Hello there, this is prose."})
    hopeless = {"name": "vague", "prompt": "hm", "oracle": "arithmetic"}
    result = project.run(project.playbook(scenarios=[scenario, hopeless]), "-m", "run")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 inconclusive*"])
    assert project.record("run[safetensors-cpu-vague]").outcome is Outcome.INCONCLUSIVE


def test_a_run_that_judged_nothing_is_no_success(project: Project) -> None:
    playbook = project.playbook(skips=[{"backend": "cpu", "reason": "not on this machine"}])
    result = project.run(playbook)
    result.assert_outcomes(skipped=11)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.run(playbook, "--aprqa-allow-missing").ret == pytest.ExitCode.OK


def test_a_conversation_without_a_chat_template_is_skipped(project: Project) -> None:
    project.script(chat_template=False)
    project.run(project.playbook(), "-m", "chat or run")
    record = project.record("chat[safetensors-cpu-two_plus_two]")
    assert record.outcome is Outcome.SKIPPED
    assert "chat template" in record.reason
    assert project.record(CASE).outcome is Outcome.CORROBORATED


def test_a_broken_fixture_of_the_user_is_an_error_and_not_a_verdict(serial: Project) -> None:
    serial.pytester.makeconftest(
        """
        import pytest
        @pytest.fixture
        def awake(engine):
            raise RuntimeError("my own mistake")
        """
    )
    result = serial.run(serial.playbook(), "-k", "run and capital")
    result.assert_outcomes(errors=1)
    record = serial.record("run[safetensors-cpu-capital]")
    assert record.outcome is Outcome.INCONCLUSIVE
    assert "my own mistake" in record.reason


def test_a_partial_selection_is_partial(project: Project) -> None:
    project.run(project.playbook(), "-m", "run")
    evidence = project.evidence()
    assert evidence.run.selection is Selection.PARTIAL
    assert isinstance(evidence.mqs, dict)
    assert evidence.mqs["status"] == "PARTIAL"


def test_missing_weights_say_how_to_get_them(project: Project) -> None:
    playbook = project.playbook(model={"hf_repo": "acme/not-here", "formats": ["safetensors"], "local_path": None})
    text = playbook.read_text().replace("  local_path: null\n", "")
    playbook.write_text(text)
    result = project.run(playbook)
    result.assert_outcomes(skipped=11)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    output = result.stdout.str()
    assert "PENDING" in output
    assert "--aprqa-download" in output
    assert "--aprqa-model-cache" in output


def test_cases_that_nothing_can_judge_are_no_success_even_when_gateways_pass(serial: Project) -> None:
    vague = {"name": "vague", "prompt": "hm", "oracle": "arithmetic"}
    result = serial.run(serial.playbook(scenarios=[vague]))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
