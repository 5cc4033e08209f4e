"""Reports beside a playbook's evidence, as the user chose them; imported when a run is over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aprqa.certification.write_reports import ReportForm, digest_of, forms_named, remove_reports, write_reports
from pytest_aprqa.core import AprqaError, EvidenceError
from pytest_aprqa.evidence import EVIDENCE_NAME, Evidence
from pytest_aprqa.scoring import Mqs

_DEFAULT = (ReportForm.HTML,)


def forms_of(words: str | None) -> tuple[ReportForm, ...]:
    """The reports that the option names; HTML where it is not given.

    Raises:
        pytest.UsageError: a word names none.
    """
    if words is None:
        return _DEFAULT
    try:
        return forms_named(words, option="--aprqa-report", also=("none",))
    except AprqaError as problem:
        raise pytest.UsageError(str(problem)) from None


def leave_reports(folder: Path, evidence: Evidence, mqs: Mqs, forms: tuple[ReportForm, ...]) -> list[str]:
    """Writes the reports beside the evidence, and removes those that tell of an earlier run.

    Returns:
        What could not be written, one sentence each.
    """
    remove_reports(folder)
    problems = []
    digest = digest_of(folder / EVIDENCE_NAME)
    for form in forms:
        try:
            write_reports(folder, evidence, mqs, (form,), evidence_sha256=digest, now=datetime.now(UTC))
        except (EvidenceError, OSError) as problem:
            problems.append(f"{form} report: {problem}")
    return problems
