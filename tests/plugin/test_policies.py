"""What one failure ends, under each policy; the same serially and on two workers."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_aprqa.core import Outcome
from tests.plugin.conftest import Project


def outcomes(project: Project, policy: str, *below: str) -> Counter[Outcome]:
    """Counts of a run under a policy."""
    project.run(f"--aprqa-failure-policy={policy}", project.pytester.path)
    return Counter(record.outcome for record in project.evidence(*below).records)


@pytest.mark.parametrize(
    ("policy", "skipped"), [("collect-all", 0), ("stop-on-p0", 0), ("stop-on-first", 5), ("fail-fast", 5)]
)
def test_a_wrong_answer_ends_what_the_policy_says(project: Project, policy: str, skipped: int) -> None:
    project.script(answers={"2\\+2\\?": "It is 5."})
    project.playbook()
    counts = outcomes(project, policy)
    assert counts[Outcome.SKIPPED] == skipped
    assert counts[Outcome.FALSIFIED] == (1 if skipped else 2)


@pytest.mark.parametrize(("policy", "skipped"), [("collect-all", 0), ("stop-on-p0", 5)])
def test_a_crash_ends_the_models_cases_unless_all_are_collected(project: Project, policy: str, skipped: int) -> None:
    project.script(answers={"What is 3": {"crash": "SIGSEGV"}})
    project.playbook()
    assert outcomes(project, policy)[Outcome.SKIPPED] == skipped - (1 if skipped else 0)


def test_what_a_crash_ends_names_the_gateway(project: Project) -> None:
    project.script(answers={"What is 3": {"crash": "SIGSEGV"}})
    project.playbook()
    outcomes(project, "stop-on-p0")
    reason = project.record("chat[safetensors-cpu-capital]").reason
    assert reason == "G3 failed: run[safetensors-cpu-three_times_three] crashed the engine"
    assert project.record("G3-STABLE").outcome is Outcome.FALSIFIED


def test_fail_fast_ends_other_playbooks_too(project: Project) -> None:
    project.script(answers={"2\\+2\\?": "It is 5."})
    project.playbook("a")
    project.playbook("b")
    outcomes(project, "fail-fast", "a")
    assert {record.outcome for record in project.evidence("b").records} == {Outcome.SKIPPED}


def test_the_command_line_wins_over_the_playbook(project: Project) -> None:
    project.script(answers={"2\\+2\\?": "It is 5."})
    project.playbook(failure_policy="stop_on_first")
    assert outcomes(project, "collect-all")[Outcome.SKIPPED] == 0
    project.run(project.pytester.path / "tiny.playbook.yaml")
    assert project.evidence().run.failure_policy == "stop-on-first"
