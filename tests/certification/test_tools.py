from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_aprqa.certification import TOOLS_NAME, CertificationError, Ended, tools, try_tools
from pytest_aprqa.certification.tools import ToolRow, artefact_of, playbook_text, row_of
from pytest_aprqa.core import Format, Gateway, Modality, Outcome
from pytest_aprqa.evidence import Evidence, output_folder, write_evidence
from pytest_aprqa.suite import agenda_of, plan_playbook
from tests.reports.samples import CPU, case, evidence, gateways, record
from tests.tiny import make_tiny


@pytest.mark.parametrize(
    ("name", "format"), [("a.gguf", Format.GGUF), ("b.APR", Format.APR)], ids=["gguf", "capital letters"]
)
def test_a_file_is_known_by_its_ending_and_its_first_bytes(tmp_path: Path, name: str, format: Format) -> None:
    (tmp_path / name).write_bytes({Format.GGUF: b"GGUF", Format.APR: b"APR\0"}[format])
    assert artefact_of(tmp_path / name) == (tmp_path / name, format)


def test_a_folder_is_known_by_its_weights(tmp_path: Path) -> None:
    make_tiny(tmp_path / "m")
    assert artefact_of(tmp_path / "m") == (tmp_path / "m", Format.SAFETENSORS)
    assert artefact_of(tmp_path / "m" / "model.safetensors") == (tmp_path / "m", Format.SAFETENSORS)


@pytest.mark.parametrize("name", ["missing.gguf", "empty", "notes.txt", "notes.gguf"])
def test_what_is_no_artefact_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "notes.gguf").write_text("a text")
    with pytest.raises(CertificationError, match=r"expected a \.gguf or \.apr file, or a folder"):
        artefact_of(tmp_path / name)


@pytest.mark.parametrize("format", list(Format))
def test_the_playbook_can_be_planned_and_asks_for_every_kind(tmp_path: Path, format: Format) -> None:
    text = playbook_text(tmp_path / 'my "model"', format, name="tools-my", no_gpu=True, serve=True)
    path = tmp_path / "tools-my.playbook.yaml"
    path.write_text(text)
    plan = plan_playbook(path, {}, strict=True, unavailable={})
    assert not plan.playbook.warnings
    functions = {entry.function for entry in agenda_of(plan)}
    assert functions >= {"integrity", "load", "inference", "run", "serve", "parity", "state", "profile", "server"}
    assert {entry.target.format for entry in agenda_of(plan)} == {format}
    assert all(entry.skip is None for entry in agenda_of(plan))


def test_without_a_server_none_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "tools-my.playbook.yaml"
    path.write_text(playbook_text(tmp_path, Format.GGUF, name="tools-my", no_gpu=False, serve=False))
    plan = plan_playbook(path, {}, strict=True, unavailable={})
    assert not {"serve", "server"} & {entry.function for entry in agenda_of(plan)}
    assert {str(entry.target.backend) for entry in agenda_of(plan)} == {"cpu", "gpu"}


def test_a_path_that_a_playbook_would_expand_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CertificationError, match="cannot stand in a playbook"):
        playbook_text(tmp_path / "${HOME}", Format.GGUF, name="x", no_gpu=True, serve=False)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (gateways(CPU)[0], ("integrity", True, 0)),
        (record("G1-LOAD", outcome=Outcome.CRASHED, exit_code=-11), ("load", False, -11)),
        (case("x", Modality.RUN, outcome=Outcome.TIMEOUT, answer=None), ("run", False, 1)),
        (record("F-RUN-005", outcome=Outcome.INCONCLUSIVE, case_id="state[x]"), ("state", None, None)),
        (record("F-X", outcome=Outcome.SKIPPED, case_id="profile[x]"), ("profile", None, None)),
    ],
)
def test_a_record_is_a_row(made: object, expected: tuple[str, bool | None, int | None]) -> None:
    from pytest_aprqa.evidence import Record

    assert isinstance(made, Record)
    row = row_of(made)
    assert (row.tool, row.passed, row.exit_code) == expected
    assert row.skipped is (expected[1] is None)


def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Evidence | None, ended: Ended) -> tools.Tried:
    """`try_tools` on a folder with a pytest that leaves this evidence, and commands that read the file well."""
    make_tiny(tmp_path / "m")
    monkeypatch.setattr(tools, "_look", lambda command, *_words: ToolRow(command, "", "", True, 0, 1.0, ""))
    model = "local/tools-m"

    def run(arguments: Sequence[str], *, quiet: bool) -> Ended:
        assert quiet
        assert arguments[0] == str(tmp_path / "out" / "tools-m.playbook.yaml")
        if made is not None:
            info = made.playbook.model_copy(update={"model": model})
            write_evidence(output_folder(tmp_path / "out", model), made.model_copy(update={"playbook": info}))
        return ended

    return try_tools(tmp_path / "m", output=tmp_path / "out", no_gpu=True, serve=False, pytest=run)


def test_rows_are_written_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = evidence([*gateways(CPU), case("hello", Modality.RUN), record("F-X", outcome=Outcome.SKIPPED)])
    result = tried(tmp_path, monkeypatch, made, Ended(0))
    assert result.passed
    told = json.loads((tmp_path / "out" / TOOLS_NAME).read_text())
    assert told == json.loads(json.dumps(result.to_json()))
    assert told["counts"] == {"passed": 17, "failed": 0, "skipped": 1}
    assert [row["tool"] for row in told["tools"]][:3] == ["inspect", "validate-contract", "integrity"]


@pytest.mark.parametrize(
    "made",
    [
        evidence([*gateways(CPU, failed=Gateway.G0)]),
        evidence([record("F-X", outcome=Outcome.SKIPPED)]),
        None,
    ],
    ids=["a failure", "nothing judged", "no evidence"],
)
def test_a_failure_and_nothing_are_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Evidence | None
) -> None:
    assert not tried(tmp_path, monkeypatch, made, Ended(1)).passed


def test_an_interruption_before_pytest_is_no_pass_and_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tiny(tmp_path / "m")

    def look(command: str, *_words: object) -> ToolRow:
        if command == "inspect":
            return ToolRow(command, "", "", True, 0, 1.0, "")
        raise KeyboardInterrupt

    monkeypatch.setattr(tools, "_look", look)
    said: list[str] = []
    result = try_tools(tmp_path / "m", output=tmp_path / "out", no_gpu=True, serve=False, tell=said.append)
    assert (result.passed, result.ended.signal, len(result.rows)) == (False, 2, 1)
    assert result.unasked == result.planned - 1
    assert json.loads((tmp_path / "out" / TOOLS_NAME).read_text())["not_asked"] == result.unasked
    assert "about" in said[0]
    assert said[1:] == ["inspect passed 0.0 s"]


def test_a_gateway_is_one_check_of_those_that_an_interruption_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = evidence(gateways(CPU))
    made = made.model_copy(update={"records": tuple(one.model_copy(update={"index": 0}) for one in made.records)})
    result = tried(tmp_path, monkeypatch, made, Ended(2, 2))
    assert len(result.rows) > result.asked == 3
    assert result.unasked == result.planned - 3


def test_an_earlier_runs_evidence_is_not_taken_for_this_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = evidence([*gateways(CPU), case("hello", Modality.RUN)])
    assert tried(tmp_path, monkeypatch, made, Ended(0)).passed
    again = tried(tmp_path, monkeypatch, None, Ended(3))
    assert not again.passed
    assert again.evidence is None
    assert again.rows[-1].reason == "pytest ended with 3 and left no evidence"


@pytest.mark.parametrize(
    ("script", "passed", "code", "reason"),
    [
        ("echo fine", True, 0, ""),
        ("echo 'refuted: x'; exit 1", False, 1, "refuted: x"),
        ("echo noise; echo 'Error: bad.gguf: no' >&2; exit 2", False, 2, "Error: bad.gguf: no"),
        ("kill -SEGV $$", False, -11, ""),
    ],
)
def test_a_command_about_the_file_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, passed: bool, code: int, reason: str
) -> None:
    (tmp_path / "python").write_text(f"#!/bin/bash\n{script}\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    row = tools._look("inspect", tmp_path / "bad.gguf")
    assert (row.tool, row.gate_id, row.passed, row.exit_code, row.reason) == ("inspect", "", passed, code, reason)


def test_a_command_that_hangs_is_a_failed_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").write_text("#!/bin/bash\nexec sleep 60\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tools, "_LOOK_S", 0.2)
    assert tools._look("inspect", tmp_path / "bad.gguf").passed is False
