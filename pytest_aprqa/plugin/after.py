"""Reports beside a playbook's evidence, as the user chose them; imported when a run is over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aprqa.certification.write_reports import ALL_FORMS, ReportForm, digest_of, remove_reports, write_reports
from pytest_aprqa.core import EvidenceError
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
    given = [word.strip().lower() for word in words.split(",")]
    known = (*ReportForm, "all", "none")
    unknown = [word for word in given if word not in known]
    if unknown:
        raise pytest.UsageError(f"--aprqa-report: expected some of {', '.join(known)}; found {unknown[0]!r}")
    return ALL_FORMS if "all" in given else tuple(form for form in ReportForm if form in given)


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
