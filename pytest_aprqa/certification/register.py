"""Enters a run into the registry, with a copy of its evidence that later runs do not replace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_aprqa.certification.scored import Scored
from pytest_aprqa.registry import Awards, Books, EvidenceFile, enter, read_registry, update_books
from pytest_aprqa.scoring import Status

_KEPT = "evidence-*-????????????.json"
"""Name of a kept copy: the tier, and the first digits of its digest."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What is known of a model that the registry does not have."""

    family: str = ""
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of the row."""

    status: str
    """What the registry says now."""
    remark: str = ""
    """Why the run did not change it; empty when it did."""


def register(csv: Path, run: Scored, *, verified: bool, newcomer: Newcomer) -> Registered:
    """Enters a run; one that judged nothing leaves no trace.

    Args:
        csv: the registry.
        run: what is entered.
        verified: whether the provenance of everything that was tested is known.
        newcomer: what a new row gets.

    Raises:
        RegistryError: the registry cannot be read or written.
    """
    model = run.evidence.playbook.model
    if run.mqs.total == 0:
        row = read_registry(csv).find(model) if csv.is_file() else None
        return Registered(row.status if row else str(Status.PENDING), "nothing was judged")
    kept = EvidenceFile(_keep(run), run.sha256, run.evidence)
    remark = ""

    def change(books: Books) -> Books:
        nonlocal remark
        entered = enter(
            books,
            kept,
            now=run.at,
            mqs=run.mqs,
            provenance_verified=verified,
            family=newcomer.family,
            parameters=newcomer.parameters,
        )
        remark = entered.remark
        return entered.books

    books = update_books(csv, change)
    _forget(run.file.parent, csv, books.awards)
    row = books.registry.find(model)
    assert row is not None
    return Registered(row.status, remark)


def _keep(run: Scored) -> Path:
    """The same bytes under a name that only they have; a link where the file system can, for evidence is large."""
    kept = run.file.with_name(f"evidence-{run.evidence.playbook.tier or 'none'}-{run.sha256[:12]}.json")
    if not kept.exists():
        try:
            os.link(run.file, kept)
        except OSError:
            shutil.copyfile(run.file, kept)
    return kept


def _forget(folder: Path, csv: Path, awards: Awards) -> None:
    """Removes kept copies that nothing rests on any more, but for the youngest: the run before can be compared with."""
    needed = {(csv.resolve().parent / path).resolve() for path in _referenced(awards)}
    loose = sorted((it for it in folder.glob(_KEPT) if it.resolve() not in needed), key=lambda it: it.stat().st_mtime)
    for path in loose[:-1]:
        with suppress(OSError):
            path.unlink()


def _referenced(awards: Awards) -> Iterator[str]:
    yield from (award.evidence for award in awards.awards.values())
    yield from (run.evidence for runs in awards.runs.values() for run in runs.values())
