"""What became of a cell, counted: the live progress line and the numbers of the matrix; knows no other score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import Record

_BESIDE: Final = (Outcome.FALSIFIED, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.INCONCLUSIVE, Outcome.SKIPPED)
"""Outcomes named after the passes, worst first."""


@dataclass(frozen=True, slots=True)
class CellTally:
    """How the records of one cell came out."""

    cell_id: str
    """As `Cell.id`, such as ``chat[safetensors-cpu]``."""
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    """Number of records with each outcome; an outcome that did not occur may be absent."""
    duration_ms: float = 0.0
    """Wall time of the cases that ran, summed; milliseconds."""

    def plus(self, record: Record) -> CellTally:
        """The tally with one more record; what was taken from an earlier journal costs no time."""
        outcomes = {**self.outcomes, record.outcome: self.count(record.outcome) + 1}
        spent_ms = 0.0 if record.resumed else record.duration_ms or 0.0
        return replace(self, outcomes=outcomes, duration_ms=self.duration_ms + spent_ms)

    def count(self, outcome: Outcome) -> int:
        """How many records came out so."""
        return self.outcomes.get(outcome, 0)

    @property
    def passed(self) -> int:
        """Corroborated records."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.passed)

    @property
    def judged(self) -> int:
        """Records that passed or failed: neither skipped nor inconclusive."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.passed or outcome.failed)

    @property
    def line(self) -> str:
        """The progress line of the finished cell.

        >>> CellTally("chat[safetensors-cpu]", {Outcome.CORROBORATED: 3, Outcome.FALSIFIED: 1}, 12_300).line
        '  chat[safetensors-cpu]  3/4 corroborated, 1 falsified  12.3 s'
        """
        beside = [f"{self.count(outcome)} {outcome}" for outcome in _BESIDE if self.count(outcome)]
        passes = [f"{self.passed}/{self.judged} corroborated"] if self.judged or not beside else []
        return f"  {self.cell_id}  {', '.join(passes + beside)}  {self.duration_ms / 1000:.1f} s"


def tally_cells(records: Iterable[Record]) -> dict[str, CellTally]:
    """One tally for each cell, in the order in which the cells appear; gateway checks belong to none."""
    tallies: dict[str, CellTally] = {}
    for record in records:
        if record.cell_id is not None:
            tallies[record.cell_id] = tallies.get(record.cell_id, CellTally(record.cell_id)).plus(record)
    return tallies
