"""The counterexamples: the worst failures, with what was asked, answered and expected, and how to see them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from pytest_aprqa.core import GATES
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.reports.details import mapping
from pytest_aprqa.reports.failures import severity_of_record, worst_first
from pytest_aprqa.reports.page.links import records_link
from pytest_aprqa.reports.page.texts import block, command, last_lines, plain_lines

MOST: Final = 50
_STDERR: Final = 1200
"""Characters of a dead engine's standard error."""
_TURNS: Final = 8
"""The last of a conversation that are shown."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said and answered."""

    prompt: Markup
    answer: Markup | None
    """None when nothing was generated."""
    finish: str


@dataclass(frozen=True, slots=True)
class Counterexample:
    """One failed record."""

    outcome: str
    severity: str
    case_id: str
    gate_id: str
    hypothesis: str
    """The gate's title; empty for a gate that only foreign evidence has."""
    reason: Markup
    cause: str
    """The probable cause, where one was found."""
    system: Markup | None
    turns: tuple[Turn, ...]
    turns_before: int
    """Earlier turns that are not shown."""
    expected: Markup | None
    stderr: Markup | None
    command: str
    link: str
    """Into the table of records."""


def counterexamples(evidence: Evidence) -> tuple[Counterexample, ...]:
    """The worst `MOST`."""
    return tuple(_counterexample(record, evidence.playbook.path) for record in worst_first(evidence.records)[:MOST])


def _counterexample(record: Record, path: str) -> Counterexample:
    gate = GATES.get(record.gate_id)
    cause = mapping(record.details.get("probable_cause")).get("sentence")
    return Counterexample(
        outcome=record.outcome,
        severity=severity_of_record(record),
        case_id=record.case_id,
        gate_id=record.gate_id,
        hypothesis="" if gate is None else gate.title,
        reason=block(record.reason),
        cause=cause if isinstance(cause, str) else "",
        system=block(record.system) if record.system else None,
        turns=_turns(record),
        turns_before=max(0, len(record.turns) - _TURNS),
        expected=None if record.expected is None else block(plain_lines(record.expected)),
        stderr=_last_words(record),
        command=command(path, record.item),
        link=records_link(q=record.case_id),
    )


def _last_words(record: Record) -> Markup | None:
    return escape(last_lines(record.stderr_tail, limit=_STDERR)) if record.stderr_tail.strip() else None


def _turns(record: Record) -> tuple[Turn, ...]:
    first = max(0, len(record.turns) - _TURNS)
    return tuple(_turn(record, number) for number in range(first, len(record.turns)))


def _turn(record: Record, number: int) -> Turn:
    if number >= len(record.answers):
        return Turn(block(record.turns[number]), None, "")
    answer = record.answers[number]
    return Turn(block(record.turns[number]), block(answer.text), answer.finish or "")
