"""The record of an item that ended before it could be tested: skipped, or stopped by an error outside the model."""

from __future__ import annotations

from pytest_aprqa.core import GATES, Case, Gate, Gateway, Outcome
from pytest_aprqa.evidence import Observed, Record, record_of_case, record_of_gate
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
    return record_of_gate(_first_gate(entry.subject), entry.target, playbook=name, index=entry.order, **seen)


def _first_gate(gateway: Gateway) -> Gate:
    return next(gate for gate in GATES.values() if gate.gateway is gateway)
