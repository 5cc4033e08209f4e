"""What the user reads before and after a run: the header's lines, the summary, and the files it names."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from pytest_aprqa import __version__
from pytest_aprqa.core import Backend, visible
from pytest_aprqa.evidence import EVIDENCE_NAME, JOURNAL_NAME, Evidence, read_host
from pytest_aprqa.playbook import Playbook, list_cells
from pytest_aprqa.plugin.account import SUMMARY_NAME, Account
from pytest_aprqa.reports import header_lines, render_summary
from pytest_aprqa.scoring import Mqs, headline, score_upstream

_ENGINE_LIBRARIES = ("torch", "transformers", "xllamacpp", "cyllama")
"""Named in the header; asking their metadata does not import them."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A playbook whose run is over."""

    path: Path
    account: Account
    evidence: Evidence
    mqs: Mqs


def run_header(playbook: Playbook) -> list[str]:
    """What one playbook of the command line is about to test."""
    targets = list(dict.fromkeys(cell.target for cell in list_cells(playbook.model, playbook.matrix)))
    wants_gpu = any(target.backend is Backend.GPU for target in targets)
    return header_lines(
        playbook.name,
        aprqa_version=__version__,
        playbook_version=playbook.version,
        tier=playbook.tier,
        model=playbook.model.hf_repo,
        targets=[target.id for target in targets],
        devices=[f"cpu ({len(os.sched_getaffinity(0))} cores)", *(read_host().gpus if wants_gpu else ())],
        engines={name: found for name in _ENGINE_LIBRARIES if (found := _version(name))},
    )


def print_summary(terminal: pytest.TerminalReporter, closed: Closed, *, upstream: bool) -> None:
    """Shows what came of a playbook; with `upstream` also what the original tool's formula makes of it."""
    evidence = closed.evidence
    terminal.section(f"aprqa: {evidence.playbook.name}", sep="=")
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    text = render_summary(
        evidence,
        closed.mqs,
        width=terminal.config.get_terminal_writer().fullwidth,
        color=terminal.hasmarkup,
        files=_files(closed.account.folder),
        ascii=not _speaks_unicode(encoding),
    )
    terminal.write(text)
    for warning in evidence.playbook.warnings:
        terminal.write_line(f"warning: {visible(warning)}", yellow=True)
    for report in evidence.playbook.reports:
        terminal.write_line(f"not tested: {visible(report)}")
    if resumed := sum(record.resumed for record in evidence.records):
        terminal.write_line(
            f"resumed: the answers of {resumed} of {len(evidence.records)} records are an earlier run's"
        )
    if upstream:
        old = score_upstream(evidence.records)
        terminal.write_line(
            f"upstream formula: {old.raw_score} of 1000 (normalized {old.normalized_score:.1f}, grade {old.grade});"
            " it gives untested categories full marks and counts skipped cases as passed;"
            f" here the run is: {headline(closed.mqs)}"
        )


def _files(folder: Path) -> list[str]:
    names = (EVIDENCE_NAME, JOURNAL_NAME, SUMMARY_NAME, "report.html")
    return [str(folder / name) for name in names if (folder / name).exists()]


def _speaks_unicode(encoding: str) -> bool:
    try:
        "≥✓×·█".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
