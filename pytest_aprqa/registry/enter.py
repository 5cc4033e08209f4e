"""Enters an evidence file into the registry: the row by the status machine, the record beside it. Pure.

Foreign evidence enters as imported: its numbers are shown, its model is never awarded, and it never takes the place of
what was measured here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pytest_aprqa.evidence import portable_playbook
from pytest_aprqa.registry.awards import Award, Origin
from pytest_aprqa.registry.evidence_files import EvidenceFile, EvidenceIndex
from pytest_aprqa.registry.moments import text_of
from pytest_aprqa.registry.row import Row
from pytest_aprqa.registry.settle import measured_row, new_row, settle, settled_status
from pytest_aprqa.registry.table import Books
from pytest_aprqa.scoring import Mqs, score_evidence


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of one file."""

    books: Books
    row: Row
    """The model's row afterwards."""
    changed: bool
    """Whether the row now rests on this file."""
    remark: str
    """Why it does not; empty when it does."""


@dataclass(frozen=True, slots=True)
class EnteredAll:
    """What became of a folder."""

    books: Books
    remarks: tuple[str, ...]
    """Files on which no row rests, and why."""


def enter(
    books: Books,
    file: EvidenceFile,
    *,
    now: datetime,
    mqs: Mqs | None = None,
    provenance_verified: bool = False,
    family: str = "",
    parameters: str = "",
) -> Entered:
    """The registry and its awards with an evidence file entered.

    Args:
        books: before.
        file: the evidence.
        now: the date of evidence that has none, and the latest that it can have.
        mqs: its score; computed where it is not given.
        provenance_verified: whether the provenance of everything that was tested is known.
        family: of a model that the registry does not know.
        parameters: of such a model, such as ``135M``.
    """
    scored = mqs or score_evidence(file.evidence)
    old = books.registry.find(file.model)
    base = old or new_row(file.model, family=family, parameters=parameters)
    record = award_of_file(file, scored, csv=books.registry.path, now=now)
    if not file.ours:
        return _enter_foreign(books, base, file, record, scored, now=now)
    row = settle(base, file.evidence, scored, now=now, provenance_verified=provenance_verified)
    changed = settled_status(file.evidence, scored) is not None
    awards = books.awards.with_run(base.model_id, record)
    if changed:
        awards = awards.with_award(base.model_id, record)
    remark = "" if changed else f"a {file.evidence.playbook.tier or 'tierless'} run leaves the status: {record.status}"
    return Entered(Books(books.registry.with_row(row), awards), row, changed, remark)


def enter_all(books: Books, index: EvidenceIndex, *, now: datetime) -> EnteredAll:
    """The registry and its awards with every file of a folder entered, the oldest of a model first."""
    remarks: list[str] = []
    for file in (file for files in index.by_model.values() for file in files):
        entered = enter(books, file, now=now)
        books = entered.books
        if entered.remark:
            remarks.append(f"{file.path}: {entered.remark}")
    return EnteredAll(books, tuple(remarks))


def award_of_file(file: EvidenceFile, mqs: Mqs, *, csv: Path, now: datetime) -> Award:
    """What is recorded of an evidence file."""
    evidence = file.evidence
    return Award(
        origin=Origin.MEASURED if file.ours else Origin.IMPORTED,
        evidence=relative_to(csv, file.path),
        evidence_sha256=file.sha256,
        playbook=portable_playbook(evidence),
        playbook_sha256=evidence.playbook.sha256,
        tier=evidence.playbook.tier,
        status=mqs.status.value,
        passed=mqs.tier.passed if file.ours else None,
        mqs=mqs.mqs,
        gateways={gateway.value: state.value for gateway, state in mqs.gateways.items()},
        at=text_of(min(file.at or now, now)),
    )


def relative_to(csv: Path, path: Path) -> str:
    """A path as ``awards.json`` names it: from the csv's folder, with forward slashes."""
    return Path(os.path.relpath(path.resolve(), csv.resolve().parent)).as_posix()


def _enter_foreign(books: Books, base: Row, file: EvidenceFile, record: Award, mqs: Mqs, *, now: datetime) -> Entered:
    held = books.awards.of(base.model_id)
    if held is not None and held.origin is Origin.MEASURED:
        return Entered(books, base, False, "measured here already; foreign evidence does not replace it")
    row = replace(measured_row(base, file.evidence, mqs, now=now), status=mqs.status.value)
    awards = books.awards.with_award(base.model_id, record)
    return Entered(Books(books.registry.with_row(row), awards), row, True, "")
