from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa import certification
from pytest_aprqa.certification import Ended, ToolRow, Tried
from tests.cli.running import apr_qa, apr_qa_process
from tests.tiny import make_tiny

PASSED = ToolRow("load", "G1-LOAD", "gguf-cpu", True, 0, 12.0, "it loads")
FAILED = ToolRow("state", "F-RUN-005", "gguf-cpu", False, 1, 1500.0, "the answer \x1b[31mchanged")
SKIPPED = ToolRow("server", "F-SERVE-001", "gguf-gpu", None, None, None, "no CUDA device")


def with_rows(monkeypatch: pytest.MonkeyPatch, *rows: ToolRow, ended: Ended = Ended(0)) -> None:  # noqa: B008 - a value
    def tried(path: Path, **_how: object) -> Tried:
        return Tried(path, rows, ended, None, 5, 1)

    monkeypatch.setattr(certification, "try_tools", tried)


def test_every_row_is_shown_and_nothing_failed_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    with_rows(monkeypatch, PASSED, SKIPPED)
    done = apr_qa("tools", "m.gguf")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "passed   load gguf-cpu G1-LOAD 0.0 s",
        "skipped  server gguf-gpu F-SERVE-001: no CUDA device",
        "2 checks, 0 failed, 1 skipped; output/tool_tests.json",
    ]


def test_a_failure_is_1_and_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    with_rows(monkeypatch, PASSED, FAILED)
    done = apr_qa("tools", "m.gguf", "-o", "x")
    assert done.returncode == 1
    assert r"FAILED   state gguf-cpu F-RUN-005 1.5 s: the answer \x1b[31mchanged" in done.stdout
    told = json.loads(apr_qa("tools", "m.gguf", "--json").stdout)
    assert (told["passed"], told["counts"]) == (False, {"passed": 1, "failed": 1, "skipped": 0})
    assert set(told["tools"][0]) >= {"tool", "gate_id", "passed", "skipped", "exit_code", "duration_ms", "reason"}


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    with_rows(monkeypatch, PASSED, ended=Ended(2, 2))
    done = apr_qa("tools", "m.gguf")
    assert done.returncode == 130
    last = "interrupted: 1 check of 5 asked, 4 not asked, 0 failed, 0 skipped; output/tool_tests.json"
    assert done.stdout.splitlines()[-1] == last
    told = json.loads(apr_qa("tools", "m.gguf", "--json").stdout)
    assert (told["passed"], told["interrupted"], told["not_asked"]) == (False, True, 4)


def test_a_dry_run_names_what_would_be_asked_and_the_time(tmp_path: Path) -> None:
    model = make_tiny(tmp_path / "m").folder
    done = apr_qa("tools", str(model), "--no-gpu", "--dry-run", "-o", str(tmp_path / "out"))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{model}: inspect, validate-contract, then ")
    assert "    G1_load[safetensors-cpu]" in lines
    assert lines[-1].startswith("time: about ")
    told = json.loads(apr_qa("tools", str(model), "--no-gpu", "--dry-run", "--json").stdout)
    assert told["dry_run"] is True
    assert len(told["checks"]["gateway"]) == 5
    assert told["estimate"]["seconds"] > 0
    assert [*tmp_path.iterdir()] == [model]


def test_what_is_no_model_is_2(tmp_path: Path) -> None:
    done = apr_qa_process("tools", tmp_path / "missing.gguf")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {tmp_path / 'missing.gguf'}: expected a .gguf or .apr file")
    assert done.stderr.count("\n") == 1
