"""The failures worth reading first, each with the question, the answer and the way to see it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Outcome, Severity, excerpt, visible
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.scoring import severity_of_gate

_RANK: Final = (Outcome.CRASHED, Outcome.TIMEOUT, Outcome.FALSIFIED)
"""Of two failures of like severity, the earlier one here is shown first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed record, shortened and printable."""

    gate_id: str
    severity: Severity
    outcome: Outcome
    case_id: str
    reason: str
    prompt: str
    """Empty when nothing was asked."""
    answer: str | None
    """None when nothing was generated; an empty answer is an empty text."""
    stderr: str
    """The end of a dead engine's standard error."""
    node_id: str
    """What pytest is given to run it again; empty when the playbook's file is unknown."""


def list_failures(evidence: Evidence, *, limit: int, chars: int, ascii: bool = False) -> tuple[Failure, ...]:
    """The worst failures, as `worst_first` has them.

    Args:
        evidence: the run.
        limit: most failures listed.
        chars: most characters shown of each text.
        ascii: spell everything outside ASCII.
    """
    worst = worst_first(evidence.records)[:limit]
    return tuple(_failure(record, evidence.playbook.path, chars, ascii) for record in worst)


def failed_records(records: Iterable[Record]) -> list[Record]:
    """Those that were falsified, timed out or crashed."""
    return [record for record in records if record.outcome.failed]


def worst_first(records: Iterable[Record]) -> list[Record]:
    """The failed ones: P0 first, then crashes, timeouts, falsified; else in collection order."""
    return sorted(failed_records(records), key=_rank)


def severity_of_record(record: Record) -> Severity:
    """Severity of the record's gate; gates that only foreign evidence has are P0 where they are gateways, else P1."""
    return severity_of_gate(record.gate_id)


def last_prompt(record: Record, *, chars: int, ascii: bool = False) -> str:
    """The turn that the last answer answers, marked where there are several; empty when nothing was asked."""
    if not record.turns:
        return ""
    number = min(len(record.answers) or 1, len(record.turns))
    marked = f"(turn {number} of {len(record.turns)}) " if len(record.turns) > 1 else ""
    return marked + excerpt(record.turns[number - 1], limit=chars, ascii=ascii)


def last_answer(record: Record, *, chars: int, ascii: bool = False) -> str | None:
    """The last generated text; None when nothing was generated."""
    return excerpt(record.answers[-1].text, limit=chars, ascii=ascii) if record.answers else None


def _rank(record: Record) -> tuple[bool, int, int]:
    return (severity_of_record(record) is not Severity.P0, _RANK.index(record.outcome), record.index)


def _failure(record: Record, path: str, chars: int, ascii: bool) -> Failure:
    return Failure(
        gate_id=excerpt(record.gate_id, limit=chars, ascii=ascii),
        severity=severity_of_record(record),
        outcome=record.outcome,
        case_id=excerpt(record.case_id, limit=chars, ascii=ascii),
        reason=excerpt(record.reason, limit=chars, ascii=ascii),
        prompt=last_prompt(record, chars=chars, ascii=ascii),
        answer=last_answer(record, chars=chars, ascii=ascii),
        stderr=_tail(record.stderr_tail, chars, ascii),
        node_id=excerpt(_node_id(record, path), limit=4 * chars, ascii=ascii),
    )


def _node_id(record: Record, path: str) -> str:
    return f"{path}::{record.item}" if path and record.item else path


def _tail(text: str, chars: int, ascii: bool) -> str:
    # The last words of a dead process say why it died; the first ones are its greeting.
    whole = text.rstrip()
    cut = ("..." if ascii else "…") if len(whole) > chars else ""
    return cut + visible(whole[-chars:], ascii=ascii)
