"""How urgent a ticket is, and what kind: from the one table of gates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from pytest_aprqa.core import GATES, Category, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.scoring import category_of, severity_of_gate
from pytest_aprqa.tickets.causes import TicketCategory


class Priority(StrEnum):
    """P0 stops the line; P3 only where foreign evidence names it."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    @property
    def word(self) -> str:
        """Such as ``critical``."""
        return _WORDS[self]


_WORDS: Final = {Priority.P0: "critical", Priority.P1: "high", Priority.P2: "medium", Priority.P3: "low"}

_CATEGORIES: Final = {
    Category.PERF: TicketCategory.PERFORMANCE,
    Category.COMP: TicketCategory.COMPATIBILITY,
    Category.EDGE: TicketCategory.EDGE_CASE,
    Category.REGR: TicketCategory.REGRESSION,
}


def priority_of(record: Record) -> Priority:
    """Urgency of one failure: its gate's; a crash on a well-formed request fails a gateway, and is P0."""
    if record.outcome is Outcome.CRASHED and category_of(record.gate_id) is not Category.EDGE:
        return Priority.P0
    named = [priority for priority in Priority if f"-{priority}-" in record.gate_id and record.gate_id not in GATES]
    return named[0] if named else Priority(severity_of_gate(record.gate_id))


def category_of_ticket(records: Sequence[Record]) -> TicketCategory:
    """Kind of a ticket: a crash where anything crashed, else by the category that most of its gates are of."""
    if any(record.outcome is Outcome.CRASHED for record in records):
        return TicketCategory.CRASH
    kinds = [_CATEGORIES.get(category_of(record.gate_id), TicketCategory.BUG) for record in records]
    return max(dict.fromkeys(kinds), key=kinds.count, default=TicketCategory.BUG)
