"""The Popperian score: how severely the hypotheses were tested, and what falsified them.

The published definitions, kept as they are: "reproducibility" measures how often a gate id repeats among the failures,
not whether a failure can be repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.scoring.intervals import wilson

_WEIGHTS: Final = {1: 1.0, 2: 1.5, 3: 2.0, 4: 2.5, 5: 3.0}
"""Severity to weight."""

_BLACK_SWAN_FROM: Final = 4
"""Severity from which a falsification is a black swan; a crash always is one."""

_STRONG_FROM: Final = 0.95


@dataclass(frozen=True, slots=True)
class Falsification:
    """A gate that failed at least once."""

    gate_id: str
    reason: str
    """Of its first failure."""
    severity: int
    """1-5."""
    is_black_swan: bool
    occurrences: int


@dataclass(frozen=True, slots=True)
class Popperian:
    """How severely the hypotheses were tested."""

    corroborated: int
    falsified: int
    """Falsified or crashed."""
    inconclusive: int
    """Skipped, timed out or inconclusive."""
    hypotheses_tested: int
    corroboration_ratio: float
    """0.0-1.0; 0.0 if none was tested."""
    severity_weighted_score: float
    """Weight of what was corroborated over the weight of all records, 0.0-1.0."""
    confidence_level: float
    """Lower end of the ratio's 95 % interval."""
    reproducibility_index: float
    """Share of the failures whose gate id failed more than once; 1.0 without failures."""
    black_swan_count: int
    falsifications: tuple[Falsification, ...]
    """Sorted by gate id."""

    @property
    def is_strongly_corroborated(self) -> bool:
        """At least 95 % corroborated, and no black swan."""
        return self.corroboration_ratio >= _STRONG_FROM and self.black_swan_count == 0


def popperian(records: Iterable[Record]) -> Popperian:
    """Scores the records."""
    known = tuple(records)
    outcomes = Counter(record.outcome for record in known)
    corroborated = outcomes[Outcome.CORROBORATED]
    falsified = outcomes[Outcome.FALSIFIED] + outcomes[Outcome.CRASHED]
    tested = corroborated + falsified
    failures = [record for record in known if record.outcome.failed]
    return Popperian(
        corroborated=corroborated,
        falsified=falsified,
        inconclusive=len(known) - tested,
        hypotheses_tested=tested,
        corroboration_ratio=corroborated / tested if tested else 0.0,
        severity_weighted_score=_severity_weighted(known),
        confidence_level=wilson(corroborated, tested).low,
        reproducibility_index=_reproducibility(failures),
        black_swan_count=sum(_is_black_swan(record) for record in known),
        falsifications=_falsifications(failures),
    )


def severity_of(gate_id: str) -> int:
    """Severity (1-5) that a gate id's words imply; the first rule that fits.

    >>> [severity_of(id) for id in ("G1-LOAD", "F-QUAL-P1-001", "F-EDGE-001", "F-PERF-001", "F-OTHER-001")]
    [5, 4, 3, 2, 1]
    """
    rules = (
        (5, "-P0-" in gate_id or gate_id.startswith("G")),
        (4, "-P1-" in gate_id),
        (3, "-P2-" in gate_id or "EDGE" in gate_id or "STAB" in gate_id),
        (2, "PERF" in gate_id),
    )
    return next((severity for severity, fits in rules if fits), 1)


def _severity_weighted(records: Sequence[Record]) -> float:
    weight = sum(_WEIGHTS[severity_of(record.gate_id)] for record in records)
    passed = sum(_WEIGHTS[severity_of(record.gate_id)] for record in records if record.outcome.passed)
    return passed / weight if records else 0.0


def _reproducibility(failures: Sequence[Record]) -> float:
    counted = Counter(record.gate_id for record in failures)
    repeated = sum(count for count in counted.values() if count > 1)
    return repeated / len(failures) if failures else 1.0


def _is_black_swan(record: Record) -> bool:
    severe = severity_of(record.gate_id) >= _BLACK_SWAN_FROM
    return record.outcome is Outcome.CRASHED or (record.outcome is Outcome.FALSIFIED and severe)


def _falsifications(failures: Sequence[Record]) -> tuple[Falsification, ...]:
    by_gate: dict[str, list[Record]] = {}
    for record in failures:
        by_gate.setdefault(record.gate_id, []).append(record)
    return tuple(
        Falsification(
            gate_id=gate_id,
            reason=own[0].reason,
            severity=severity_of(gate_id),
            is_black_swan=any(_is_black_swan(record) for record in own),
            occurrences=len(own),
        )
        for gate_id, own in sorted(by_gate.items())
    )
