"""What ``validate-contract`` and ``diagnose-conversion`` print: a table of gates, or one JSON object."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from pytest_aprqa.cli.say import Screen
from pytest_aprqa.core import counted, excerpt, visible

if TYPE_CHECKING:
    from pytest_aprqa.core import Json
    from pytest_aprqa.gates import ContractReport, Finding

_STYLES = {"corroborated": "green", "falsified": "bold red", "inconclusive": "yellow"}
_REASON_CHARS = 400


def report_json(report: ContractReport) -> dict[str, Json]:
    """As one plain object."""
    return {
        "file": str(report.path),
        "format": report.format.value,
        "against": str(report.against) if report.against else None,
        "passed": report.passed,
        "gates": [_gate(finding, required=finding.gate.id in report.required) for finding in report.findings],
        "left_out": [gate.id for gate in report.left_out],
        "diagnoses": [
            {
                "family": one.family.value,
                "confidence": one.confidence,
                "sentence": one.sentence,
                "numbers": dict(one.numbers),
            }
            for one in report.diagnoses
        ],
    }


def report_text(report: ContractReport, screen: Screen, *, left_out: str) -> str:
    """As lines for a terminal.

    Args:
        report: what was found.
        screen: what the terminal can show.
        left_out: what would have to be given for the gates that were left out.
    """
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(
        file=StringIO(),
        width=max(screen.width, 40),
        force_terminal=screen.color,
        color_system="standard" if screen.color else None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    against = f" against {report.against}" if report.against else ""
    console.print(Text(visible(f"{report.path} ({report.format}){against}", ascii=screen.ascii), style="bold"))
    for finding in report.findings:
        outcome = finding.verdict.outcome.value
        console.print(Text.assemble((f"{outcome:<12}", _STYLES.get(outcome, "")), f" {finding.gate.id}"))
        reason = excerpt(finding.verdict.reason, limit=_REASON_CHARS, ascii=screen.ascii)
        console.print(Padding(Text(reason, overflow="fold"), (0, 0, 0, 13), expand=False))
    for one in report.diagnoses:
        grid = Table.grid(padding=(0, 1, 0, 0))
        said = excerpt(one.sentence, limit=_REASON_CHARS, ascii=screen.ascii)
        grid.add_row("probably:", Text(f"{one.family.value} ({one.confidence:.0%}): {said}", overflow="fold"))
        console.print(grid)
    if report.left_out:
        names = ", ".join(gate.id for gate in report.left_out)
        console.print(Text(f"not checked, {left_out}: {names}", style="dim", overflow="fold"))
    counts = [finding.verdict.outcome.value for finding in report.findings]
    summary = ", ".join(f"{counts.count(word)} {word}" for word in _STYLES if word in counts)
    console.print(Text(f"{'passed' if report.passed else 'not passed'}: {summary} of {counted(len(counts), 'gate')}"))
    file = console.file
    assert isinstance(file, StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip("\n").split("\n"))


def _gate(finding: Finding, *, required: bool) -> dict[str, Json]:
    return {
        "gate": finding.gate.id,
        "title": finding.gate.title,
        "outcome": finding.verdict.outcome.value,
        "reason": finding.verdict.reason,
        "compared": finding.verdict.compared,
        "required": required,
        "details": dict(finding.verdict.details),
    }
