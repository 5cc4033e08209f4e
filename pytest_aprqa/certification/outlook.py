"""What a run of a playbook would do, without running it: cells, cases, skips, weights, time, memory, award."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_aprqa.certification.estimate import Estimate, Work, estimate
from pytest_aprqa.certification.locked import LockState, lock_state
from pytest_aprqa.certification.seen import Seen, look_for
from pytest_aprqa.certification.wishes import Wishes
from pytest_aprqa.core import Award, Case, Json, Target, Tier
from pytest_aprqa.gates import Check, Kind
from pytest_aprqa.playbook import read_playbook
from pytest_aprqa.registry import billions_of
from pytest_aprqa.scoring import Rules
from pytest_aprqa.suite import Entry, Overrides, Plan, agenda_of, override, plan_of, unavailable_words
from pytest_aprqa.weights import Search


@dataclass(frozen=True, slots=True)
class CellOutlook:
    """One cell of the plan."""

    id: str
    cases: int
    skip: str | None
    """Why none of its cases can run here; None when some can."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The plan of one playbook."""

    model: str
    playbook: Path
    name: str
    tier: Tier | None
    lock: LockState
    cells: tuple[CellOutlook, ...]
    names: Mapping[str, tuple[str, ...]]
    """Kind of item → gates or cases that can run here, by name."""
    items: Mapping[str, int]
    """Kind of item (gateway, run, chat, serve, edge, contract, parity …) → how many can run here."""
    skips: Mapping[str, int]
    """Reason → how many items cannot run here for it."""
    distinct_prompts: int
    weights: Seen
    estimate: Estimate | None
    """None where the model's size is not known, or nothing can run."""
    award: Award
    reports: tuple[str, ...]
    """What the playbook asks for and this version does not test."""

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        return {
            "model": self.model,
            "playbook": str(self.playbook),
            "name": self.name,
            "tier": None if self.tier is None else str(self.tier),
            "lock": {"state": self.lock.word, "problems": list(self.lock.problems), "remark": self.lock.remark},
            "cells": [{"id": cell.id, "cases": cell.cases, "skip": cell.skip} for cell in self.cells],
            "items": dict(self.items),
            "skips": dict(self.skips),
            "distinct_prompts": self.distinct_prompts,
            "weights": {
                "at_hand": self.weights.at_hand,
                "where": self.weights.where,
                "parameters": self.weights.parameters,
                "ways": list(self.weights.ways),
            },
            "estimate": None
            if self.estimate is None
            else {"seconds": round(self.estimate.seconds), "memory_bytes": self.estimate.memory_bytes},
            "may_award": str(self.award),
            "not_tested": list(self.reports),
        }


def outlook_of(
    path: Path,
    wishes: Wishes,
    *,
    lock: Path | None,
    check_lock: bool = True,
    awards: bool = True,
    parameters: str = "",
) -> Outlook:
    """Plans a playbook as pytest would, and looks around.

    Args:
        path: the playbook.
        wishes: what the user asked of the run.
        lock: the lock file.
        check_lock: False when the user wants no check.
        awards: whether the run may award something.
        parameters: the registry's word for the model's size, for weights that are not here.

    Raises:
        PlaybookError: the playbook, or the lock, cannot be read.
    """
    read = read_playbook(path, wishes.names(os.environ))
    state = lock_state(read, lock, check=check_lock, awards=awards)
    unavailable = unavailable_words(os.environ, no_gpu=wishes.no_gpu)
    plan = plan_of(override(read, _overrides(wishes)), unavailable=unavailable, commands=False)
    playbook = plan.playbook
    weights = look_for(playbook, Search(wishes.model_cache, os.environ))
    entries = agenda_of(plan)
    runnable = [entry for entry in entries if not entry.skip]
    return Outlook(
        model=playbook.model.hf_repo,
        playbook=path,
        name=playbook.name,
        tier=playbook.tier,
        lock=state,
        cells=tuple(_cells(plan)),
        names=_names(runnable),
        items=dict(Counter(_kind(entry) for entry in runnable)),
        skips=dict(Counter(entry.skip for entry in entries if entry.skip)),
        distinct_prompts=plan.distinct_prompts,
        weights=weights,
        estimate=_estimate(runnable, weights, parameters, wishes.workers),
        award=Rules(playbook.tier).award if awards else Award.NONE,
        reports=playbook.reports,
    )


def _overrides(wishes: Wishes) -> Overrides:
    return Overrides(
        timeout_ms=wishes.timeout_ms,
        model_path=wishes.model_path.absolute() if wishes.model_path else None,
        profile_ci=wishes.profile_ci,
        hf_parity=wishes.golden_corpus,
    )


def _estimate(runnable: Sequence[Entry], weights: Seen, parameters: str, workers: int) -> Estimate | None:
    size = weights.parameters or (billions_of(parameters) or 0.0) * 1e9
    cores = len(os.sched_getaffinity(0))
    return estimate(tuple(_work(runnable)), size, workers=workers, cores=cores) if size else None


def _cells(plan: Plan) -> Iterator[CellOutlook]:
    cells: dict[str, list[Case]] = {}
    for case in plan.cases:
        cells.setdefault(case.cell.id, []).append(case)
    for cell, cases in cells.items():
        reasons = [case.skip for case in cases]
        yield CellOutlook(cell, len(cases), None if None in reasons else reasons[0])


def _kind(entry: Entry) -> str:
    """What an item is, by the last of its marks; a gateway's last mark is its number."""
    return "gateway" if "gateway" in entry.marks else entry.marks[-1]


def _names(entries: Iterable[Entry]) -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(_kind(entry), []).append(entry.name)
    return {kind: tuple(own) for kind, own in names.items()}


def _work(entries: Sequence[Entry]) -> Iterator[Work]:
    targets: dict[Target, list[Entry]] = {}
    for entry in entries:
        targets.setdefault(entry.target, []).append(entry)
    for target, own in targets.items():
        cases = [entry.subject for entry in own if isinstance(entry.subject, Case)]
        kinds: Counter[Kind] = Counter(entry.subject.kind for entry in own if isinstance(entry.subject, Check))
        tokens = sum(case.max_tokens * len(case.scenario.turns) for case in cases)
        yield Work(target, len(cases), tokens, kinds)
