"""The records of items that are no case: comparisons, and whatever ended before it could be tested."""

from __future__ import annotations

from typing import Any, Unpack

from pytest_aprqa.core import GATES, Case, Gate, Gateway, Outcome
from pytest_aprqa.evidence import Observed, Record, record_of_case, record_of_gate
from pytest_aprqa.gates import Check
from pytest_aprqa.suite.agenda import Entry
from pytest_aprqa.suite.plan import Plan


def record_of_phase(plan: Plan, entry: Entry, *, skipped: bool, reason: str) -> Record:
    """A record without an answer.

    Args:
        plan: the item's playbook.
        entry: the item.
        skipped: pytest skipped it; otherwise something broke that is not the model, and the case is inconclusive.
        reason: pytest's reason.
    """
    inconclusive = reason.removeprefix("inconclusive: ") if reason.startswith("inconclusive: ") else None
    seen = Observed(
        outcome=Outcome.SKIPPED if skipped and inconclusive is None else Outcome.INCONCLUSIVE,
        reason=inconclusive or reason or "no reason given",
    )
    name = plan.playbook.name
    if isinstance(entry.subject, Case):
        return record_of_case(entry.subject, playbook=name, index=entry.order, **seen)
    if isinstance(entry.subject, Gateway):
        return record_of_gate(_first_gate(entry.subject), entry.target, playbook=name, index=entry.order, **seen)
    return record_of_check(entry.subject, entry, playbook=name, **seen)


def record_of_check(check: Check[Any], entry: Entry, *, playbook: str, **seen: Unpack[Observed]) -> Record:
    """The record of a comparison with the ground truth."""
    gate = GATES[check.gate_id]
    return record_of_gate(gate, entry.target, playbook=playbook, index=entry.order, case_id=entry.name, **seen)


def _first_gate(gateway: Gateway) -> Gate:
    return next(gate for gate in GATES.values() if gate.gateway is gateway)
