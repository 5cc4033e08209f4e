"""The folder that a run leaves behind when its first failure ends it, under the policy ``fail-fast``.

Written by the process that keeps the books, at once: what comes after the failure cannot take it away.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_aprqa.core import GATES, EvidenceError, Json
from pytest_aprqa.evidence import Record, WeightsInfo
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.plugin.account import Account
from pytest_aprqa.plugin.fingerprints import fingerprints
from pytest_aprqa.plugin.repository import repository_of
from pytest_aprqa.reports import FirstFailure, first_failure_lines, render_first_failure
from pytest_aprqa.suite import is_on

FOLDER_NAME: Final = "fail-fast-report"
"""In the playbook's output folder."""


def first_failed(records: Sequence[Record], playbook: Playbook) -> Record | None:
    """The first record that ends a run; those of gateways that the playbook switches off end none."""
    return next((it for it in records if it.outcome.failed and _counts(it, playbook)), None)


def report_first_failure(account: Account, record: Record, *, command: Sequence[str], at: str) -> tuple[str, ...]:
    """Writes the folder.

    Args:
        account: of the playbook that failed.
        record: the failure.
        command: words of the command line, without the playbooks it names.
        at: now, ISO 8601 in UTC.

    Returns:
        Lines for the terminal.

    Raises:
        EvidenceError: the folder cannot be written.
    """
    path = Path(account.info.path)
    weights = tuple(it for it in account.weights if it.target == record.target_id)
    failure = FirstFailure(
        record=record,
        playbook=account.info,
        run=account.run,
        host=account.host,
        engines=tuple(it for it in account.engines if it.target == record.target_id),
        weights=weights,
        repository=repository_of(path),
        tensors=_tensors(record, weights),
        playbook_text=_text_as_run(path, account.info.sha256),
        command=shlex.join(["pytest", f"{path}::{record.item}" if record.item else str(path), *command]),
        at=at,
    )
    folder = account.folder / FOLDER_NAME
    _write(folder, render_first_failure(failure))
    return first_failure_lines(failure, str(folder))


def discard_report(folder: Path) -> None:
    """Removes the report of an earlier run; where it cannot be, writing the next one says so."""
    report = folder / FOLDER_NAME
    if report.is_symlink():
        report.unlink(missing_ok=True)
    else:
        shutil.rmtree(report, ignore_errors=True)


def _counts(record: Record, playbook: Playbook) -> bool:
    gateway = GATES[record.gate_id].gateway if record.gate_id in GATES else None
    return gateway is None or is_on(playbook, gateway)


def _tensors(record: Record, weights: Sequence[WeightsInfo]) -> dict[str, Json]:
    if record.format is None or not weights:
        return {"format": record.format, "tensors": [], "left_out": "the target's files were not found or not opened"}
    return fingerprints(record.format, Path(weights[0].folder), weights[0].digests)


def _text_as_run(path: Path, sha256: str) -> str | None:
    """The playbook's text, unless it is another by now."""
    try:
        data = path.read_bytes()
        return data.decode() if hashlib.sha256(data).hexdigest() == sha256 else None
    except (OSError, UnicodeDecodeError):
        return None


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes all files beside the folder and puts it in place at once."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, text in files.items():
            (part / name).write_bytes(text.encode())
        discard_report(folder.parent)
        part.rename(folder)
    except OSError as exc:
        shutil.rmtree(part, ignore_errors=True)
        raise EvidenceError(f"{folder}: cannot be written: {exc.strerror or exc}") from exc
