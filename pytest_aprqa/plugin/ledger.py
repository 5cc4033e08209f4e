"""The books of a run: one account for each playbook, opened when its items are known and closed at session finish.

Lives in the process that the user started; with xdist that is the controller, which runs no items itself.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa import __version__
from pytest_aprqa.core import EvidenceError, PlaybookError
from pytest_aprqa.evidence import Evidence, HostInfo, PlaybookInfo, Record, Resumable, RunInfo, output_folder, read_host
from pytest_aprqa.evidence.writable import unwritable
from pytest_aprqa.playbook import FailurePolicy, Playbook, read_playbook
from pytest_aprqa.plugin.account import SUMMARY_NAME, Account
from pytest_aprqa.plugin.first_failure import discard_report, first_failed, report_first_failure
from pytest_aprqa.plugin.options import Options
from pytest_aprqa.plugin.resume import read_resumable
from pytest_aprqa.plugin.summary import Closed, print_summary, run_header
from pytest_aprqa.reports import html_cells, html_columns, suite_properties
from pytest_aprqa.scoring import Mqs
from pytest_aprqa.suite import scope_of


class Ledger:
    """Receives what the items report."""

    def __init__(self, config: pytest.Config, options: Options, run_id: str) -> None:
        self._config = config
        self._options = options
        self._run_id = run_id
        self._started_at = _now()
        self._playbooks: dict[Path, Playbook] = {}
        self._folders: dict[Path, Path] = {}
        self._accounts: dict[Path, Account] = {}
        self._closed: list[Closed] = []
        self._lost: list[str] = []
        self._unwritten: list[str] = []
        self._failed_fast = False

    def header(self, paths: Sequence[str]) -> list[str]:
        """Lines above the run, for playbooks named on the command line; problems are left to collection."""
        lines: list[str] = []
        for path in paths:
            try:
                lines += run_header(self._read(self._config.invocation_params.dir / path))
            except PlaybookError:
                continue
        return lines

    def expect(self, paths: Sequence[str]) -> None:
        """Learns which playbooks will report, and where each one's evidence goes.

        Raises:
            pytest.UsageError: evidence would be written over another model's.
        """
        playbooks = [self._read(self._config.rootpath / path) for path in paths]
        models = Counter(playbook.model.hf_repo for playbook in playbooks)
        root = self._options.output or self._config.rootpath / "certifications"
        for playbook in playbooks:
            model = playbook.model.hf_repo
            try:
                own = playbook.name if models[model] > 1 else None
                self._folders[playbook.path] = output_folder(root, model, playbook=own)
            except EvidenceError as problem:
                raise pytest.UsageError(str(problem)) from None
            _check_writable(self._folders[playbook.path])
        _ = self._resumable  # now: the journal to resume from may be the one that this run replaces

    def scope_of(self, path: str) -> str:
        """What one failure of a playbook may end: ``target``, ``model`` or ``session``."""
        given = self._options.failure_policy
        return scope_of(FailurePolicy(given) if given else self._read(self._config.rootpath / path).failure_policy)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Writes down what an item reports."""
        path = Path(message["playbook"])
        if message["plan"] is not None and path not in self._accounts:
            self._accounts[path] = self._open(path, message["plan"])
        account = self._accounts[path]
        records = [Record.from_json(record) for record in message["records"]]
        try:
            account.receive(records, message["facts"], answered=map(Record.from_json, message["answered"]))
        except EvidenceError as problem:
            self._lose(problem)
        for cell in account.newly_finished():
            self._say(cell.line)
        self._report_first_failure(path, account, records)

    def finish(self, session: pytest.Session) -> None:
        """Scores and writes everything; a run that judged nothing is no success unless the user said so."""
        for path, account in self._accounts.items():
            try:
                evidence, mqs = account.close(finished_at=_now(), score_policy=self._options.score_policy or "project")
            except EvidenceError as problem:
                self._lose(problem)
                continue
            self._closed.append(Closed(path, account, evidence, mqs))
            self._leave_reports(account.folder, evidence, mqs)
        self._add_suite_properties()
        self._add_step_summary()
        judged = all(closed.account.judged for closed in self._closed) or self._options.allow_missing
        if session.exitstatus == pytest.ExitCode.OK and (self._lost or not judged):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _leave_reports(self, folder: Path, evidence: Evidence, mqs: Mqs) -> None:
        from pytest_aprqa.plugin.after import forms_of, leave_reports

        self._unwritten += leave_reports(folder, evidence, mqs, forms_of(self._options.report))

    def summarize(self, terminal: pytest.TerminalReporter) -> None:
        """Shows what came of each playbook."""
        for closed in self._closed:
            print_summary(terminal, closed, upstream=self._options.score_policy == "upstream")
        for problem in self._lost:
            terminal.write_line(f"evidence was not written: {problem}", red=True)
        for problem in self._unwritten:
            terminal.write_line(f"not written: {problem}", yellow=True)

    def place_junit(self, written: Path) -> None:
        """Copies pytest's JUnit report beside each playbook's evidence."""
        if written.exists():
            for closed in self._closed:
                shutil.copyfile(written, closed.account.folder / "junit.xml")

    def html_header(self, cells: list[str]) -> None:
        """Our columns of pytest-html's table, before its links."""
        cells[-1:-1] = [f"<th>{name}</th>" for name in html_columns()]

    def html_row(self, message: Mapping[str, Any] | None, cells: list[str]) -> None:
        """Our columns of one row; empty for rows of other items."""
        records = [Record.from_json(record) for record in message["records"]] if message else []
        texts = html_cells(records[0]) if records else [""] * len(html_columns())
        cells[-1:-1] = [f"<td>{text}</td>" for text in texts]

    def _read(self, path: Path) -> Playbook:
        path = path.resolve()
        if path not in self._playbooks:
            self._playbooks[path] = read_playbook(path, self._options.set, strict=self._options.strict)
        return self._playbooks[path]

    def _open(self, path: Path, plan: Mapping[str, Any]) -> Account:
        policy = self._options.failure_policy or str(self._playbooks[path].failure_policy)
        discard_report(self._folders[path])
        run = RunInfo(
            id=self._run_id,
            started_at=self._started_at,
            command=("pytest", *map(str, self._config.invocation_params.args)),
            folder=str(self._config.invocation_params.dir.resolve()),
            pytest_version=pytest.__version__,
            aprqa_version=__version__,
            workers=len(getattr(self._config.option, "tx", None) or ()),
            options=self._options.bearing_on_results(),
            failure_policy=policy,
        )
        return Account(
            folder=self._folders[path],
            run=run,
            host=self._host,
            info=PlaybookInfo.from_json(plan["playbook"]),
            resumable=self._resumable,
            cell_sizes=plan["cells"],
            switched_off=plan["switched_off"],
        )

    def _report_first_failure(self, path: Path, account: Account, records: Sequence[Record]) -> None:
        """Under ``fail-fast``, keeps what is needed to work on the failure that ends the run."""
        if self._failed_fast or account.run.failure_policy != FailurePolicy.FAIL_FAST:
            return
        record = first_failed(records, self._playbooks[path])
        if record is None:
            return
        self._failed_fast = True
        words = [str(word) for word in self._config.invocation_params.args if str(word) not in self._config.args]
        try:
            lines = report_first_failure(account, record, command=words, at=_now())
        except EvidenceError as problem:
            self._lose(problem)
            return
        for line in lines:
            self._say(line, always=True)

    @cached_property
    def _host(self) -> HostInfo:
        return read_host()

    @cached_property
    def _resumable(self) -> Resumable:
        return read_resumable(self._options.resume)

    def _add_suite_properties(self) -> None:
        writers = [it for it in self._config.pluginmanager.get_plugins() if hasattr(it, "add_global_property")]
        for closed in self._closed:
            prefix = f"{closed.evidence.playbook.name}." if len(self._closed) > 1 else ""
            for name, value in suite_properties(closed.evidence, closed.mqs):
                for writer in writers:
                    writer.add_global_property(f"{prefix}{name}", value)

    def _add_step_summary(self) -> None:
        """Hands the summaries to GitHub Actions, where the run is a step of a workflow."""
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(path).open("a", encoding="utf-8") as page:
                page.writelines((closed.account.folder / SUMMARY_NAME).read_text() for closed in self._closed)

    def _lose(self, problem: EvidenceError) -> None:
        if str(problem) not in self._lost:
            self._lost.append(str(problem))

    def _say(self, line: str, *, always: bool = False) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and (always or terminal.verbosity >= 0):
            if terminal.currentfspath is None:
                terminal.write_line("")  # with xdist the dots stand on a line without a path, which pytest does not end
            terminal.write_line(line)


def _check_writable(folder: Path) -> None:
    """Refuses before the run what could not be written after it."""
    if problem := unwritable(folder):
        raise pytest.UsageError(f"{folder}: evidence cannot be written: {problem}; choose another --aprqa-output")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
