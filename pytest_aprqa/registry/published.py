"""Takes over another tool's registry: its words are kept, marked as imported, and believed by nobody.

A row that a run of this package measured is never touched, and a model's facts (family, parameters, size) stay as they
are here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aprqa.registry.awards import Award, Origin
from pytest_aprqa.registry.claims import false_claims
from pytest_aprqa.registry.contradictions import contradictions
from pytest_aprqa.registry.document import read_registry
from pytest_aprqa.registry.enter import relative_to
from pytest_aprqa.registry.evidence_files import EvidenceIndex
from pytest_aprqa.registry.finding import Finding
from pytest_aprqa.registry.moments import moment_of, text_of
from pytest_aprqa.registry.row import GATES, Row
from pytest_aprqa.registry.settle import new_row
from pytest_aprqa.registry.sizes import billions_of
from pytest_aprqa.registry.table import Books
from pytest_aprqa.scoring import Status
from pytest_aprqa.scoring.speeds import TPS_COLUMNS


@dataclass(frozen=True, slots=True)
class Import:
    """What became of a published registry."""

    books: Books
    """The registry and its awards afterwards."""
    added: tuple[str, ...]
    """Models that were not known."""
    imported: tuple[str, ...]
    """Models whose published status stands in the registry now, as imported."""
    kept: tuple[str, ...]
    """Models that were measured here; their rows stay."""
    findings: tuple[Finding, ...]
    """What contradicts the imported rows: themselves, and the evidence where it was given."""
    remarks: tuple[str, ...]
    """What was left out."""


def import_published(
    books: Books,
    source_csv: Path,
    *,
    evidence: EvidenceIndex | None = None,
    facts_only: bool = False,
) -> Import:
    """The registry with a published one taken over.

    Args:
        books: the registry and its awards.
        source_csv: the published file.
        evidence: its evidence, where it is at hand.
        facts_only: take over models that are not known, with family and parameters, and no status.

    Raises:
        RegistryError: the file cannot be read.
    """
    source = read_registry(source_csv)
    before = {row.model_id.lower() for row in books.registry.rows}
    imported: list[Row] = []
    kept: list[str] = []
    for row in source.rows:
        held = books.registry.find(row.model_id)
        award = books.awards.of(held.model_id) if held else None
        if award is not None and award.origin is Origin.MEASURED:
            kept.append(row.model_id)
        elif facts_only or not _says_something(row):
            books = _with_facts(books, row, held)
        else:
            books = _with_words(books, row, held, evidence)
            imported.append(row)
    return Import(
        books=books,
        added=tuple(row.model_id for row in source.rows if row.model_id.lower() not in before),
        imported=tuple(row.model_id for row in imported),
        kept=tuple(kept),
        findings=_findings(imported, evidence),
        remarks=_remarks(source.rows, source.columns, books.registry.columns),
    )


def _says_something(row: Row) -> bool:
    return row.status != Status.PENDING or bool(row.mqs_score)


def _with_facts(books: Books, row: Row, held: Row | None) -> Books:
    return books if held else replace(books, registry=books.registry.with_row(_facts(row)))


def _with_words(books: Books, row: Row, held: Row | None, evidence: EvidenceIndex | None) -> Books:
    made = replace(
        held or _facts(row),
        status=row.status,
        mqs_score=row.mqs_score,
        grade=row.grade,
        certified_tier=row.certified_tier,
        last_certified=row.last_certified,
        gates={name: row.gates[name] for name in GATES},
        tps={name: row.tps[name] for name in TPS_COLUMNS},
        provenance_verified=False,
    )
    files = evidence.of(row.model_id) if evidence else ()
    at = moment_of(row.last_certified)
    record = Award(
        origin=Origin.IMPORTED,
        evidence=relative_to(books.registry.path, files[-1].path) if files else "",
        evidence_sha256=files[-1].sha256 if files else "",
        tier=row.certified_tier or None,
        status=row.status,
        mqs=row.mqs_score,
        at=text_of(at) if at else "",
    )
    return Books(books.registry.with_row(made), books.awards.with_award(made.model_id, record))


def _facts(row: Row) -> Row:
    made = new_row(row.model_id, family=row.family, parameters=row.parameters)
    return made if made.size_category else replace(made, size_category=row.size_category)


def _findings(rows: list[Row], evidence: EvidenceIndex | None) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for row in rows:
        at = moment_of(row.last_certified)
        if at is not None:
            # Whether it is stale today is no contradiction: judged as on the day of its own date.
            found += false_claims(row, at)
        if evidence is not None:
            found += contradictions(row, evidence.of(row.model_id))
    return tuple(found)


def _remarks(rows: tuple[Row, ...], theirs: tuple[str, ...], ours: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in theirs if name not in ours]
    uncounted = [row.model_id for row in rows if billions_of(row.parameters) is None]
    return (
        *((f"columns left out: {', '.join(unknown)}",) if unknown else ()),
        *((f"parameters that are no count: {', '.join(uncounted)}",) if uncounted else ()),
    )
