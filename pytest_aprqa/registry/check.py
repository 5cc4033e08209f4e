"""``registry check``: believes no row, and lists what contradicts each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.registry.awards import Award, Awards, Origin
from pytest_aprqa.registry.claims import false_claims, false_rows
from pytest_aprqa.registry.contradictions import contradictions
from pytest_aprqa.registry.evidence_files import EvidenceFile, EvidenceIndex, read_evidence_file
from pytest_aprqa.registry.evidenced import evidence_problems, run_problems
from pytest_aprqa.registry.finding import Finding, Rule
from pytest_aprqa.registry.row import Row
from pytest_aprqa.registry.table import Registry


def check(
    registry: Registry,
    awards: Awards,
    *,
    root: Path,
    now: datetime,
    evidence: EvidenceIndex | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong, in the order of the rows.

    Args:
        registry: the rows.
        awards: what each rests on.
        root: the csv's folder, from which awards name their evidence.
        now: today.
        evidence: published evidence, against which rows are held that nobody here measured.
    """
    found = [*false_rows(registry.rows)]
    for row in registry.rows:
        found += false_claims(row, now)
        found += _by_evidence(row, awards.of(row.model_id), root, evidence)
        found += _by_runs(row, awards, root)
    found += _without_row(registry, awards)
    return tuple(found)


def _by_runs(row: Row, awards: Awards, root: Path) -> Iterator[Finding]:
    award = awards.of(row.model_id)
    for run in awards.runs_of(row.model_id).values():
        if run.origin is Origin.MEASURED and (award is None or run.evidence != award.evidence):
            yield from run_problems(row.model_id, run, root=root)


class _Recorded(NamedTuple):
    files: tuple[EvidenceFile, ...] | None
    """None where there is nothing to read."""
    findings: tuple[Finding, ...]


def _by_evidence(row: Row, award: Award | None, root: Path, evidence: EvidenceIndex | None) -> Iterator[Finding]:
    if award is not None and award.origin is Origin.MEASURED:
        yield from evidence_problems(row, award, root=root)
        return
    if row.awarded:
        told = "imported, and nobody here measured it" if award else "no record says on which evidence it rests"
        yield Finding(row.model_id, Rule.EVIDENCE, f"{row.status}, but {told}")
    files = evidence.of(row.model_id) if evidence is not None else None
    if files is None and award is not None and award.evidence:
        files, changed = _recorded(row, award, root)
        yield from changed
    if files is not None:
        yield from contradictions(row, files)


def _recorded(row: Row, award: Award, root: Path) -> _Recorded:
    """The published evidence that an import recorded, where it is still there."""
    path = root / award.evidence
    if not path.is_file():
        return _Recorded(None, ())
    try:
        file = read_evidence_file(path)
    except EvidenceError as exc:
        return _Recorded(None, (Finding(row.model_id, Rule.EVIDENCE, str(exc)),))
    if file.sha256 != award.evidence_sha256:
        return _Recorded((file,), (Finding(row.model_id, Rule.EVIDENCE, f"{path}: has changed since the import"),))
    return _Recorded((file,), ())


def _without_row(registry: Registry, awards: Awards) -> Iterator[Finding]:
    rows = {row.model_id for row in registry.rows}
    for model in sorted({*awards.awards, *awards.runs} - rows):
        yield Finding(model, Rule.ROW, "a record is there, but no row")
