"""Playbooks become pytest modules, their entries become items, and items carry evidence.

Imported when the first playbook is met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import AprqaError, Case, Falsified, Gateway, Json, PlaybookError, Weights
from pytest_aprqa.engines import Engine
from pytest_aprqa.evidence import Record
from pytest_aprqa.gates import Check, Kind
from pytest_aprqa.plugin.workbench import Workbench
from pytest_aprqa.suite import BEFORE, Examiner, Trial, agenda_of, orders_of_gateways, qualification, record_of_phase


def collector(path: Path, parent: pytest.Collector, workbench: Workbench) -> PlaybookFile:
    """The collector of a playbook."""
    file: PlaybookFile = PlaybookFile.from_parent(parent, path=path)
    file.workbench = workbench
    return file


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
    """One case, gateway or comparison; not parametrized: editors split parametrized ids at the file's suffix."""

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
        if not isinstance(self.trial.entry.subject, Case):
            pytest.fail(f"the fixture 'case' is for scenario items; {self._item.name} is none")
        return self.trial.entry.subject

    def quiet(self) -> AbstractContextManager[None]:
        """Alone among the run's processes for what is measured, beside the others for everything else."""
        entry, quiet = self.trial.entry, self._workbench.quiet
        measured = isinstance(entry.subject, Check) and entry.subject.kind is Kind.PROFILE and not entry.skip
        return quiet.alone() if measured else quiet.shared()

    def admit(self) -> None:
        """Skips the item where it cannot or must not run."""
        self._examiner.admit(self.trial)

    def enter(self, gateway: Gateway) -> None:
        """Goes through a gateway."""
        self._examiner.enter(self.trial, gateway)

    def ask(self, case: Case) -> None:
        """Tests the case."""
        self._examiner.ask(self.trial, case)

    def examine(self) -> None:
        """Judges the check."""
        if not isinstance(self.trial.entry.subject, Check):
            pytest.fail(f"the fixture 'examine' is for checks; {self._item.name} is none")
        self._examiner.check(self.trial, self.trial.entry.subject)

    def go_through(self) -> None:
        """Through G0 to G2, leaving the engine as it is."""
        for gateway in BEFORE:
            self.enter(gateway)

    def need_server(self) -> None:
        """Skips the item where the target's server does not start."""
        self._examiner.need_server(self.trial)

    def weights(self, enter: Callable[[Gateway], None]) -> Weights:
        """Through G0 to the files."""
        enter(Gateway.G0)
        return self._examiner.bench.shelf.weights(self.trial.plan.playbook, self.trial.entry.target)

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
            # Always line 1: pytest folds skips of one reason into one line of its summary only where places are equal.
            report.longrepr = (str(self._item.path), 1, f"Skipped: {_reason_of(call)}")
        if trial.records or trial.facts:
            report.aprqa = self._message(own)  # type: ignore[attr-defined] # extra attributes travel with a report
            for told in (trial.records, trial.answered, trial.facts):
                told.clear()

    def _message(self, own: Sequence[Record]) -> dict[str, Json]:
        worst = min((record.outcome for record in own), key=_WORST_FIRST.index, default=None)
        return {
            "playbook": str(self.trial.plan.playbook.path.resolve()),
            "outcome": None if worst is None else str(worst),
            "plan": self._workbench.plan_once(self._item.session, self.trial.plan),
            "records": [record.to_json() for record in self.trial.records],
            "answered": [record.to_json() for record in self.trial.answered],
            "facts": list(self.trial.facts),
        }

    def _ahead(self) -> Mapping[str, int]:
        return self._workbench.cases_ahead(self._item.session, self.trial.plan, self.case.cell)

    @property
    def _examiner(self) -> Examiner:
        return self._workbench.examiner(self._item.session)


_WORST_FIRST = ("crashed", "timeout", "falsified", "inconclusive", "skipped", "corroborated")


def _reason_of(call: pytest.CallInfo[None]) -> str:
    return str(getattr(call.excinfo.value, "msg", call.excinfo.value)) if call.excinfo else ""


def _file_of(item: pytest.Item) -> PlaybookFile:
    file = item.getparent(PlaybookFile)
    assert file is not None
    return file
