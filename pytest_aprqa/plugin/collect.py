"""The working side of a run: playbooks become pytest modules, their entries become items, and items carry evidence.

Imported when the first playbook is met.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import AprqaError, Case, Cell, Falsified, Gateway, Json, PlaybookError, Weights
from pytest_aprqa.engines import Engine, Limits
from pytest_aprqa.evidence import Record, Resumable
from pytest_aprqa.playbook import FailurePolicy
from pytest_aprqa.plugin.options import Options
from pytest_aprqa.plugin.resume import read_resumable
from pytest_aprqa.suite import (
    Bench,
    BenchSetup,
    Examiner,
    Latch,
    Plan,
    Trial,
    agenda_of,
    group_key,
    is_on,
    orders_of_gateways,
    plan_playbook,
    playbook_info,
    qualification,
    record_of_phase,
    unavailable_words,
)
from pytest_aprqa.weights import Search

_BATCH = 16
"""Requests computed together: beyond it the gain on a CPU is small and the memory is not."""


class PlaybookFile(pytest.Module):
    """A playbook, seen as a module whose code is the suite."""

    workbench: Workbench

    def collect(self) -> Iterable[pytest.Item]:
        """One item for each entry of the playbook's agenda.

        Raises:
            CollectError: the playbook cannot be read; the message is one line with file:line:column.
        """
        try:
            plan = self.workbench.plan(self.path)
        except PlaybookError as problem:
            raise self.CollectError(str(problem)) from None
        self.obj = qualification
        entries = agenda_of(plan)
        orders = orders_of_gateways(entries)
        for entry in entries:
            trial = Trial(plan, entry, orders)
            yield PlaybookItem.from_parent(
                self, name=entry.name, callobj=getattr(qualification, entry.function), trial=trial
            )


class PlaybookItem(pytest.Function):
    """One case or gateway; not parametrized, because editors split parametrized ids at the file's suffix."""

    def __init__(self, *, trial: Trial, **given: object) -> None:
        super().__init__(**given)  # type: ignore[arg-type] # pytest's own keywords, passed through
        self.aprqa = PlaybookTrial(self, trial)
        for mark in trial.entry.marks:
            self.add_marker(mark)

    @property
    def id(self) -> Any:  # noqa: ANN401 - pytest's structured node id, from 9.2 on
        """As pytest reads it back from a report: ``--lf`` compares the two, and a bracket is read as parameters."""
        own = super().id
        return own.parse(str(own))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Points editors at the line of the playbook."""
        return self.path, max(self.aprqa.trial.entry.line - 1, 0), self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override] # noqa: ANN401
        """A refuted model is one line, not a traceback of ours."""
        if isinstance(excinfo.value, Falsified | AprqaError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class PlaybookTrial:
    """What hooks and fixtures do with an item."""

    def __init__(self, item: PlaybookItem, trial: Trial) -> None:
        self._item = item
        self._workbench = _file_of(item).workbench
        self.trial = trial
        trial.ahead = self._ahead

    @property
    def case(self) -> Case:
        """The case of a scenario item."""
        if isinstance(self.trial.entry.subject, Gateway):
            pytest.fail(f"the fixture 'case' is for scenario items; {self._item.name} is a gateway")
        return self.trial.entry.subject

    def admit(self) -> None:
        """Skips the item where it cannot or must not run."""
        self._examiner.admit(self.trial)

    def enter(self, gateway: Gateway) -> None:
        """Goes through a gateway."""
        self._examiner.enter(self.trial, gateway)

    def ask(self, case: Case) -> None:
        """Tests the case."""
        self._examiner.ask(self.trial, case)

    def weights(self, enter: Callable[[Gateway], None]) -> Weights:
        """Through G0 to the files."""
        enter(Gateway.G0)
        return self._examiner.bench.weights(self.trial.plan.playbook)

    def engine(self, enter: Callable[[Gateway], None]) -> Engine:
        """Through G1 to the engine."""
        enter(Gateway.G1)
        return self._examiner.bench.engine(self.trial.plan.playbook, self.trial.entry.target)

    def wake(self, enter: Callable[[Gateway], None]) -> None:
        """Through G2."""
        enter(Gateway.G2)

    def attach(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Moves what was recorded in this phase onto the report, as plain JSON."""
        trial = self.trial
        own = [record for record in trial.records if record.index == trial.entry.order]
        if not own and call.excinfo is not None and not self._workbench.has_record(trial):
            skipped = report.outcome == "skipped"
            error = call.excinfo.value
            reason = _reason_of(call) if skipped else f"{type(error).__name__} outside the model: {error}"
            own = [record_of_phase(trial.plan, trial.entry, skipped=skipped, reason=reason)]
            trial.records.extend(own)
        if own:
            self._workbench.note_record(trial)
        if report.outcome == "skipped":
            path, line, _ = self._item.reportinfo()
            report.longrepr = (str(path), line + 1, f"Skipped: {_reason_of(call)}")
        if trial.records or trial.facts:
            report.aprqa = self._message(own)  # type: ignore[attr-defined] # extra attributes travel with a report
            trial.records.clear()
            trial.facts.clear()

    def _message(self, own: Sequence[Record]) -> dict[str, Json]:
        worst = min((record.outcome for record in own), key=_WORST_FIRST.index, default=None)
        return {
            "playbook": str(self.trial.plan.playbook.path.resolve()),
            "outcome": None if worst is None else str(worst),
            "plan": self._workbench.plan_once(self._item.session, self.trial.plan),
            "records": [record.to_json() for record in self.trial.records],
            "facts": list(self.trial.facts),
        }

    def _ahead(self) -> Sequence[Case]:
        return self._workbench.cases_ahead(self._item.session, self.trial.plan, self.case.cell)

    @property
    def _examiner(self) -> Examiner:
        return self._workbench.examiner(self._item.session)


_WORST_FIRST = ("crashed", "timeout", "falsified", "inconclusive", "skipped", "corroborated")


class Workbench:
    """Plans, bench and examiner of one process."""

    def __init__(self, config: pytest.Config, options: Options, folder: Path, *, together: bool) -> None:
        self._config = config
        self._options = options
        self._folder = folder
        self._together = together
        self._told: set[Path] = set()
        self._recorded: set[tuple[Path, int]] = set()
        self._examiner: Examiner | None = None
        self._cells: dict[tuple[Path, Cell], list[Case]] | None = None

    def collector(self, path: Path, parent: pytest.Collector) -> PlaybookFile:
        """The collector of a playbook."""
        file: PlaybookFile = PlaybookFile.from_parent(parent, path=path)
        file.workbench = self
        _ = self._resumable  # now, because the journal to resume from may be replaced once results arrive
        return file

    def plan(self, path: Path) -> Plan:
        """Reads and expands a playbook."""
        return plan_playbook(path, self._options.set, strict=self._options.strict, unavailable=self._unavailable)

    def examiner(self, session: pytest.Session) -> Examiner:
        """Made when the first item runs; by then all items of the session are known."""
        if self._examiner is None:
            bench = Bench(self._setup(session))
            self._examiner = Examiner(bench, Latch(self._folder), self._policy, together=self._together)
        return self._examiner

    def cases_ahead(self, session: pytest.Session, plan: Plan, cell: Cell) -> Sequence[Case]:
        """The cell's cases that were selected, where all of them run in this process."""
        if not self._together:
            return ()
        if self._cells is None:
            self._cells = {}
            for trial in _trials(session):
                case = trial.entry.subject
                if isinstance(case, Case) and case.skip is None:
                    self._cells.setdefault((trial.plan.playbook.path, case.cell), []).append(case)
        return self._cells[plan.playbook.path, cell]

    def plan_once(self, session: pytest.Session, plan: Plan) -> Json:
        """What the books must know of a playbook; only the first report of a process carries it."""
        if plan.playbook.path in self._told:
            return None
        self._told.add(plan.playbook.path)
        cases = [it.entry.subject for it in _trials(session) if it.plan is plan and isinstance(it.entry.subject, Case)]
        return {
            "playbook": playbook_info(plan).to_json(),
            "cells": dict(Counter(case.cell.id for case in cases)),
            "switched_off": [
                f"gateway {gateway} is switched off in the playbook"
                for gateway in Gateway
                if not is_on(plan.playbook, gateway)
            ],
        }

    def has_record(self, trial: Trial) -> bool:
        """Whether an earlier phase of the item left its record."""
        return (trial.plan.playbook.path, trial.entry.order) in self._recorded

    def note_record(self, trial: Trial) -> None:
        """The item has left its record."""
        self._recorded.add((trial.plan.playbook.path, trial.entry.order))

    def close(self) -> None:
        """Ends the engines."""
        if self._examiner is not None:
            self._examiner.bench.close()

    @property
    def _policy(self) -> FailurePolicy | None:
        given = self._options.failure_policy
        return FailurePolicy(given) if given else None

    @cached_property
    def _unavailable(self) -> Mapping[str, str]:
        return unavailable_words(os.environ, no_gpu=self._options.no_gpu)

    @cached_property
    def _resumable(self) -> Resumable:
        return read_resumable(self._options.resume)

    def _setup(self, session: pytest.Session) -> BenchSetup:
        options = self._options
        limits = Limits(
            threads=options.threads or self._threads(session),
            memory_bytes=options.memory_limit,
            dtype=options.dtype or "auto",
            trust_remote_code=options.trust_remote_code,
            max_batch=options.batch or _BATCH,
        )
        search = Search(model_cache=options.model_cache, environment=os.environ, download=options.download)
        return BenchSetup(search, limits, options.engine, self._resumable)

    def _threads(self, session: pytest.Session) -> int:
        """Cores divided by the workers that will be busy with models at the same time."""
        workers = int(getattr(self._config, "workerinput", {}).get("workercount", 1))
        policy = self._policy
        groups = {group_key(it.plan, it.entry.target, policy) for it in _trials(session) if not it.entry.skip}
        return max(1, len(os.sched_getaffinity(0)) // max(1, min(workers, len(groups))))


def _reason_of(call: pytest.CallInfo[None]) -> str:
    return str(getattr(call.excinfo.value, "msg", call.excinfo.value)) if call.excinfo else ""


def _trials(session: pytest.Session) -> Iterable[Trial]:
    return (item.aprqa.trial for item in session.items if isinstance(item, PlaybookItem))


def _file_of(item: pytest.Item) -> PlaybookFile:
    file = item.getparent(PlaybookFile)
    assert file is not None
    return file
