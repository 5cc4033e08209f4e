"""``apr-qa report``: every report that an evidence file can give, without running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_aprqa.cli.say import json_option, say, say_json

if TYPE_CHECKING:
    from pytest_aprqa.certification.write_reports import ReportForm
    from pytest_aprqa.evidence import Evidence
    from pytest_aprqa.regression import Comparison

_ALL: Final = "all"


@click.command(short_help="Writes reports from an evidence file.")
@click.argument("file", metavar="EVIDENCE", type=click.Path(path_type=Path))
@click.option("-m", "--model", metavar="ORG/NAME", help="Report on this model; for a file that holds several.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write to.  [default: EVIDENCE's own]")
@click.option(
    "--formats",
    default=_ALL,
    show_default=True,
    metavar="WORDS",
    help="Which reports, with commas between: html, junit, markdown, certificate, statement, mqs, all.",
)
@click.option(
    "--compare",
    "before",
    metavar="BEFORE",
    type=click.Path(path_type=Path),
    help="Show in the HTML report what changed since this evidence file.",
)
@json_option
def report(
    file: Path, model: str | None, output: Path | None, formats: str, before: Path | None, as_json: bool
) -> None:
    """Writes reports on EVIDENCE, an evidence.json of this or of another tool, or an evidence.jsonl.

    The score is always written, as mqs.json. Of evidence that does not say which files were tested, `all` leaves out
    certificate and statement.

    Exit code: 0 when the reports are written, whatever they say, 2 when they cannot be.
    """
    from pytest_aprqa.certification.write_reports import ReportForm, digest_of, write_reports
    from pytest_aprqa.evidence import of_model, read_run
    from pytest_aprqa.scoring import Rules, score

    wanted = _forms(formats)
    evidence = read_run(file)
    if model is not None:
        evidence = of_model(evidence, model, where=str(file))
    partial = evidence.run.selection != "complete"
    mqs = score(evidence.records, Rules(evidence.playbook.tier, partial_selection=partial))
    left_out = _left_out(evidence, wanted) if _asks_for_all(formats) else {}
    written = write_reports(
        output or file.parent,
        evidence,
        mqs,
        (*(form for form in wanted if form not in left_out), ReportForm.MQS),
        evidence_sha256=digest_of(file),
        now=datetime.now(UTC),
        comparison=_comparison(before, evidence),
    )
    _tell(written, left_out, {"model": evidence.playbook.model, "status": mqs.status}, as_json=as_json)


def _forms(words: str) -> tuple[ReportForm, ...]:
    """The reports that the words ask for, each once, certificates before what is quick to write.

    Raises:
        click.UsageError: a word names no report.
    """
    from pytest_aprqa.certification.write_reports import ReportForm

    known = [*map(str, ReportForm), _ALL]
    given = _words(words)
    for word in given or [""]:
        if word not in known:
            close = get_close_matches(word, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"--formats: no such report {word[:40]!r}; known: {', '.join(known)}.{hint}")
    chosen = set(ReportForm) if _ALL in given else set(given)
    # What may be refused comes first, so that a refusal leaves nothing half written behind.
    first = (ReportForm.CERTIFICATE, ReportForm.STATEMENT)
    return tuple(form for form in (*first, *(other for other in ReportForm if other not in first)) if form in chosen)


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]


def _asks_for_all(formats: str) -> bool:
    return _ALL in _words(formats)


def _left_out(evidence: Evidence, wanted: Sequence[ReportForm]) -> dict[ReportForm, str]:
    from pytest_aprqa.certification.write_reports import ReportForm
    from pytest_aprqa.reports import refusal

    why = refusal(evidence)
    return {form: why for form in wanted if why and form in (ReportForm.CERTIFICATE, ReportForm.STATEMENT)}


def _comparison(before: Path | None, evidence: Evidence) -> Comparison | None:
    if before is None:
        return None
    from pytest_aprqa.evidence import read_run
    from pytest_aprqa.regression import compare

    return compare(read_run(before), evidence)


def _tell(
    written: Sequence[Path], left_out: Mapping[ReportForm, str], facts: Mapping[str, str], *, as_json: bool
) -> None:
    from pytest_aprqa.reports import visible

    if as_json:
        files = [str(path) for path in written]
        say_json({**facts, "files": [*files], "left_out": {str(form): why for form, why in left_out.items()}})
        return
    for path in written:
        say(visible(str(path)))
    for form, why in left_out.items():
        click.echo(f"no {form}: {visible(why)}", err=True)
