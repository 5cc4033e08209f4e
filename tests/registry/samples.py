"""Registries, evidence files and moments that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_aprqa.core import Outcome, Target
from pytest_aprqa.evidence import Evidence, RunInfo, Selection, write_evidence
from pytest_aprqa.registry import COLUMNS, Award, Books, EvidenceFile, Row, enter, read_evidence_file, update_books
from tests.reports.samples import CPU, MODEL, good, record

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
RUN_AT = NOW - timedelta(days=1)
HEAD = ",".join(COLUMNS)


def a_run(
    tier: str | None = "mvp", *, at: datetime = RUN_AT, selection: Selection = Selection.COMPLETE, **changes: object
) -> Evidence:
    """Evidence of a run in which everything stood; `changes` are fields of the evidence."""
    made = good()
    run = RunInfo(id="r", finished_at=at.isoformat(), selection=selection, aprqa_version="0.1.0")
    playbook = made.playbook.model_copy(update={"tier": tier, "path": "not/here.playbook.yaml"})
    return made.model_copy(update={"run": run, "playbook": playbook, **changes})


def with_failure(made: Evidence, gate_id: str, target: Target = CPU) -> Evidence:
    """The same with one more record, that was falsified."""
    name = f"{gate_id}[late]"
    failed = record(gate_id, target, outcome=Outcome.FALSIFIED, index=len(made.records), case_id=name)
    return made.model_copy(update={"records": (*made.records, failed)})


def a_file(folder: Path, made: Evidence, *, name: str = "aprqa--aprqa-tiny") -> Path:
    return write_evidence(folder / name, made)


def csv_in(folder: Path, *lines: str) -> Path:
    """A registry file with these lines below the header."""
    path = folder / "models.csv"
    path.write_text("\n".join((HEAD, *lines)) + "\n", encoding="utf-8")
    return path


def line(model: str = MODEL, **cells: str) -> str:
    """One line of a registry."""
    known = {"model_id": model, "family": "aprqa", "parameters": "2M", "size_category": "tiny", "status": "PENDING"}
    return ",".join({**known, **cells}.get(name, "") for name in COLUMNS)


def kept_file(folder: Path, made: Evidence) -> EvidenceFile:
    """Evidence in its model's folder, under a name that a run of another tier does not overwrite."""
    path = a_file(folder, made)
    kept = path.with_name(f"evidence-{made.playbook.tier}.json")
    kept.write_bytes(path.read_bytes())
    return read_evidence_file(kept)


def posted(folder: Path, made: Evidence, *, now: datetime = NOW) -> Books:
    """The registry of a folder after a run was entered."""
    file = kept_file(folder, made)
    return update_books(
        folder / "models.csv", lambda books: enter(books, file, now=now, family="aprqa", parameters="2M").books
    )


def only_row(books: Books) -> Row:
    (row,) = books.registry.rows
    return row


def with_only(books: Books, changes: Mapping[str, Any], *, award: Award | None = None) -> Books:
    """The same with changes of the only row, and another record."""
    row = replace(only_row(books), **changes)
    awards = books.awards if award is None else books.awards.with_award(row.model_id, award)
    return Books(books.registry.with_row(row), awards)
