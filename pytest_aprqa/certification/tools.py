"""Every check that makes sense on one artefact: its file is looked at, then a playbook for it alone runs under pytest.

The artefact is its own ground truth, so that nothing is said of what converting or quantizing did to the model.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from pytest_aprqa.certification.errors import CertificationError
from pytest_aprqa.certification.outlook import Outlook, outlook_of
from pytest_aprqa.certification.process import Ended, run_pytest
from pytest_aprqa.certification.shown import time_words
from pytest_aprqa.certification.wishes import Wishes, pytest_arguments
from pytest_aprqa.core import GATES, Format, Json, counted, slug
from pytest_aprqa.evidence import EVIDENCE_NAME, Evidence, Record, model_folder, read_evidence
from pytest_aprqa.evidence.atomic import write_atomically
from pytest_aprqa.formats import SINGLE_FILE, apr_layout, gguf, holds_weights

TOOLS_NAME: Final = "tool_tests.json"
"""File of the rows, in the output folder."""
_LOOK_S: Final = 600.0
"""Longest time of a command that reads the file alone."""
_TAIL_CHARS: Final = 400
LOOKS: Final[Mapping[str, tuple[str, ...]]] = {"inspect": ("--no-tensors",), "validate-contract": ()}
"""Our own commands about the file → their options."""
_A_LINE_EACH: Final = ("-v", "--no-header")
_INTERRUPTED: Final = 2
"""pytest's own exit code of an interrupted run."""
_SUFFIXES: Final = {".gguf": Format.GGUF, ".apr": Format.APR}
_MAGICS: Final = {Format.GGUF: gguf.MAGIC, Format.APR: apr_layout.MAGIC}


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One check."""

    tool: str
    """Such as ``inspect``, ``integrity``, ``load``, ``run``, ``state``, ``profile``, ``server``."""
    gate_id: str
    """Empty for a command that judges no gate."""
    target: str
    """Such as ``gguf-cpu``; empty for a command about the file."""
    passed: bool | None
    """None where it was skipped, or nothing could be judged."""
    exit_code: int | None
    """0 or 1, a dead engine's own; None where it was skipped."""
    duration_ms: float | None
    reason: str

    @property
    def skipped(self) -> bool:
        """True when nothing was judged."""
        return self.passed is None

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {
            "tool": self.tool,
            "gate_id": self.gate_id,
            "target": self.target,
            "passed": self.passed,
            "skipped": self.skipped,
            "exit_code": self.exit_code,
            "duration_ms": self.duration_ms,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Tried:
    """All checks of one artefact."""

    path: Path
    rows: tuple[ToolRow, ...]
    ended: Ended
    evidence: Path | None
    """None where pytest left none."""
    planned: int
    """How many checks were to be made."""
    asked: int
    """How many of them were; a gateway is one, and has a row for each of its gates."""

    @property
    def unasked(self) -> int:
        """How many checks an interruption left; 0 without one."""
        return max(0, self.planned - self.asked) if self.ended.interrupted else 0

    @property
    def passed(self) -> bool:
        """Nothing failed, and something was judged."""
        judged = [row for row in self.rows if not row.skipped and row.gate_id]
        return bool(judged) and all(row.passed is not False for row in self.rows) and not self.ended.interrupted

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        counts = {
            "passed": sum(row.passed is True for row in self.rows),
            "failed": sum(row.passed is False for row in self.rows),
            "skipped": sum(row.skipped for row in self.rows),
        }
        return {
            "model_path": str(self.path),
            "passed": self.passed,
            "interrupted": self.ended.interrupted,
            "not_asked": self.unasked,
            "counts": dict(counts),
            "evidence": None if self.evidence is None else str(self.evidence),
            "tools": [row.to_json() for row in self.rows],
        }


def foresee_tools(path: Path, *, no_gpu: bool, serve: bool) -> Outlook:
    """What would be asked of an artefact, and how long that may take; runs and keeps nothing.

    Raises:
        CertificationError: the path is no artefact.
    """
    with tempfile.TemporaryDirectory(prefix="aprqa-") as folder:
        playbook = _write_playbook(path, Path(folder), no_gpu=no_gpu, serve=serve)
        return outlook_of(playbook, Wishes(no_gpu=no_gpu), lock=None, awards=False)


def try_tools(
    path: Path,
    *,
    output: Path,
    no_gpu: bool,
    serve: bool,
    pytest: Callable[..., Ended] = run_pytest,
    tell: Callable[[str], None] = lambda _line: None,
) -> Tried:
    """Checks one artefact, and writes ``tool_tests.json``; an interruption ends it with what was asked so far.

    Args:
        path: a GGUF or APR file, a folder in Hugging Face layout, or the weight file in one.
        output: where everything is written.
        no_gpu: leave the gpu out.
        serve: also start a server.
        pytest: runs pytest.
        tell: takes a line on the progress.

    Raises:
        CertificationError: the path is none of these.
    """
    artefact, _ = artefact_of(path)
    outlook = foresee_tools(path, no_gpu=no_gpu, serve=serve)
    planned = len(LOOKS) + sum(outlook.items.values()) + sum(outlook.skips.values())
    tell(f"{counted(planned, 'check')} of {artefact}: {time_words(outlook.estimate)}")
    playbook = _write_playbook(path, output.absolute(), no_gpu=no_gpu, serve=serve)
    evidence = playbook.parent / model_folder(f"local/{_name(artefact)}") / EVIDENCE_NAME
    rows: list[ToolRow] = []
    fresh: Evidence | None = None
    try:
        for command, options in LOOKS.items():
            rows.append(_look(command, artefact, *options))
            tell(_told(rows[-1]))
        before = read_evidence(evidence).run.id if evidence.is_file() else ""
        wishes = Wishes(output=playbook.parent, no_gpu=no_gpu, failure_policy="collect-all", extra=_A_LINE_EACH)
        ended = pytest(pytest_arguments((playbook,), wishes), quiet=True)
        fresh = _left(evidence, before)
        rows += _judged(fresh, ended)
    except KeyboardInterrupt:  # pytest answers its own
        ended = Ended(_INTERRUPTED, signal.SIGINT)
    asked = min(len(rows), len(LOOKS)) + len({record.index for record in fresh.records} if fresh else ())
    tried = Tried(artefact, tuple(rows), ended, evidence if fresh else None, planned, asked)
    content = json.dumps(tried.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(playbook.parent / TOOLS_NAME, content.encode("utf-8", "backslashreplace") + b"\n")
    return tried


def _write_playbook(path: Path, folder: Path, *, no_gpu: bool, serve: bool) -> Path:
    artefact, format = artefact_of(path)
    name = _name(artefact)
    playbook = folder / f"{name}.playbook.yaml"
    text = playbook_text(artefact, format, name=name, no_gpu=no_gpu, serve=serve)
    write_atomically(playbook, text.encode("utf-8"))
    return playbook


def _name(artefact: Path) -> str:
    return f"tools-{slug(artefact.name).lower()}"


def _left(evidence: Path, before: str) -> Evidence | None:
    """What this run of pytest, and no earlier one, left."""
    found = read_evidence(evidence) if evidence.is_file() else None
    return None if found is None or found.run.id == before else found


def _judged(fresh: Evidence | None, ended: Ended) -> list[ToolRow]:
    if fresh is not None:
        return [*map(row_of, fresh.records)]
    missing = f"pytest ended with {ended.code} and left no evidence"
    return [ToolRow("pytest", "", "", False, ended.code, None, missing)]


def _told(row: ToolRow) -> str:
    spent = "" if row.duration_ms is None else f" {row.duration_ms / 1000:.1f} s"
    return f"{row.tool} {'passed' if row.passed else 'FAILED'}{spent}"


def artefact_of(path: Path) -> tuple[Path, Format]:
    """The file or folder that is meant, and its format by its name.

    Raises:
        CertificationError: it is no artefact.
    """
    expected = "expected a .gguf or .apr file, or a folder in Hugging Face layout with safetensors weights"
    if path.is_dir():
        if holds_weights(path):
            return path.absolute(), Format.SAFETENSORS
        raise CertificationError(f"{path}: {expected}; found a folder without {SINGLE_FILE}")
    if not path.is_file():
        raise CertificationError(f"{path}: {expected}; found nothing")
    if path.name == SINGLE_FILE:
        return path.parent.absolute(), Format.SAFETENSORS
    format = _SUFFIXES.get(path.suffix.lower())
    if format is None:
        raise CertificationError(f"{path}: {expected}; found a file named {path.name}")
    with path.open("rb") as file:
        if (begins := file.read(len(_MAGICS[format]))) != _MAGICS[format]:
            raise CertificationError(f"{path}: {expected}; found a file that begins with {begins!r}, which is none")
    return path.absolute(), format


def playbook_text(artefact: Path, format: Format, *, name: str, no_gpu: bool, serve: bool) -> str:
    """A playbook in which the artefact is alone: one question, and every check."""
    model: dict[str, Json] = {"hf_repo": f"local/{name}", "formats": [str(format)]}
    if format is Format.SAFETENSORS:
        model["local_path"] = _literal(artefact)
    else:
        model["files"] = {str(format): _literal(artefact)}
        model["ground_truth"] = "dequantized"
    content: dict[str, Json] = {
        "name": name,
        "version": "1.0.0",
        "model": model,
        "test_matrix": {
            "modalities": ["run", *(["serve"] if serve else [])],
            "backends": ["cpu", *([] if no_gpu else ["gpu"])],
            "scenario_count": 1,
            "max_tokens": 32,
        },
        "scenarios": [{"name": "hello", "prompt": "Say hello.", "oracle": "garbage"}],
        "failure_policy": "collect_all",
        "metadata": {"tier": "mvp"},
    }
    # JSON is YAML; the places of its lines do not matter to anybody.
    return json.dumps(content, indent=1) + "\n"


def row_of(record: Record) -> ToolRow:
    """A record of the evidence as a row."""
    gate = GATES.get(record.gate_id)
    gateway = None if gate is None else gate.gateway
    outcome = record.outcome
    passed = True if outcome.passed else (False if outcome.failed else None)
    return ToolRow(
        tool=record.case_id.partition("[")[0] if gateway is None else gateway.word,
        gate_id=record.gate_id,
        target=record.target_id or "",
        passed=passed,
        exit_code=_code(record, passed=passed),
        duration_ms=record.duration_ms,
        reason=record.reason,
    )


def _code(record: Record, *, passed: bool | None) -> int | None:
    if passed is None:
        return None
    return record.exit_code if record.exit_code is not None else int(not passed)


def _literal(path: Path) -> str:
    """A path that stands for itself in a playbook, where ``${`` begins a name."""
    text = str(path)
    if "${" in text:
        raise CertificationError(f"{text}: a path with ${{ cannot stand in a playbook; give the file another name")
    return text


def _look(command: str, artefact: Path, *options: str) -> ToolRow:
    """One of our own commands about the file, in a process of its own: a hostile file may hang or crash it."""
    words = [sys.executable, "-m", "pytest_aprqa.cli", command, str(artefact), *options]
    started = monotonic()
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LOOK_S,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
    except subprocess.TimeoutExpired:
        return ToolRow(command, "", "", False, None, _LOOK_S * 1000, f"not done within {_LOOK_S:.0f} s")
    told = done.stderr if done.returncode > 1 else done.stdout
    last = " ".join(told.split())[-_TAIL_CHARS:] if done.returncode else ""
    spent = round((monotonic() - started) * 1000, 1)
    return ToolRow(command, "", "", done.returncode == 0, done.returncode, spent, last)
