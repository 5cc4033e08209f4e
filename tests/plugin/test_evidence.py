"""Evidence: the same however it was gathered, never lost, never over another model's, and taken up again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import read_evidence, read_journal, untimed
from tests.plugin.conftest import FOLDER, SCENARIOS, Project


def drawn(project: Project, *, policy: str = "stop-on-p0") -> Path:
    """A playbook with drawn scenarios, listed ones and edge probes, and more time than a busy machine takes."""
    matrix = {"scenario_count": 12, "modalities": ["run", "chat"], "timeout_ms": 120_000}
    return project.playbook(test_matrix=matrix, metadata={"tier": "mvp"}, failure_policy=policy)


@pytest.mark.parametrize("how", [("-n", "2"), ("-n", "4"), ("-n", "2", "--dist", "loadfile"), ("-p", "no:xdist")])
def test_evidence_is_the_same_however_it_was_gathered(serial: Project, how: tuple[str, ...]) -> None:
    serial.script(answers={"3\\*3": "It is 10."})
    playbook = drawn(serial, policy="collect-all")
    serial.run(playbook, workers=("-n", "0"))  # in a process of its own, as what it is compared with
    expected = serial.evidence()
    serial.run(playbook, workers=how)
    found = serial.evidence()
    assert found.run.id != expected.run.id
    assert untimed(found) == untimed(expected)


def test_the_journal_has_every_record(project: Project) -> None:
    project.run(drawn(project))
    journal = read_journal(project.pytester.path / "certifications" / FOLDER / "evidence.jsonl")
    assert journal.truncated is None
    assert {record.case_id for record in journal.records} == {it.case_id for it in project.evidence().records}


def test_a_killed_run_loses_only_the_batch_in_flight_and_leaves_no_orphan(serial: Project) -> None:
    """The two sums, of one length, are a batch; the model hangs on the next one, which stands between them."""
    serial.script(answers={"capital": {"hang": True}})
    scenarios = [SCENARIOS[0], SCENARIOS[2], SCENARIOS[1]]
    playbook = serial.playbook(test_matrix={"timeout_ms": 60_000, "modalities": ["run"]}, scenarios=scenarios)
    command = [sys.executable, "-m", "pytest", "--aprqa-engine=fake", "--aprqa-batch=2", str(playbook)]
    process = subprocess.Popen(command, cwd=serial.pytester.path, stdout=subprocess.DEVNULL)
    journal = serial.pytester.path / "certifications" / FOLDER / "evidence.jsonl"
    wait_until(lambda: journal.exists() and '"carried"' in journal.read_text())
    wait_until(lambda: len(psutil.Process(process.pid).children(recursive=True)) > 0)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    contents = read_journal(journal)
    assert {record.gate_id for record in contents.records} >= {"G0-VALIDATE-001", "G1-LOAD", "G2-INFER"}
    assert [record.scenario for record in contents.records if record.modality] == ["two_plus_two"]
    assert [record.scenario for record in contents.carried] == ["three_times_three"]
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    serial.script(arithmetic=False)
    serial.run(playbook, f"--aprqa-resume={journal}")
    resumed = {record.scenario: record.resumed for record in serial.evidence().records if record.modality}
    assert resumed == {"two_plus_two": True, "capital": False, "three_times_three": True}
    assert serial.record("run[safetensors-cpu-three").outcome is Outcome.CORROBORATED


def wait_until(condition: object, *, seconds: float = 60) -> None:
    """Waits for what another process does; fails when it does not come."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_a_run_is_taken_up_where_it_ended(project: Project) -> None:
    playbook = drawn(project)
    project.run(playbook, "-m", "run")
    journal = project.pytester.path / "certifications" / FOLDER / "evidence.jsonl"
    project.script(default="I was asked again.")
    project.run(playbook, f"--aprqa-resume={journal}")
    taken = [record for record in project.evidence().records if record.modality == "run"]
    assert len(taken) == 16
    assert {record.resumed for record in taken if record.outcome is Outcome.CORROBORATED} == {True}


def test_other_weights_are_never_served_from_a_journal(serial: Project) -> None:
    playbook = serial.playbook()
    serial.run(playbook)
    journal = serial.pytester.path / "certifications" / FOLDER / "evidence.jsonl"
    config = serial.model / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "rms_norm_eps": 1e-6}))
    serial.run(playbook, f"--aprqa-resume={journal}")
    assert not any(record.resumed for record in serial.evidence().records)


def test_another_models_evidence_is_never_overwritten(project: Project) -> None:
    project.run(project.playbook())
    before = (project.pytester.path / "certifications" / FOLDER / "evidence.json").read_bytes()
    other = project.playbook(model={"hf_repo": "acme/other"})
    folder = project.pytester.path / "certifications"
    (folder / FOLDER).rename(folder / "acme--other")
    result = project.run(other)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (folder / "acme--other" / "evidence.json").read_bytes() == before
    result.stderr.fnmatch_lines(["*holds evidence of acme/tiny*"])


def test_two_playbooks_of_one_model_have_a_folder_each(project: Project) -> None:
    project.playbook("a")
    project.playbook("b")
    project.run(project.pytester.path)
    assert project.evidence("a").playbook.name == "a"
    assert project.evidence("b").playbook.name == "b"


def test_output_goes_where_the_user_says(project: Project) -> None:
    project.run(project.playbook(), "--aprqa-output=elsewhere")
    assert (project.pytester.path / "elsewhere" / FOLDER / "evidence.json").exists()
    assert not (project.pytester.path / "certifications").exists()


def test_a_journal_that_cannot_be_read_is_a_usage_error(serial: Project) -> None:
    (serial.pytester.path / "x.jsonl").write_text("not a journal\n")
    result = serial.run(serial.playbook(), "--aprqa-resume=x.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--aprqa-resume: *x.jsonl*"])


def test_an_output_that_cannot_be_written_is_refused_before_the_run(project: Project) -> None:
    (project.pytester.path / "file").write_text("")
    result = project.run(project.playbook(), "--aprqa-output=file")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*evidence cannot be written: *file is no folder; choose another --aprqa-output*"])


def test_warnings_and_what_is_not_tested_are_shown(serial: Project) -> None:
    result = serial.run(serial.playbook(oracels=[], ollama_parity={"enabled": True}))
    result.stdout.fnmatch_lines(["warning: *did you mean 'oracles'*", "not tested: *ollama_parity*"])


def test_a_partial_run_puts_a_complete_runs_evidence_aside(serial: Project) -> None:
    playbook = serial.playbook()
    serial.run(playbook)
    whole = serial.evidence()
    for _ in range(2):
        serial.run(playbook, "-k", "two_plus_two")
    folder = serial.pytester.path / "certifications" / FOLDER
    assert read_evidence(folder / "evidence.complete.json") == whole
    assert len(serial.evidence().records) < len(whole.records)
