"""The matrix of cells, targets by modalities, as counts; each report draws it in its own way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.reports.cells import CellTally

LEGEND = "passed/judged, ? inconclusive, - skipped, . none"
"""What the marks of `mark` mean."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target of the matrix."""

    target_id: str
    """As `Target.id`."""
    cells: tuple[CellTally | None, ...]
    """One for each modality, in the order of `Modality`; None where there is no record."""


def matrix_rows(records: Iterable[Record]) -> tuple[TargetRow, ...]:
    """One row for each target that has cells, in the order in which the targets appear."""
    rows: dict[str, dict[Modality, CellTally]] = {}
    for record in records:
        if record.cell_id is None or record.target_id is None or record.modality is None:
            continue
        cells = rows.setdefault(record.target_id, {})
        cells[record.modality] = cells.get(record.modality, CellTally(record.cell_id)).plus(record)
    return tuple(
        TargetRow(target_id, tuple(cells.get(modality) for modality in Modality)) for target_id, cells in rows.items()
    )


def mark(cell: CellTally | None) -> str:
    """A cell in a few characters; see `LEGEND`.

    >>> mark(CellTally("run[apr-cpu]", {Outcome.CORROBORATED: 3, Outcome.CRASHED: 1, Outcome.SKIPPED: 2}))
    '3/4 -2'
    """
    if cell is None:
        return "."
    inconclusive, skipped = cell.count(Outcome.INCONCLUSIVE), cell.count(Outcome.SKIPPED)
    words = [f"{cell.passed}/{cell.judged}"] if cell.judged else []
    words += [f"?{inconclusive}"] if inconclusive else []
    words += [f"-{skipped}"] if skipped else []
    return " ".join(words)
