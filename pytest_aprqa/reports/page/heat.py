"""The matrix as a heat map: targets by modalities, each cell in words and in one of seven colors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.reports.cells import CellTally
from pytest_aprqa.reports.page.links import records_link

CHECKS: Final = "checks"
"""Column of the records that belong to no modality: gateways, comparisons, speed."""
COLUMNS: Final = (*(str(modality) for modality in Modality), CHECKS)
_STEPS: Final = ((1.0, "h5"), (0.95, "h4"), (0.85, "h3"), (0.7, "h2"))
"""Pass rate from which a cell has a color; `h1` below."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell of the map."""

    css: str
    rate: str
    """Passed of judged; empty where nothing was judged."""
    beside: str
    """What was skipped or inconclusive, in words."""
    link: str
    """Into the table of records."""


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One target."""

    target: str
    cells: tuple[HeatCell, ...]
    """One for each of `COLUMNS`."""


def heat_rows(records: Iterable[Record]) -> tuple[HeatRow, ...]:
    """One row for each target, in the order in which the targets appear."""
    rows: dict[str, dict[str, CellTally]] = {}
    for record in records:
        if record.target_id is not None:
            cells = rows.setdefault(record.target_id, {})
            column = record.modality or CHECKS
            cells[column] = cells.get(column, CellTally(column)).plus(record)
    return tuple(
        HeatRow(target, tuple(_cell(target, column, cells.get(column)) for column in COLUMNS))
        for target, cells in rows.items()
    )


def _cell(target: str, column: str, tally: CellTally | None) -> HeatCell:
    if tally is None:
        return HeatCell("none", "", "none", "")
    link = records_link(target=target, modality=column)
    beside = [
        f"{tally.count(outcome):,} {outcome}"
        for outcome in (Outcome.INCONCLUSIVE, Outcome.SKIPPED)
        if tally.count(outcome)
    ]
    if not tally.judged:
        return HeatCell("unjudged", "", ", ".join(beside), link)
    rate = tally.passed / tally.judged
    css = next((css for least, css in _STEPS if rate >= least), "h1")
    return HeatCell(css, f"{tally.passed:,}/{tally.judged:,}", ", ".join(beside), link)
