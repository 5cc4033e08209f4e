"""The order of a playbook's items: what files alone decide, of every target, then the rest, target by target.

Of the files G0, and what the contract says of them: a broken file is found before any engine has spent an hour on
another. Then G1, G2, comparisons and state; cases of run and chat; speed; the server with the cases of serve, and its
end; G3, G4.

Pure. The order number of an entry is its place among all entries of the playbook, whatever is selected, so that
evidence sorts the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_aprqa.core import EDGE_GATE, Case, Gateway, Modality, Target
from pytest_aprqa.gates import Check
from pytest_aprqa.suite.checks import Planned, comparisons, server_checks, speed_checks, state_checks
from pytest_aprqa.suite.plan import Plan

BEFORE = (Gateway.G0, Gateway.G1, Gateway.G2)
"""Gateways that are judged before a target's cases, each one needed by the next; the first is about files."""
AFTER = (Gateway.G3, Gateway.G4)
"""Gateways that are judged from what a target's cases have shown."""


Subject: TypeAlias = Case | Gateway | Check[Any]
"""What an item is about."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item: a case, or a gateway or a check of a target."""

    order: int
    target: Target
    subject: Subject
    skip: str | None
    """Why it cannot run here; None when it can."""
    line: int
    """1-based line in the playbook."""

    @property
    def name(self) -> str:
        """The pytest item's name, such as ``G1_load[gguf-q8_0-cpu]`` or ``chat[gguf-q8_0-cpu-two_plus_two]``."""
        match self.subject:
            case Case():
                return self.subject.id
            case Gateway():
                return f"{self.subject}_{self.subject.word}[{self.target.id}]"
            case Check():
                return f"{self.subject.kind}[{self.target.id}-{self.subject.gate_id}]"

    @property
    def function(self) -> str:
        """Name of the suite's function that tests it."""
        match self.subject:
            case Case():
                return str(self.subject.cell.modality)
            case Gateway():
                return self.subject.word
            case Check():
                return str(self.subject.kind)

    @property
    def marks(self) -> tuple[str, ...]:
        """Words for pytest's ``-m``: format, quantization, backend, then what the item is."""
        target = (self.target.format, self.target.quantization, self.target.backend)
        words = [str(word) for word in target if word is not None]
        match self.subject:
            case Gateway():
                return (*words, "gateway", str(self.subject))
            case Check():
                return (*words, str(self.subject.kind))
            case Case():
                return (*words, str(self.subject.cell.modality), *(("edge",) if self.subject.gate is EDGE_GATE else ()))


def agenda_of(plan: Plan) -> tuple[Entry, ...]:
    """Every entry of a playbook, in order."""
    return tuple(
        Entry(order, target, subject, skip, line) for order, (target, subject, skip, line) in enumerate(_subjects(plan))
    )


def _subjects(plan: Plan) -> Iterator[tuple[Target, Subject, str | None, int]]:
    cases: dict[Target, list[Case]] = {}
    for case in plan.cases:
        cases.setdefault(case.cell.target, []).append(case)
    line = plan.playbook.line_of("test_matrix") or 1
    for target in cases:
        skip = plan.skip_of(target)
        yield target, Gateway.G0, skip, line
        yield from ((target, check, skip, where) for check, where in _compared(plan, target, from_files=True))
    for target, own in cases.items():
        skip = plan.skip_of(target)
        yield from ((target, gateway, skip, line) for gateway in BEFORE if gateway is not Gateway.G0)
        yield from _of_target(plan, target, own, skip)
        yield from ((target, gateway, skip, line) for gateway in AFTER)


def _compared(plan: Plan, target: Target, *, from_files: bool) -> Iterator[Planned]:
    return (it for it in comparisons(plan.playbook, target) if it[0].from_files is from_files)


def _of_target(
    plan: Plan, target: Target, cases: Sequence[Case], skip: str | None
) -> Iterator[tuple[Target, Subject, str | None, int]]:
    """A target's checks and cases; the server starts once the engine is not needed any more."""
    asked = [case for case in cases if case.cell.modality is not Modality.SERVE]
    served = [case for case in cases if case.cell.modality is Modality.SERVE]
    playbook, unserved = plan.playbook, served[0].skip if served else skip
    awake, endings = server_checks(playbook, target)

    def checks(planned: Iterable[Planned], reason: str | None) -> Iterator[tuple[Target, Subject, str | None, int]]:
        return ((target, check, reason, line) for check, line in planned)

    yield from checks((*_compared(plan, target, from_files=False), *state_checks(playbook, target)), skip)
    yield from ((target, case, case.skip, case.line) for case in asked)
    yield from checks(speed_checks(playbook, target, baseline=plan.baseline), skip)
    yield from checks(awake, unserved)
    yield from ((target, case, case.skip, case.line) for case in served)
    yield from checks(endings, unserved)


def orders_of_gateways(entries: Iterable[Entry]) -> dict[tuple[Target, Gateway], int]:
    """Order number of each target's gateway entries."""
    return {(entry.target, entry.subject): entry.order for entry in entries if isinstance(entry.subject, Gateway)}
