"""What a run under ``fail-fast`` leaves behind of the failure that ends it."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pytest_aprqa.core import Format, Outcome
from pytest_aprqa.formats import GgufTensor, write_gguf
from pytest_aprqa.playbook import read_playbook
from pytest_aprqa.plugin.fingerprints import fingerprints
from pytest_aprqa.plugin.first_failure import first_failed
from pytest_aprqa.plugin.repository import repository_of
from tests.plugin.conftest import FOLDER, Project
from tests.reports.samples import record
from tests.tiny import make_tiny

FILES = {
    "diagnostics.json",
    "environment.json",
    "exchange.json",
    "gate.json",
    "playbook.yaml",
    "stderr.log",
    "summary.md",
    "tensors.json",
}
WRONG = {"2\\+2\\?": "It is 5."}
ONE_CELL = {"modalities": ["run"]}
FAIL_FAST = "--aprqa-failure-policy=fail-fast"


def report(project: Project, *below: str) -> Path:
    return project.pytester.path.joinpath("certifications", FOLDER, *below, "fail-fast-report")


def read(project: Project, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((report(project) / name).read_text())
    return value


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["serial", "n1"])
def test_a_wrong_answer_leaves_a_report(serial: Project, workers: tuple[str, ...]) -> None:
    project = serial
    project.script(answers=WRONG)
    path = project.playbook(test_matrix=ONE_CELL)
    result = project.run(FAIL_FAST, path, workers=workers)
    result.stdout.fnmatch_lines([
        "*[[]FAIL-FAST[]] falsified * in run[[]safetensors-cpu-two_plus_two[]]",
        f"*[[]FAIL-FAST[]] report: {report(project)}/summary.md",
    ])  # fmt: skip
    assert {file.name for file in report(project).iterdir()} == FILES
    assert (report(project) / "playbook.yaml").read_bytes() == path.read_bytes()
    assert read(project, "exchange.json")["answers"][0]["text"] == "It is 5."
    assert read(project, "environment.json")["engines"][0]["name"] == "fake"
    tensors = read(project, "tensors.json")
    assert tensors["left_out"] is None
    assert len(tensors["tensors"]) > 10
    assert read(project, "diagnostics.json")["weights"][0]["source"] == "playbook model.local_path"


def test_the_command_names_the_item_that_failed(serial: Project) -> None:
    serial.script(answers=WRONG)
    serial.run(FAIL_FAST, serial.playbook(test_matrix=ONE_CELL))
    words = shlex.split(read(serial, "diagnostics.json")["reproduction"]["command"])
    assert words[:2] == ["pytest", f"{serial.pytester.path / 'tiny.playbook.yaml'}::run[safetensors-cpu-two_plus_two]"]
    result = serial.run("--collect-only", "-q", *words[1:])
    assert [line for line in result.outlines if "::" in line] == [words[1].rpartition("/")[2]]


def test_a_dead_engine_leaves_a_report(serial: Project) -> None:
    serial.script(answers={"What is 3": {"crash": "SIGSEGV"}})
    serial.run(FAIL_FAST, serial.playbook(test_matrix=ONE_CELL))
    failure = read(serial, "diagnostics.json")["failure"]
    assert (failure["outcome"], failure["exit_code"]) == ("crashed", -11)
    assert (report(serial) / "stderr.log").is_file()


def test_a_failing_gateway_leaves_a_report_and_the_way_to_its_item(serial: Project) -> None:
    (serial.model / "config.json").write_text("{}")
    serial.run(FAIL_FAST, serial.playbook(test_matrix=ONE_CELL))
    assert read(serial, "gate.json")["gateway"] == "G0"
    assert "::G0_integrity[safetensors-cpu]" in read(serial, "diagnostics.json")["reproduction"]["command"]
    assert read(serial, "exchange.json")["asked"] is False


def test_another_policy_leaves_none(serial: Project) -> None:
    serial.script(answers=WRONG)
    path = serial.playbook(test_matrix=ONE_CELL)
    serial.run("--aprqa-failure-policy=stop-on-first", path).stdout.no_fnmatch_line("*FAIL-FAST*")
    assert not report(serial).exists()


def test_without_a_failure_the_report_of_an_earlier_run_goes(serial: Project) -> None:
    report(serial).mkdir(parents=True)
    (report(serial) / "summary.md").touch()
    serial.run(FAIL_FAST, serial.playbook(test_matrix=ONE_CELL)).stdout.no_fnmatch_line("*FAIL-FAST*")
    assert not report(serial).exists()


def test_only_the_first_failure_is_reported(serial: Project) -> None:
    serial.script(answers=WRONG)
    for name in ("a", "b"):
        serial.playbook(name, test_matrix=ONE_CELL)
    result = serial.run(FAIL_FAST, serial.pytester.path)
    assert str(result.stdout).count("[FAIL-FAST] report:") == 1
    assert report(serial, "a").is_dir()
    assert not report(serial, "b").exists()


def test_a_report_that_cannot_be_written_is_said_and_ends_nothing(serial: Project) -> None:
    serial.script(answers=WRONG)
    folder = report(serial).parent
    folder.mkdir(parents=True)
    report(serial).write_text("in the way")
    result = serial.run(FAIL_FAST, serial.playbook(test_matrix=ONE_CELL))
    result.stdout.fnmatch_lines(["*evidence was not written: *fail-fast-report: cannot be written*"])
    assert (folder / "evidence.json").is_file()


def test_a_gateway_that_is_switched_off_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.playbook.yaml"
    path.write_text("model: {hf_repo: a/b}\ntest_matrix: {}\ngates: {g1_model_loads: false}\n")
    playbook = read_playbook(path, {})
    off, on = record("G1-LOAD", outcome=Outcome.FALSIFIED), record("G2-INFER", outcome=Outcome.FALSIFIED)
    assert first_failed([record("G1-LOAD"), off], playbook) is None
    assert first_failed([off, on], playbook) is on


def test_every_tensor_is_listed_with_the_digest_of_its_bytes(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_file({"w": values}, tmp_path / "model.safetensors")
    write_gguf(tmp_path / "model.gguf", {}, [GgufTensor("w", "F32", (2, 3), lambda: values)])
    for format, names in ((Format.SAFETENSORS, ["model.safetensors"]), (Format.GGUF, ["model.gguf", "config.json"])):
        assert fingerprints(format, tmp_path, names)["tensors"] == [{
            "name": "w",
            "dtype": "F32",
            "shape": [2, 3],
            "bytes": 24,
            "file": f"model.{format}",
            "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
        }]  # fmt: skip


def test_fingerprints_end_in_time_and_say_what_is_missing(tmp_path: Path) -> None:
    make_tiny(tmp_path)
    ticks = iter(range(1000))
    found = fingerprints(Format.SAFETENSORS, tmp_path, [], max_seconds=3, clock=lambda: float(next(ticks)))
    tensors = found["tensors"]
    assert isinstance(tensors, list)
    hashed = [it for it in tensors if isinstance(it, dict) and it["sha256"] is not None]
    assert len(hashed) == 2
    assert found["left_out"] == f"{len(tensors) - 2} of {len(tensors)} tensors were not hashed within 3 s"


@pytest.mark.parametrize("format", list(Format))
def test_broken_files_are_said(tmp_path: Path, format: Format) -> None:
    (tmp_path / f"model.{format}").write_bytes(b"broken")
    for names in ([f"model.{format}"], []):
        left_out = fingerprints(format, tmp_path, names)["left_out"]
        assert str(left_out).startswith("the files cannot be read")


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_the_repository_of_a_playbook_is_told(tmp_path: Path) -> None:
    file = tmp_path / "x.playbook.yaml"
    file.write_text("a")
    git(tmp_path, "init", "-b", "trunk")
    assert repository_of(file)["commit"] is None
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "x")
    found = repository_of(file)
    assert (len(str(found["commit"])), found["branch"], found["dirty"]) == (40, "trunk", False)
    file.write_text("b")
    assert repository_of(file)["dirty"] is True
    untracked = tmp_path / "y.playbook.yaml"
    git(tmp_path, "checkout", "--detach")
    git(tmp_path, "checkout", ".")
    untracked.write_text("a")
    assert (repository_of(file)["dirty"], repository_of(untracked)["dirty"]) == (False, True)
    assert repository_of(file)["branch"] is None


def test_no_repository_and_no_git_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"commit": None, "branch": None, "dirty": None}
    assert repository_of(tmp_path / "x.playbook.yaml") == nothing
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repository_of(Path(__file__)) == nothing
