"""What one process works with: plans, bench and examiner, each made when it is first needed.

Imported when the first playbook is met.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import pytest

from pytest_aprqa.core import Case, Cell, Gateway, Json
from pytest_aprqa.engines import Limits, default_threads
from pytest_aprqa.playbook import FailurePolicy
from pytest_aprqa.plugin.baseline import check_baseline, read_baseline
from pytest_aprqa.plugin.options import Options
from pytest_aprqa.plugin.resume import read_resumable
from pytest_aprqa.suite import (
    Bench,
    BenchSetup,
    Examiner,
    Latch,
    Overrides,
    Plan,
    Quiet,
    Servers,
    Shelf,
    Subjects,
    Trial,
    group_key,
    is_on,
    plan_playbook,
    playbook_info,
    unavailable_words,
)
from pytest_aprqa.weights import Search

_BATCH = 16
"""Requests computed together: beyond it the gain on a CPU is small and the memory is not."""


class Workbench:
    """Plans, bench and examiner of one process."""

    def __init__(self, config: pytest.Config, options: Options, folder: Path, *, together: bool) -> None:
        self._config = config
        self._options = options
        self._folder = folder
        self._together = together
        self._told: set[Path] = set()
        self._recorded: set[tuple[Path, int]] = set()
        self._resumable = read_resumable(options.resume)  # before results arrive: this run may replace that journal
        self._examiner: Examiner | None = None
        self.quiet = Quiet(folder)
        """Keeps what is measured apart from everything else that the run's processes do."""
        self._cells: dict[tuple[Path, Cell], dict[str, int]] | None = None

    def plan(self, path: Path) -> Plan:
        """Reads and expands a playbook."""
        plan = plan_playbook(
            path,
            self._options.set,
            strict=self._options.strict,
            unavailable=self._unavailable,
            commands=self._options.allow_commands,
            engine=self._options.engine,
            baseline=self._baseline is not None,
            overrides=Overrides(
                timeout_ms=self._options.timeout,
                model_path=self._options.model_path,
                profile_ci=self._options.profile_ci,
                hf_parity=self._options.hf_parity,
            ),
            lock=self._options.lock,
        )
        if self._baseline is not None:
            check_baseline(self._baseline, plan.playbook)
        return plan

    def examiner(self, session: pytest.Session) -> Examiner:
        """Made when the first item runs; by then all items of the session are known."""
        if self._examiner is None:
            search = Search(self._options.model_cache, os.environ, download=self._options.download)
            shelf = Shelf(search, self._options.conversions)
            bench = Bench(self._setup(session), shelf)
            subjects = Subjects(bench, Servers(bench, os.environ), self._baseline)
            self._examiner = Examiner(
                bench, Latch(self._folder), self._policy, subjects=subjects, together=self._together
            )
        return self._examiner

    def cases_ahead(self, session: pytest.Session, plan: Plan, cell: Cell) -> Mapping[str, int]:
        """Order numbers of the cell's cases that were selected, where all of them run in this process."""
        if not self._together:
            return {}
        if self._cells is None:
            self._cells = {}
            for trial in _trials(session):
                case = trial.entry.subject
                if isinstance(case, Case) and case.skip is None:
                    orders = self._cells.setdefault((trial.plan.playbook.path, case.cell), {})
                    orders[case.id] = trial.entry.order
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
            self._examiner.close()

    @property
    def _policy(self) -> FailurePolicy | None:
        given = self._options.failure_policy
        return FailurePolicy(given) if given else None

    @cached_property
    def _baseline(self) -> Mapping[str, Mapping[str, Json]] | None:
        return read_baseline(self._options.baseline)

    @cached_property
    def _unavailable(self) -> Mapping[str, str]:
        return unavailable_words(os.environ, no_gpu=self._options.no_gpu)

    def _setup(self, session: pytest.Session) -> BenchSetup:
        options = self._options
        limits = Limits(
            threads=options.threads or self._threads(session),
            memory_bytes=options.memory_limit,
            dtype=options.dtype or "auto",
            trust_remote_code=options.trust_remote_code,
            max_batch=options.batch or _BATCH,
        )
        return BenchSetup(limits, options.engine, self._resumable)

    def _threads(self, session: pytest.Session) -> int:
        """What OMP_NUM_THREADS says, else the cores divided by the workers that will be busy with models together."""
        workers = int(getattr(self._config, "workerinput", {}).get("workercount", 1))
        policy = self._policy
        groups = {group_key(it.plan, it.entry.target, policy) for it in _trials(session) if not it.entry.skip}
        return default_threads(os.environ, busy=min(workers, len(groups)))


def _trials(session: pytest.Session) -> Iterable[Trial]:
    """Trials of the session's playbook items; items of other plugins have none."""
    return (item.aprqa.trial for item in session.items if hasattr(item, "aprqa"))
