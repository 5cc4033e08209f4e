"""Counts: how each category and each outcome came out. Skipped and inconclusive stand beside the count, not in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aprqa.core import Category, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.scoring.gate_ids import category_of
from pytest_aprqa.scoring.intervals import Interval, wilson
from pytest_aprqa.scoring.points import CRASH_PENALTY, GATEWAY_PENALTY, MAX_POINTS, TIMEOUT_PENALTY, points


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """How one category came out."""

    category: Category
    points: int
    """0 without evidence."""
    max_points: int
    passed: int
    """Corroborated records."""
    total: int
    """Judged records: neither skipped nor inconclusive."""
    interval: Interval
    """95 % interval of the pass rate."""
    skipped: int
    inconclusive: int

    @property
    def ceiling(self) -> int:
        """Points if what is untested were perfect."""
        return self.points if self.total else self.max_points

    @property
    def points_low(self) -> int:
        """Points at the lower end of the interval."""
        return int(self.interval.low * self.max_points)


@dataclass(frozen=True, slots=True)
class Penalty:
    """Points taken off."""

    code: str
    """``CRASH``, ``TIMEOUT`` or ``GATEWAY``."""
    description: str
    points: int


def tally(records: Sequence[Record]) -> dict[Category, CategoryScore]:
    """How each category came out; all six, in the table's order."""
    outcomes: dict[Category, Counter[Outcome]] = {category: Counter() for category in Category}
    for record in records:
        outcomes[category_of(record.gate_id)][record.outcome] += 1
    return {category: _category_score(category, counted) for category, counted in outcomes.items()}


def count_outcomes(records: Sequence[Record]) -> dict[Outcome, int]:
    """How many records came to each outcome; all six, zero included."""
    counted = Counter(record.outcome for record in records)
    return {outcome: counted[outcome] for outcome in Outcome}


def penalties(crashed: int, timeout: int, failed_gateways: Sequence[str]) -> tuple[Penalty, ...]:
    """What is taken off.

    >>> [penalty.points for penalty in penalties(1, 2, ())]
    [20, 20]
    """
    found = (
        Penalty("CRASH", f"{crashed} crashed", CRASH_PENALTY * crashed),
        Penalty("TIMEOUT", f"{timeout} ran out of time", TIMEOUT_PENALTY * timeout),
        Penalty("GATEWAY", f"failed: {', '.join(failed_gateways)}", GATEWAY_PENALTY if failed_gateways else 0),
    )
    return tuple(penalty for penalty in found if penalty.points)


def _category_score(category: Category, outcomes: Counter[Outcome]) -> CategoryScore:
    passed = outcomes[Outcome.CORROBORATED]
    total = sum(count for outcome, count in outcomes.items() if outcome.passed or outcome.failed)
    maximum = MAX_POINTS[category]
    return CategoryScore(
        category=category,
        points=points(passed, total, maximum) if total else 0,
        max_points=maximum,
        passed=passed,
        total=total,
        interval=wilson(passed, total),
        skipped=outcomes[Outcome.SKIPPED],
        inconclusive=outcomes[Outcome.INCONCLUSIVE],
    )
