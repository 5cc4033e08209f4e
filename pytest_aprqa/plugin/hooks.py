"""The hooks of one pytest run. Each makes one call, into what is imported only when a playbook is met.

A process works (collects and runs items: a serial run, an xdist worker), keeps the books (gathers, scores and writes
evidence: a serial run, the xdist controller), or both. Standard library and pytest only at import.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Generator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_aprqa.plugin.marks import SUFFIXES, add_marks, is_playbook
from pytest_aprqa.plugin.options import Options, read_options

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

    from pytest_aprqa.plugin.ledger import Ledger
    from pytest_aprqa.plugin.workbench import Workbench

Status = tuple[str, str, tuple[str, Mapping[str, bool]]]


class Hooks:
    """Registered once for each pytest run; `Workbench` and `Ledger` come into being when they are needed."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._from_controller: Mapping[str, Any] | None = getattr(config, "workerinput", {}).get("aprqa")
        self._own_folder: Path | None = None
        self._html = False
        add_marks(config)
        if self.keeps_books and _worth_a_look(self.options):
            from pytest_aprqa.plugin.precheck import check_options

            check_options(self.options)
        self._junit = self.keeps_books and self.options.junit and self._divert_junit()

    @property
    def keeps_books(self) -> bool:
        """False in an xdist worker."""
        return not hasattr(self.config, "workerinput")

    @cached_property
    def options(self) -> Options:
        """The user's options."""
        return read_options(self.config)

    @cached_property
    def folder(self) -> Path:
        """Where the run's processes meet; removed by the process that made it."""
        if self._from_controller is not None:
            return Path(self._from_controller["folder"])
        self._own_folder = Path(tempfile.mkdtemp(prefix="aprqa-"))
        return self._own_folder

    @cached_property
    def run_id(self) -> str:
        """The same in all processes of the run."""
        return str(self._from_controller["run_id"]) if self._from_controller else uuid.uuid4().hex

    @cached_property
    def ledger(self) -> Ledger:
        """The books; asked for only where they are kept, once there is something to write."""
        from pytest_aprqa.plugin.ledger import Ledger

        return Ledger(self.config, self.options, self.run_id)

    @cached_property
    def workbench(self) -> Workbench:
        """Collects and runs playbook items."""
        from pytest_aprqa.plugin.workbench import Workbench

        together = self._from_controller is None or bool(self._from_controller["together"])
        return Workbench(self.config, self.options, self.folder, together=together)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """A playbook is a module."""
        if not is_playbook(file_path.name):
            return None
        from pytest_aprqa.plugin.collect import collector

        return collector(file_path, parent, self.workbench)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tells the books which playbooks will report."""
        self._expect([item.nodeid for item in session.items])

    def pytest_report_header(self) -> Sequence[str]:
        """Names playbooks, targets, device and engines."""
        paths = [path for path in map(_path_of, self.config.args) if is_playbook(path)]
        return self.ledger.header(paths) if paths and self.keeps_books else []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Nothing of the run's other processes runs beside a measurement."""
        if trial := getattr(item, "aprqa", None):
            with trial.quiet():
                return (yield)
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skips what cannot run, or what a failure has ended, before any fixture is made."""
        if trial := getattr(item, "aprqa", None):
            trial.admit()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Puts the evidence on the report, which carries it to the process that keeps the books."""
        report = yield
        if trial := getattr(item, "aprqa", None):
            trial.attach(call, report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Writes the evidence down as it arrives."""
        if self.keeps_books and hasattr(report, "aprqa"):
            self.ledger.receive(report.aprqa)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> Status | None:
        """Says timeouts, crashes and inconclusive cases by name."""
        if not hasattr(report, "aprqa"):
            return None
        from pytest_aprqa.plugin.status import status_of

        return status_of(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Ends the engines; scores and writes, before JUnit is written."""
        if "workbench" in vars(self):
            self.workbench.close()
        if "ledger" in vars(self):
            self.ledger.finish(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Shows gateways, cells, categories and score."""
        if "ledger" in vars(self):
            self.ledger.summarize(terminalreporter)

    def pytest_unconfigure(self) -> None:
        """After all reports are written."""
        if self._junit and "ledger" in vars(self):
            self.ledger.place_junit(self.folder / "junit.xml")
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tells an xdist worker where the run's processes meet."""
        from pytest_aprqa.plugin.distribution import keeps_together

        node.workerinput["aprqa"] = {
            "folder": str(self.folder),
            "run_id": self.run_id,
            "together": keeps_together(self.config),
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The controller collects nothing itself; the workers say what there is."""
        self._expect(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Any:  # noqa: ANN401 - as xdist has it
        """Keeps what belongs together on one worker, unless the user chose how to distribute."""
        from pytest_aprqa.plugin.distribution import make_scheduler

        return make_scheduler(config, log, self._scope_of)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Adds our columns to pytest-html's table, which it makes before anything is collected."""
        self._html = any(_may_hold_playbooks(Path(self.config.invocation_params.dir, it)) for it in self.config.args)
        if self._html:
            self.ledger.html_header(cells)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Fills our columns in pytest-html's table."""
        if self._html:
            self.ledger.html_row(getattr(report, "aprqa", None), cells)

    def _expect(self, nodeids: Sequence[str]) -> None:
        paths = list(dict.fromkeys(path for path in map(_path_of, nodeids) if is_playbook(path)))
        if paths and self.keeps_books:
            self.ledger.expect(paths)

    def _scope_of(self, path: str) -> str:
        return self.ledger.scope_of(path)

    def _divert_junit(self) -> bool:
        """Lets pytest write JUnit for us where the user asked for none; it is moved beside the evidence at the end."""
        if self.config.getoption("xmlpath", None):
            return False
        self.config.option.xmlpath = str(self.folder / "junit.xml")
        return True


def _worth_a_look(options: Options) -> bool:
    return bool(options.engine or options.resume or options.baseline or options.lock or options.report)


def _may_hold_playbooks(argument: Path) -> bool:
    path = Path(_path_of(str(argument)))
    return is_playbook(path.name) or any(
        next(path.rglob(f"*{suffix}"), None) is not None for suffix in SUFFIXES if path.is_dir()
    )


def _path_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
