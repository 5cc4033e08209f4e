"""What is told of one case that is not what it was. Pure; texts are kept short, and are as raw as the evidence's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Category, Outcome, Severity
from pytest_aprqa.evidence import Record
from pytest_aprqa.regression.pairing import Change, Pair, Unit
from pytest_aprqa.scoring import category_of, severity_of_gate

_TEXT_CHARS: Final = 600
_FIRM: Final = (Severity.P0, Severity.P1)
_RANK: Final = (
    Change.BROKE,
    Change.NOW_UNJUDGED,
    Change.NOW_JUDGED,
    Change.FIXED,
    Change.ONLY_BEFORE,
    Change.ONLY_AFTER,
)


@dataclass(frozen=True, slots=True)
class Told:
    """One run's word on a case."""

    case_id: str
    outcome: Outcome
    reason: str
    answer: str | None
    """The last generated text; None when nothing was generated."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A case whose outcome is not what it was, or that only one run has."""

    change: Change
    case_id: str
    """The later run's name of it, else the earlier one's."""
    gate_id: str
    severity: Severity
    category: Category
    target_id: str | None
    prompt: str
    """The last turn; empty when nothing was asked."""
    repeatable: bool
    """False where chance or the clock has a say: sampled answers, and gates on speed."""
    before: Told | None
    after: Told | None

    @property
    def firm(self) -> bool:
        """Whether it counts by itself: broken, of P0 or P1, and repeatable."""
        return self.change is Change.BROKE and self.repeatable and self.severity in _FIRM


def flips_of(pairs: Iterable[Pair]) -> tuple[Flip, ...]:
    """Every pair that changed, what is worst first."""
    changed = [_flip(pair) for pair in pairs if pair.change is not Change.SAME]
    return tuple(sorted(changed, key=lambda flip: (_RANK.index(flip.change), flip.severity)))


def changed_answers(pairs: Iterable[Pair]) -> int:
    """How many cases, of those that ended the same, were answered by other words under greedy decoding."""
    return sum(
        pair.before is not None
        and pair.after is not None
        and pair.change is Change.SAME
        and _is_greedy(pair.before.record, pair.after.record)
        and [answer.text for answer in pair.before.record.answers]
        != [answer.text for answer in pair.after.record.answers]
        for pair in pairs
    )


def _flip(pair: Pair) -> Flip:
    record = pair.record
    category = category_of(record.gate_id)
    records = [unit.record for unit in (pair.before, pair.after) if unit is not None]
    return Flip(
        change=pair.change,
        case_id=record.case_id[:_TEXT_CHARS],
        gate_id=record.gate_id[:_TEXT_CHARS],
        severity=severity_of_gate(record.gate_id),
        category=category,
        target_id=record.target_id,
        prompt=record.turns[-1][:_TEXT_CHARS] if record.turns else "",
        repeatable=category is not Category.PERF and _is_greedy(*records),
        before=_told(pair.before),
        after=_told(pair.after),
    )


def _told(unit: Unit | None) -> Told | None:
    if unit is None:
        return None
    record = unit.record
    answer = record.answers[-1].text[:_TEXT_CHARS] if record.answers else None
    return Told(record.case_id[:_TEXT_CHARS], record.outcome, record.reason[:_TEXT_CHARS], answer)


def _is_greedy(*records: Record) -> bool:
    return all(not record.temperature for record in records)
