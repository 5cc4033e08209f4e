"""From evidence to tickets: one for each probable cause, the most urgent first. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from pytest_aprqa.core import GATES, Outcome, excerpt
from pytest_aprqa.evidence import Evidence, Record, portable
from pytest_aprqa.tickets import causes
from pytest_aprqa.tickets.blame import Blame, blame_of
from pytest_aprqa.tickets.causes import CAUSES, Cause, TicketCategory
from pytest_aprqa.tickets.defect_map import DEFECT_MAP
from pytest_aprqa.tickets.dependents import dependents_of
from pytest_aprqa.tickets.excerpts import excerpts_of
from pytest_aprqa.tickets.next_steps import next_steps_of
from pytest_aprqa.tickets.reproduction import reproduction
from pytest_aprqa.tickets.scene import Scene, scene_of
from pytest_aprqa.tickets.scope import scope_of
from pytest_aprqa.tickets.severity import Priority, category_of_ticket, priority_of
from pytest_aprqa.tickets.surroundings import environment_of
from pytest_aprqa.tickets.ticket import Ticket

_CASES: Final = 10
_DEPENDENTS: Final = 5
_RELATED: Final = 10
_TITLE_CHARS: Final = 160
_NAME_CHARS: Final = 300
_MODEL_CHARS: Final = 80
_OWN_GATE: Final = frozenset({causes.UNKNOWN, causes.SERVER_BEHAVIOR, causes.STATE, causes.SPEED})
"""Causes whose title is the gate's hypothesis, refuted."""


def tickets_of(evidence: Evidence, *, min_occurrences: int = 1, black_swans_only: bool = False) -> tuple[Ticket, ...]:
    """One ticket for each probable cause of the failures of a run.

    Args:
        evidence: the run, ours or foreign; its absolute paths are in no ticket.
        min_occurrences: fewest failures that make a ticket.
        black_swans_only: only those where an engine died.
    """
    evidence = portable(evidence)
    scene = scene_of(evidence)
    groups: dict[tuple[str, str, str], list[Record]] = {}
    blames: dict[tuple[str, str, str], Blame] = {}
    home: dict[int, tuple[str, str, str]] = {}
    for record in scene.failed:
        blame = blame_of(record, scene)
        place = record.model, blame.cause, blame.detail
        groups.setdefault(place, []).append(record)
        blames.setdefault(place, blame)
        home[id(record)] = place
    waiting: dict[tuple[str, str, str], list[Record]] = {}
    for record, root in dependents_of(evidence.records, scene.failed):
        waiting.setdefault(home[id(root)], []).append(record)
    tickets = [
        _ticket(evidence, _confined(blames[place], members, scene), members, waiting.get(place, ()))
        for place, members in groups.items()
        if len(members) >= min_occurrences
    ]
    wanted = [ticket for ticket in tickets if ticket.black_swan or not black_swans_only]
    return tuple(sorted(_with_related(wanted), key=_urgency))


def _ticket(evidence: Evidence, blame: Blame, failed: Sequence[Record], waiting: Sequence[Record]) -> Ticket:
    ranked = sorted(failed, key=lambda record: (priority_of(record), record.index))
    targets = tuple(dict.fromkeys(record.target_id for record in failed if record.target_id is not None))
    severity, category = min(map(priority_of, failed)), category_of_ticket(failed)
    black_swan = blame.cause == causes.CRASH or any(record.outcome is Outcome.CRASHED for record in failed)
    return Ticket(
        key=_key(failed[0].model, blame),
        title=_title(ranked[0], blame, targets),
        severity=severity,
        category=category,
        labels=_labels(blame.cause, severity, category, failed, black_swan=black_swan),
        model=failed[0].model[:_NAME_CHARS],
        cause=blame.cause,
        hypothesis=_hypothesis(blame),
        scope=blame.scope.words,
        targets=targets,
        gates=tuple(dict.fromkeys(record.gate_id[:_NAME_CHARS] for record in ranked)),
        cases=tuple(dict.fromkeys(record.case_id[:_NAME_CHARS] for record in ranked))[:_CASES],
        occurrences=len(failed),
        dependents=len(waiting),
        dependent_cases=tuple(record.case_id[:_NAME_CHARS] for record in waiting[:_DEPENDENTS]),
        black_swan=black_swan,
        excerpts=excerpts_of(ranked),
        reproduction=reproduction(evidence, ranked),
        environment=environment_of(evidence, targets),
        next_steps=next_steps_of(blame.cause, evidence, targets),
        fixture=DEFECT_MAP.get(blame.cause),
        related=(),
    )


def _confined(blame: Blame, failed: Sequence[Record], scene: Scene) -> Blame:
    """The blame with its scope; where none is known yet, by where else the same gates stood."""
    if blame.scope.words:
        return blame
    gates = dict.fromkeys(record.gate_id for record in failed)
    return replace(
        blame, scope=scope_of(failed, [record for gate in gates for record in scene.passed_gates.get(gate, ())])
    )


def _key(model: str, blame: Blame) -> str:
    """The same in every run: nothing of it is counted, timed or numbered."""
    text = "\n".join((model.lower(), blame.cause, blame.detail))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _title(record: Record, blame: Blame, targets: Sequence[str]) -> str:
    gate = GATES.get(record.gate_id)
    if blame.cause in _OWN_GATE:
        what = f"refuted: {gate.title}" if gate is not None else f"{record.gate_id}: {_cause(blame).title}"
    else:
        what = _cause(blame).title
    where = blame.scope.words or ", ".join(targets[:2]) + (" …" if len(targets) > 2 else "")
    model = excerpt(record.model, limit=_MODEL_CHARS)
    return excerpt(f"[QA] {model}: {what}{f' ({where})' if where else ''}", limit=_TITLE_CHARS)


def _hypothesis(blame: Blame) -> str:
    cause = _cause(blame)
    said = f". The comparison says: {blame.sentence}" if blame.sentence else ""
    sure = f" (confidence {blame.confidence:.2f})" if blame.confidence is not None else ""
    confined = f". It is seen in {blame.scope.words}" if blame.scope.words else ""
    points = f", which points to {blame.scope.hypothesis}" if blame.scope.hypothesis else ""
    return f"{cause.hypothesis[:1].upper()}{cause.hypothesis[1:]}{confined}{points}{said}{sure}."


def _cause(blame: Blame) -> Cause:
    return CAUSES[blame.cause]


def _labels(
    cause: str, severity: Priority, category: TicketCategory, failed: Sequence[Record], *, black_swan: bool
) -> tuple[str, ...]:
    labels = ["qa-automated", f"priority:{severity}", category.value, f"cause:{cause}"]
    for word, values in (
        ("format", {record.format for record in failed}),
        ("backend", {record.backend for record in failed}),
        ("modality", {record.modality for record in failed}),
    ):
        if len(values) == 1 and (value := values.pop()) is not None:
            labels.append(f"{word}:{value}")
    return (*labels, "black-swan") if black_swan else tuple(labels)


def _with_related(tickets: Sequence[Ticket]) -> list[Ticket]:
    """The tickets, each with the keys of the others about its targets."""
    by_target: dict[str, list[str]] = {}
    for ticket in tickets:
        for target in ticket.targets:
            by_target.setdefault(target, []).append(ticket.key)
    return [replace(ticket, related=_others(ticket, by_target)) for ticket in tickets]


def _others(ticket: Ticket, by_target: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    keys = dict.fromkeys(key for target in ticket.targets for key in by_target[target])
    return tuple(key for key in keys if key != ticket.key)[:_RELATED]


def _urgency(ticket: Ticket) -> tuple[Priority, bool, int, str]:
    return ticket.severity, not ticket.black_swan, -ticket.occurrences, ticket.key
