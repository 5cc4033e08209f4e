"""``apr-qa report``: every report that an evidence file can give, without running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import visible

if TYPE_CHECKING:
    from pytest_aprqa.certification.write_reports import ReportForm
    from pytest_aprqa.evidence import Evidence
    from pytest_aprqa.regression import Comparison


@click.command(short_help="Writes reports from an evidence file.")
@click.argument("file", metavar="EVIDENCE", type=click.Path(path_type=Path))
@click.option("-m", "--model", metavar="ORG/NAME", help="Report on this model; for a file that holds several.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write to.  [default: EVIDENCE's own]")
@click.option(
    "--formats",
    default="all",
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
    from pytest_aprqa.certification.write_reports import (
        ALL,
        ReportForm,
        digest_of,
        refused_forms,
        words_of,
        write_reports,
    )
    from pytest_aprqa.evidence import of_model, read_run
    from pytest_aprqa.scoring import score_evidence

    wanted = _forms(formats, comparing=before is not None)
    evidence = read_run(file)
    if model is not None:
        evidence = of_model(evidence, model, where=str(file))
    mqs = score_evidence(evidence)
    left_out = refused_forms(evidence, wanted) if ALL in words_of(formats) else {}
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


def _forms(words: str, *, comparing: bool) -> tuple[ReportForm, ...]:
    """The reports that the words ask for.

    Raises:
        click.UsageError: a word names no report, or a comparison is wanted and the page that would show it is not.
    """
    from pytest_aprqa.certification.write_reports import ReportForm, forms_named
    from pytest_aprqa.core import AprqaError

    try:
        wanted = forms_named(words, option="--formats")
    except AprqaError as problem:
        raise click.UsageError(str(problem)) from None
    if comparing and ReportForm.HTML not in wanted:
        raise click.UsageError(
            f"--compare: the comparison is part of the HTML page; expected html among --formats; found {words[:40]!r}"
        )
    return wanted


def _comparison(before: Path | None, evidence: Evidence) -> Comparison | None:
    if before is None:
        return None
    from pytest_aprqa.evidence import read_run
    from pytest_aprqa.regression import compare

    return compare(read_run(before), evidence)


def _tell(
    written: Sequence[Path], left_out: Mapping[ReportForm, str], facts: Mapping[str, str], *, as_json: bool
) -> None:
    if as_json:
        files = [str(path) for path in written]
        say_json({**facts, "files": [*files], "left_out": {str(form): why for form, why in left_out.items()}})
        return
    for path in written:
        say(visible(str(path)))
    for form, why in left_out.items():
        click.echo(f"no {form}: {visible(why)}", err=True)
