"""The report files of one run, each written in one step beside its evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_aprqa.certification.errors import CertificationError
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.evidence.atomic import write_atomically
from pytest_aprqa.scoring import Mqs

if TYPE_CHECKING:
    from pytest_aprqa.regression import Comparison


class ReportForm(StrEnum):
    """What can be written from evidence."""

    HTML = "html"
    """``report.html``: one page, no network."""
    JUNIT = "junit"
    """``junit.xml``."""
    MARKDOWN = "markdown"
    """``report.md``."""
    CERTIFICATE = "certificate"
    """``certificate.md`` and ``certificate.html``."""
    STATEMENT = "statement"
    """``statement.json``: an in-toto statement over the digests of the weights."""
    MQS = "mqs"
    """``mqs.json``: the score."""


ALL_FORMS: Final = tuple(ReportForm)
ALL: Final = "all"
"""The word for every form."""
_ATTESTING: Final = (ReportForm.CERTIFICATE, ReportForm.STATEMENT)
"""Evidence that does not say what was tested is refused these."""
_NAMES: Final = (
    "report.html",
    "junit.xml",
    "report.md",
    "certificate.md",
    "certificate.html",
    "statement.json",
    "mqs.json",
)
"""Every file that `write_reports` may write."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of a list with commas, in lower case.

    >>> words_of("HTML, junit,")
    ('html', 'junit')
    """
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())


def forms_named(text: str, *, option: str, also: tuple[str, ...] = ()) -> tuple[ReportForm, ...]:
    """The forms that a list with commas names, each once; what may be refused first, so that nothing is half written.

    Args:
        text: such as ``html,junit``, or ``all``.
        option: where it was given.
        also: further words that are allowed, and name no form.

    Raises:
        CertificationError: a word names no form, or there is none.
    """
    words, known = words_of(text), (*map(str, ReportForm), ALL, *also)
    for word in words or ("",):
        if word not in known:
            close = get_close_matches(word, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise CertificationError(f"{option}: expected some of {', '.join(known)}; found {word[:40]!r}{hint}")
    return tuple(form for form in sorted(ReportForm, key=_comes_late) if ALL in words or form in words)


def refused_forms(evidence: Evidence, forms: Iterable[ReportForm]) -> dict[ReportForm, str]:
    """Those of the forms that cannot be made of the evidence, and why."""
    from pytest_aprqa.reports import refusal

    why = refusal(evidence)
    return {form: why for form in forms if why and form in _ATTESTING}


def write_reports(
    folder: Path,
    evidence: Evidence,
    mqs: Mqs,
    formats: Iterable[ReportForm] = ALL_FORMS,
    *,
    evidence_sha256: str,
    now: datetime,
    comparison: Comparison | None = None,
) -> tuple[Path, ...]:
    """Writes reports into a folder, which is made.

    Args:
        folder: where to.
        evidence: what they tell of.
        mqs: its score.
        formats: which ones, each once.
        evidence_sha256: digest of the evidence file's bytes, 64 hex digits.
        now: stands in the certificate and in the statement.
        comparison: with an earlier run, for the page.

    Returns:
        The files that were written, in the order of the forms.

    Raises:
        EvidenceError: a file cannot be written.
    """
    written = []
    for form in dict.fromkeys(formats):
        for name, text in _rendered(form, evidence, mqs, evidence_sha256, now, comparison):
            # Half a surrogate pair, which a model may answer, has no UTF-8.
            write_atomically(folder / name, text.encode("utf-8", "backslashreplace"))
            written.append(folder / name)
    return tuple(written)


def remove_reports(folder: Path) -> None:
    """Removes the reports of an earlier run, so that none is left that tells of other evidence."""
    for name in _NAMES:
        (folder / name).unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _comes_late(form: ReportForm) -> bool:
    return form not in _ATTESTING


def _rendered(
    form: ReportForm, evidence: Evidence, mqs: Mqs, digest: str, now: datetime, comparison: Comparison | None
) -> Iterator[tuple[str, str]]:
    from pytest_aprqa import reports

    match form:
        case ReportForm.HTML:
            yield "report.html", reports.render_html_report(evidence, mqs, comparison=comparison)
        case ReportForm.JUNIT:
            yield "junit.xml", reports.render_junit(evidence, mqs)
        case ReportForm.MARKDOWN:
            yield "report.md", reports.render_report_markdown(evidence, mqs)
        case ReportForm.CERTIFICATE:
            for name, shape in (("certificate.md", "markdown"), ("certificate.html", "html")):
                yield name, reports.render_certificate(evidence, mqs, evidence_sha256=digest, now=now, form=shape)
        case ReportForm.STATEMENT:
            yield "statement.json", _json(reports.statement_of(evidence, mqs, evidence_sha256=digest, now=now))
        case ReportForm.MQS:
            yield "mqs.json", _json(mqs.to_json())


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
