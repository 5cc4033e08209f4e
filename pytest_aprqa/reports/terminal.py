"""The summary at the end of a run, for a terminal of a given width; rich lays it out, into a text.

Every text from outside is made printable before rich sees it, and no markup is interpreted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from shlex import quote
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pytest_aprqa.core import Gateway, GatewayState, Modality, Outcome, counted, excerpt, visible
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.reports.cells import CellTally
from pytest_aprqa.reports.failures import Failure, failed_records, list_failures
from pytest_aprqa.reports.matrix import LEGEND, mark, matrix_rows
from pytest_aprqa.reports.speed import SPEED_HEADER, SPEED_LEGEND, speed_rows
from pytest_aprqa.reports.standing import (
    beside_sentences,
    differs,
    outcome_counts,
    rate_sentence,
    status_reasons,
    tier_sentence,
)
from pytest_aprqa.reports.unjudged import unjudged_groups
from pytest_aprqa.scoring import CategoryScore, Mqs, Status, full_headline

_FAILURES: Final = 5
_TEXT_CHARS: Final = 240
_REASONS: Final = 8
_MIN_WIDTH: Final = 40
_BAR_CHARS: Final = 20
_NUMBERS_CHARS: Final = 52
"""What the category table takes beside its bar."""

_STATE_STYLES: Final = {GatewayState.PASSED: "green", GatewayState.FAILED: "bold red", GatewayState.UNKNOWN: "yellow"}
_STATUS_STYLES: Final = {
    Status.CERTIFIED: "bold green",
    Status.PROVISIONAL: "green",
    Status.PARTIAL: "yellow",
    Status.PENDING: "yellow",
    Status.BLOCKED: "bold red",
}


def render_summary(
    evidence: Evidence,
    mqs: Mqs,
    *,
    width: int,
    color: bool,
    files: Sequence[str],
    ascii: bool = False,
) -> str:
    """The summary of one playbook's run.

    Args:
        evidence: the run.
        mqs: its score.
        width: columns of the terminal; below 40 counts as 40.
        color: with terminal colors.
        files: where reports were written, to be named at the end.
        ascii: for a stream that cannot print anything else.

    Returns:
        Lines without trailing blanks, the last one ended.
    """
    page = _Page(max(width, _MIN_WIDTH), color=color, ascii=ascii)
    _add_head(page, evidence)
    _add_gateways(page, mqs)
    _add_matrix(page, evidence)
    _add_speed(page, evidence)
    _add_unjudged(page, evidence)
    _add_categories(page, mqs)
    _add_score(page, evidence, mqs)
    _add_failures(page, evidence)
    if files:
        page.section("files")
        page.unbroken(visible(file, ascii=ascii) for file in files)
    return page.text


class _Page:
    """Collects sections into one text."""

    def __init__(self, width: int, *, color: bool, ascii: bool) -> None:
        self.width = width
        self.ascii = ascii
        self._console = Console(
            file=StringIO(),
            width=width,
            force_terminal=color,
            color_system="standard" if color else None,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},
        )

    @property
    def text(self) -> str:
        """What was collected so far."""
        file = self._console.file
        assert isinstance(file, StringIO)
        return "".join(f"{line.rstrip()}\n" for line in file.getvalue().rstrip("\n").split("\n"))

    def show(self, text: str, limit: int = _TEXT_CHARS) -> str:
        """A text from outside, fit for this page."""
        return excerpt(text, limit=limit, ascii=self.ascii)

    def section(self, title: str, *, note: str = "") -> None:
        """Begins a section."""
        self._console.print()
        self._console.print(Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim")))

    def add(self, part: RenderableType, *, indent: int = 2) -> None:
        """Adds a part, indented."""
        self._console.print(Padding(part, (0, 0, 0, indent), expand=False))

    def lines(self, lines: Iterable[str], *, style: str = "", indent: int = 2) -> None:
        """Adds lines, each wrapped and indented by itself."""
        for line in lines:
            self.add(Text(line, style=style, overflow="fold"), indent=indent)

    def listing(self, lines: Iterable[str], *, indent: int = 4) -> None:
        """Adds lines with a dash before each; what is wrapped hangs."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        for line in lines:
            grid.add_row("-", Text(line, overflow="fold"))
        if grid.row_count:
            self.add(grid, indent=indent)

    def unbroken(self, lines: Iterable[str], *, indent: int = 2) -> None:
        """Adds lines that are never wrapped, so that they can be copied from any terminal."""
        for line in lines:
            self._console.print(Text(" " * indent + line), soft_wrap=True)


def _add_head(page: _Page, evidence: Evidence) -> None:
    playbook = evidence.playbook
    tier = f" (tier {page.show(playbook.tier)})" if playbook.tier else ""
    named = f"playbook {page.show(playbook.name)}{tier}, " if playbook.name else ""
    page.lines([f"{named}model {page.show(playbook.model)}"], style="bold", indent=0)


def _add_gateways(page: _Page, mqs: Mqs) -> None:
    page.section("gateways")
    grid = Table.grid(padding=(0, 2, 0, 0))
    for gateway, state in mqs.gateways.items():
        grid.add_row(gateway, gateway.word, _targets_by_state(gateway, state, mqs))
    page.add(grid)


def _targets_by_state(gateway: Gateway, state: GatewayState, mqs: Mqs) -> Text:
    if not differs(gateway, mqs.target_gateways):
        return Text(state, style=_STATE_STYLES[state], overflow="fold")
    parts = []
    for one in (GatewayState.FAILED, GatewayState.UNKNOWN, GatewayState.PASSED):
        targets = [target for target, states in mqs.target_gateways.items() if states[gateway] is one]
        if targets:
            parts.append(Text(f"{one} on {', '.join(targets)}", style=_STATE_STYLES[one]))
    return Text("; ").join(parts)


def _add_matrix(page: _Page, evidence: Evidence) -> None:
    rows = matrix_rows(evidence.records)
    if not rows:
        return
    page.section("cells", note=LEGEND)
    grid = Table.grid(padding=(0, 3, 0, 0))
    grid.add_row("", *(Text(modality, style="dim", justify="right") for modality in Modality))
    for row in rows:
        grid.add_row(Text(row.target_id, overflow="fold"), *(_marked(cell) for cell in row.cells))
    page.add(grid)


def _add_speed(page: _Page, evidence: Evidence) -> None:
    rows = speed_rows(evidence)
    if not rows:
        return
    page.section("speed", note=SPEED_LEGEND)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    table.add_column(SPEED_HEADER[0], overflow="fold")
    for name in SPEED_HEADER[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(page.show(cell) for cell in row))
    page.add(table)


def _marked(cell: CellTally | None) -> Text:
    return Text(mark(cell), style=_cell_style(cell), justify="right")


def _cell_style(cell: CellTally | None) -> str:
    if cell is None:
        return "dim"
    if cell.passed < cell.judged:
        return "bold red"
    return "green" if cell.judged and not cell.count(Outcome.INCONCLUSIVE) else "yellow"


def _add_unjudged(page: _Page, evidence: Evidence) -> None:
    groups = unjudged_groups(evidence.records, limit=_REASONS, ascii=page.ascii)
    if groups:
        page.section("not judged")
    for group in groups:
        page.lines([group.line], style="yellow")
        page.lines(group.reason[1:], indent=4)


def _add_categories(page: _Page, mqs: Mqs) -> None:
    page.section("categories", note="points, passed of judged, 95 % interval")
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        grid.add_column(no_wrap=True)
    bar_chars = max(5, min(_BAR_CHARS, page.width - _NUMBERS_CHARS))
    for category in mqs.categories.values():
        grid.add_row(category.category, *_category_columns(category, bar_chars, ascii=page.ascii))
    page.add(grid)


def _category_columns(score: CategoryScore, bar_chars: int, *, ascii: bool) -> tuple[Text, Text, Text]:
    full, rest = ("#", ".") if ascii else ("█", "░")
    filled = score.points * bar_chars // score.max_points
    bar = Text.assemble((full * filled, "green"), (rest * (bar_chars - filled), "dim"))
    numbers = Text(f"{score.points:>3}/{score.max_points}")
    if score.total == 0:
        return bar, numbers, Text("no evidence", style="yellow")
    low, high = score.interval
    return bar, numbers, Text(f"{score.passed} of {score.total}  {low:.1%} .. {high:.1%}")


def _add_score(page: _Page, evidence: Evidence, mqs: Mqs) -> None:
    page.section("score")
    page.add(Text.assemble("status ", (mqs.status, _STATUS_STYLES[mqs.status])))
    page.lines([full_headline(evidence, mqs)], style="bold")
    page.listing(status_reasons(evidence, mqs, ascii=page.ascii))
    page.lines([tier_sentence(mqs), rate_sentence(mqs), *beside_sentences(evidence)])
    page.lines(f"penalty -{penalty.points} {penalty.code} ({penalty.description})" for penalty in mqs.penalties)
    page.lines([f"records: {outcome_counts(mqs)}", f"{counted(evidence.distinct_prompts, 'distinct prompt')} sent"])


def _add_failures(page: _Page, evidence: Evidence) -> None:
    total = len(failed_records(evidence.records))
    if not total:
        return
    shown = list_failures(evidence, limit=_FAILURES, chars=_TEXT_CHARS, ascii=page.ascii)
    page.section("worst failures", note=f"{len(shown)} of {total:,}")
    for failure in shown:
        head = f"{failure.case_id}  {failure.gate_id} {failure.severity} {failure.outcome}"
        page.lines([head], style="bold red")
        page.add(_failure_grid(failure), indent=4)
        if failure.node_id:
            page.unbroken([f"again   pytest {quote(failure.node_id)}"], indent=4)


def _failure_grid(failure: Failure) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    rows = (
        ("reason", failure.reason),
        ("prompt", failure.prompt),
        ("answer", failure.answer if failure.answer is None else failure.answer or "(empty)"),
        ("stderr", failure.stderr),
    )
    for label, text in rows:
        if text:
            grid.add_row(Text(label, style="dim"), Text(text, overflow="fold"))
    return grid
