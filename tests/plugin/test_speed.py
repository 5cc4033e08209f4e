"""Speed as a user meets it: items that are measured alone, thresholds of a playbook, a baseline of an earlier run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.scoring import speeds_of, tps_columns
from tests.plugin.conftest import FOLDER, Project

FLOOR = "profile[safetensors-cpu-F-PROFILE-CI-001]"


def playbook(project: Project, *, token_ms: int, **assertions: float) -> Path:
    """A playbook whose engine takes its time over each token."""
    project.script(token_ms=token_ms)
    profile = {"warmup": 1, "measure": 4, "tokens": 4, "assertions": assertions}
    return project.playbook(profile_ci=profile, failure_policy="collect_all")


def test_a_floor_is_held_and_what_was_measured_is_written_and_shown(project: Project) -> None:
    result = project.run(playbook(project, token_ms=5, min_throughput=1, max_ttft_ms=5000), "-m", "profile or run")
    assert result.ret == pytest.ExitCode.OK
    assert project.record(FLOOR).outcome is Outcome.CORROBORATED
    evidence = project.evidence()
    columns = tps_columns(evidence.records)
    assert 1 < (columns["tps_st_cpu"] or 0) <= 200
    assert columns["tps_gguf_cpu"] is None
    assert speeds_of(evidence)["safetensors-cpu"]["tokens"] == 4
    result.stdout.fnmatch_lines(["speed *", "*decode tok/s*", "*safetensors-cpu *"])
    assert "decode tok/s" in (project.pytester.path / "certifications" / FOLDER / "summary.md").read_text()


def test_a_throttled_engine_is_refuted(serial: Project) -> None:
    result = serial.run(playbook(serial, token_ms=20, min_throughput_cpu=1000, max_p50_ms=2), "-m", "profile")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert serial.record(FLOOR).outcome is Outcome.FALSIFIED
    assert "floor 1000 tok/s by the playbook" in serial.record(FLOOR).reason
    assert serial.record("profile[safetensors-cpu-F-PROFILE-CI-003]").outcome is Outcome.FALSIFIED
    assert serial.record("profile[safetensors-cpu-F-PROFILE-007]").outcome is Outcome.CORROBORATED


def test_a_loss_of_speed_against_an_earlier_run_is_refuted(serial: Project) -> None:
    serial.run(playbook(serial, token_ms=2), "-m", "profile")
    baseline = serial.pytester.path / "before.json"
    shutil.copyfile(serial.pytester.path / "certifications" / FOLDER / "evidence.json", baseline)
    result = serial.run(playbook(serial, token_ms=20), "-m", "profile", f"--aprqa-baseline={baseline}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert serial.record("profile[safetensors-cpu-F-PROFILE-DIFF-001]").outcome is Outcome.FALSIFIED
    assert serial.record("profile[safetensors-cpu-F-PROFILE-DIFF-002]").outcome is Outcome.FALSIFIED


@pytest.mark.parametrize(
    ("written", "words"), [(None, "before.json"), ("{", "before.json"), ("[]", "no speed was measured")]
)
def test_a_baseline_that_says_nothing_is_an_error_of_usage(serial: Project, written: str | None, words: str) -> None:
    baseline = serial.pytester.path / "before.json"
    if written is not None:
        baseline.write_text(written)
    result = serial.run(playbook(serial, token_ms=1), f"--aprqa-baseline={baseline}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--aprqa-baseline*{words}*"])


def test_a_baseline_of_another_model_is_an_error_since_nothing_would_be_compared(serial: Project) -> None:
    serial.run(playbook(serial, token_ms=1), "-m", "profile")
    written = serial.pytester.path / "certifications" / FOLDER / "evidence.json"
    baseline = serial.pytester.path / "before.json"
    baseline.write_text(written.read_text().replace("acme/tiny", "other/model"))
    result = serial.run(playbook(serial, token_ms=1), f"--aprqa-baseline={baseline}")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*--aprqa-baseline has no speed of the playbook's model*other/model*"])


def test_more_tokens_than_the_context_holds_judge_nothing(serial: Project) -> None:
    serial.script(token_ms=0, context_tokens=32)
    path = serial.playbook(profile_ci={"tokens": 64, "assertions": {"min_throughput": 1}})
    serial.run(path, "-m", "profile")
    record = serial.record(FLOOR)
    assert record.outcome is Outcome.INCONCLUSIVE
    assert "do not fit the model's context of 32" in record.reason
