"""What a developer needs to work on the failure that ended a run: one folder's files, as texts.

The summary is written to be pasted into an issue; the other files hold what it shortens. Knows nothing of where the
folder is, and of nothing that a run did not record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import GATES, Json, visible
from pytest_aprqa.evidence import EngineInfo, HostInfo, PlaybookInfo, Record, RunInfo, WeightsInfo, plain_json
from pytest_aprqa.reports.failures import severity_of_record
from pytest_aprqa.reports.markdown import bullets, markdown_text, short, table

FORMAT_VERSION: Final = "1"
"""Of the folder's JSON files."""
SUMMARY: Final = "summary.md"
"""The file to read first."""
_EXCERPT_CHARS: Final = 2_000
_TITLE_CHARS: Final = 120
_FILES: Final[Mapping[str, str]] = {
    "diagnostics.json": "the failure, the weights, and how to see it again",
    "gate.json": "what was checked, with its numbers and limits",
    "exchange.json": "what was asked and answered: texts, token ids, sampling",
    "stderr.log": "the last words of a dead engine",
    "tensors.json": "name, type, shape and digest of every stored tensor",
    "environment.json": "machine, versions, engines, the playbook's repository",
    "playbook.yaml": "the playbook as it was run",
}


@dataclass(frozen=True, slots=True)
class FirstFailure:
    """The failure, and what was known when it came."""

    record: Record
    playbook: PlaybookInfo
    run: RunInfo
    host: HostInfo
    engines: tuple[EngineInfo, ...]
    """Those that answer for the failure's target."""
    weights: tuple[WeightsInfo, ...]
    """Those of the failure's target."""
    repository: Mapping[str, Json]
    """``commit``, ``branch`` and ``dirty`` of the repository that holds the playbook; null where unknown."""
    tensors: Mapping[str, Json]
    """Fingerprints of what the target's files store, or ``left_out`` with the reason."""
    playbook_text: str | None
    """None where the file is no longer what was run."""
    command: str
    """Shows the failure again."""
    at: str
    """ISO 8601 in UTC."""


def render_first_failure(failure: FirstFailure) -> dict[str, str]:
    """The folder's files: name to content."""
    record = failure.record
    files = {
        SUMMARY: _summary(failure),
        "diagnostics.json": _json(_diagnostics(failure)),
        "gate.json": _json(_gate(record)),
        "exchange.json": _json(_exchange(record)),
        "stderr.log": record.stderr_tail,
        "tensors.json": _json({"version": FORMAT_VERSION, **failure.tensors}),
        "environment.json": _json(_environment(failure)),
    }
    if failure.playbook_text is not None:
        files["playbook.yaml"] = failure.playbook_text
    return files


def first_failure_lines(failure: FirstFailure, folder: str) -> tuple[str, ...]:
    """What a terminal says of it, each line marked.

    Args:
        failure: what failed.
        folder: where the files are.
    """
    record = failure.record
    reason = visible(record.reason[:_EXCERPT_CHARS])
    said = (f"{record.outcome} {record.gate_id} in {record.case_id}", reason, f"report: {folder}/{SUMMARY}")
    return tuple(f"[FAIL-FAST] {visible(line)}" for line in (*said, f"again: {failure.command}"))


def _diagnostics(failure: FirstFailure) -> dict[str, Json]:
    record, run = failure.record, failure.run
    return {
        "version": FORMAT_VERSION,
        "at": failure.at,
        "failure": {
            "case": record.case_id,
            "gate": record.gate_id,
            "severity": severity_of_record(record),
            "outcome": record.outcome,
            "reason": record.reason,
            "compared": record.compared,
            "model": record.model,
            "target": record.target_id,
            "modality": record.modality,
            "scenario": record.scenario,
            "exit_code": record.exit_code,
            "duration_ms": record.duration_ms,
            "started_at": record.started_at,
            "notes": [*record.notes],
            "stderr": "stderr.log" if record.stderr_tail else None,
        },
        "weights": [weights.to_json() for weights in failure.weights],
        "environment": {
            "os": failure.host.os,
            "python": failure.host.python,
            "aprqa_version": run.aprqa_version,
            "repository": dict(failure.repository),
        },
        "reproduction": {
            "command": failure.command,
            "ran_as": [*run.command],
            "playbook": failure.playbook.path,
            "playbook_sha256": failure.playbook.sha256,
            "playbook_left_out": None if failure.playbook_text is not None else "the file was changed during the run",
            "scenarios_digest": failure.playbook.scenarios_digest,
            "failure_policy": run.failure_policy,
        },
    }


def _environment(failure: FirstFailure) -> dict[str, Json]:
    run = failure.run
    return {
        "version": FORMAT_VERSION,
        "host": failure.host.to_json(),
        "versions": {
            "pytest-aprqa": run.aprqa_version,
            "pytest": run.pytest_version,
            "hypothesis": failure.playbook.hypothesis_version,
        },
        "engines": [engine.to_json() for engine in failure.engines],
        "workers": run.workers,
        "options": run.to_json()["options"],
        "repository": dict(failure.repository),
    }


def _gate(record: Record) -> dict[str, Json]:
    gate = GATES.get(record.gate_id)
    return {
        "version": FORMAT_VERSION,
        "id": record.gate_id,
        "title": gate.title if gate else "",
        "category": gate.category if gate else None,
        "severity": severity_of_record(record),
        "gateway": gate.gateway if gate else None,
        "outcome": record.outcome,
        "reason": record.reason,
        "compared": record.compared,
        "numbers": dict(record.details),
        "oracles": [*record.oracles],
    }


def _exchange(record: Record) -> dict[str, Json]:
    return {
        "version": FORMAT_VERSION,
        "asked": bool(record.turns),
        "system": record.system,
        "turns": [*record.turns],
        "expected": record.expected,
        "sampling": {
            "temperature": record.temperature,
            "max_tokens": record.max_tokens,
            "seed": record.seed,
            "timeout_ms": record.timeout_ms,
            "prompting": record.prompting,
        },
        "answers": [answer.to_json() for answer in record.answers],
        "metrics": None if record.metrics is None else record.metrics.to_json(),
        "resumed": record.resumed,
    }


def _json(value: Mapping[str, Json]) -> str:
    return json.dumps(plain_json(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _summary(failure: FirstFailure) -> str:
    record = failure.record
    title = f"{record.gate_id} {record.outcome}: {record.model} {record.target_id or ''}".strip()
    parts = [
        f"# {markdown_text(title[:_TITLE_CHARS])}",
        f"{markdown_text(record.reason[:_EXCERPT_CHARS])}",
        table(("what", "found"), ([name, short(value)] for name, value in _facts(failure) if value)),
        "## See it again",
        _fenced(failure.command, "sh"),
        *_asked(record),
        *_numbers(record),
        *_last_words(record),
        "## Files",
        bullets(f"`{name}`: {words}" for name, words in _files(failure).items()),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(failure: FirstFailure) -> Iterator[tuple[str, str]]:
    record, repository = failure.record, failure.repository
    gate = GATES.get(record.gate_id)
    yield "hypothesis", gate.title if gate else ""
    yield "case", record.case_id
    yield "severity", severity_of_record(record)
    yield "playbook", f"{failure.playbook.name} ({failure.playbook.sha256[:12]})"
    for weights in failure.weights[:1]:
        revision = f", revision {weights.revision}" if weights.revision else ""
        yield "weights", f"{weights.source}{revision}"
    for engine in failure.engines[:3]:
        device = f"on {engine.device}" if engine.device else ""
        yield "engine", " ".join(it for it in (engine.name, _versions(engine.versions), device, engine.dtype) if it)
    yield "machine", f"{failure.host.os}, {failure.host.cpu}, Python {failure.host.python}"
    yield "pytest-aprqa", failure.run.aprqa_version
    if commit := repository.get("commit"):
        changed = ", with changes" if repository.get("dirty") else ""
        yield "repository", f"{commit} ({repository.get('branch') or 'no branch'}){changed}"


def _versions(versions: Mapping[str, str]) -> str:
    return f"({', '.join(f'{name} {version}' for name, version in versions.items())})" if versions else ""


def _asked(record: Record) -> Iterator[str]:
    if not record.turns:
        return
    yield "## What was asked, and answered"
    if record.system:
        yield f"system\n\n{_fenced(record.system)}"
    for number, turn in enumerate(record.turns[:5]):
        yield _fenced(turn)
        if number < len(record.answers):
            answer = record.answers[number].text
            yield f"answered\n\n{_fenced(answer)}" if answer else "answered nothing."
        else:
            yield "was not answered."
    if record.expected is not None:
        yield f"expected\n\n{_fenced(json.dumps(record.expected, ensure_ascii=False))}"


def _numbers(record: Record) -> Iterator[str]:
    if record.details:
        yield "## Numbers"
        yield _fenced(json.dumps(record.details, indent=1, ensure_ascii=False), "json")


def _last_words(record: Record) -> Iterator[str]:
    if record.stderr_tail:
        yield "## Last words of the engine"
        yield _fenced(record.stderr_tail[-_EXCERPT_CHARS:])


def _files(failure: FirstFailure) -> dict[str, str]:
    """The other files, each with what it holds."""
    files = dict(_FILES)
    if failure.playbook_text is None:
        del files["playbook.yaml"]
    if not failure.record.stderr_tail:
        files["stderr.log"] = "empty: no engine died"
    if left_out := failure.tensors.get("left_out"):
        files["tensors.json"] += f"; {markdown_text(str(left_out))}"
    return files


def _fenced(text: str, language: str = "") -> str:
    """A text as a block of code that it cannot end."""
    shown = text[:_EXCERPT_CHARS]
    cut = f"\n… ({len(text):,} characters)" if len(text) > _EXCERPT_CHARS else ""
    lines: Sequence[str] = [visible(line) for line in shown.split("\n")]
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence + language, *lines]) + f"{cut}\n{fence}"
