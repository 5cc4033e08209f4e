"""``apr-qa registry``: checks, imports, publishes and shows the registry of models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_aprqa.core import Json
    from pytest_aprqa.registry import Award, Books, EvidenceIndex, Finding, Import, Row

csv_option = click.option(
    "--csv",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("certifications/models.csv"),
    show_default=True,
    metavar="FILE",
    help="The registry.",
)
"""Which registry; the award records lie beside it."""

_evidence_option = click.option(
    "--evidence",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Hold rows that were not measured here against the evidence in DIR.",
)


@click.group(short_help="Checks, imports and publishes the registry.")
def registry() -> None:
    """The registry of models, certifications/models.csv; awards.json beside it says what each row rests on."""


@registry.command()
@csv_option
@_evidence_option
@json_option
@click.pass_context
def check(ctx: click.Context, *, csv: Path, evidence: Path | None, as_json: bool) -> None:
    """Believes no row: holds each against its own numbers, its record, its evidence, its playbook and today.

    Exit code: 0 when nothing contradicts, 1 when something does, 2 when a file cannot be read.
    """
    from pytest_aprqa.registry import check as check_rows
    from pytest_aprqa.registry import read_awards, read_registry

    table, index = read_registry(csv), _index(evidence)
    found = check_rows(table, read_awards(csv), root=csv.resolve().parent, now=datetime.now(UTC), evidence=index)
    if as_json:
        say_json(
            {
                "csv": str(csv),
                "rows": len(table.rows),
                "passed": not found,
                "findings": _findings_json(found),
                "unreadable": list(index.unreadable) if index else [],
            }
        )
    else:
        _say_findings(found)
        say(f"{len(found)} findings in {len(table.rows)} rows" if found else f"{len(table.rows)} rows: nothing found")
    ctx.exit(1 if found else 0)


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@csv_option
@_evidence_option
@click.option("--facts-only", is_flag=True, help="Take names, families and parameters; no status and no score.")
@json_option
def import_file(*, file: Path, csv: Path, evidence: Path | None, facts_only: bool, as_json: bool) -> None:
    """Takes over FILE, a published registry: its statuses stand as imported and unverified.

    Rows that were measured here stay. What contradicts an imported row is told.
    """
    from pytest_aprqa.registry import import_published, update_books

    index = _index(evidence)
    done: list[Import] = []

    def change(books: Books) -> Books:
        done.append(import_published(books, file, evidence=index, facts_only=facts_only))
        return done[-1].books

    update_books(csv, change)
    _say_import(done[-1], csv, as_json=as_json)


@registry.command()
@csv_option
@click.option(
    "--readme",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("README.md"),
    show_default=True,
    metavar="FILE",
    help="The text with the two markers.",
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when the table is not up to date.")
@json_option
@click.pass_context
def sync(ctx: click.Context, *, csv: Path, readme: Path, only_check: bool, as_json: bool) -> None:
    """Writes the table of all models between the markers of a README.

    The markers are <!-- CERTIFICATION_TABLE_START --> and <!-- CERTIFICATION_TABLE_END -->, each on a line of its own.
    """
    from pytest_aprqa.evidence.atomic import write_atomically
    from pytest_aprqa.registry import RegistryError, read_awards, read_registry, sync_readme

    if not readme.is_file():
        raise RegistryError("is not a regular file", path=readme)
    try:
        before = readme.read_bytes().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise RegistryError("not UTF-8", path=readme) from exc
    after = sync_readme(before, read_registry(csv), read_awards(csv), now=datetime.now(UTC), path=readme)
    changed = after != before
    if changed and not only_check:
        write_atomically(readme, after.encode("utf-8"))
    if as_json:
        say_json({"readme": str(readme), "changed": changed, "written": changed and not only_check})
    elif not changed:
        say(f"{readme}: up to date")
    elif only_check:
        say(f"{readme}: the table is not up to date; run `apr-qa registry sync`")
    else:
        say(f"{readme}: the table was written")
    ctx.exit(1 if changed and only_check else 0)


@registry.command()
@click.argument("model")
@csv_option
@click.option("--family", required=True, metavar="NAME", help="Such as qwen-coder.")
@click.option("--parameters", required=True, metavar="COUNT", help="Such as 135M or 7B.")
@json_option
def add(*, model: str, csv: Path, family: str, parameters: str, as_json: bool) -> None:
    """Adds MODEL (org/name) as PENDING, or corrects the facts of one that is there."""
    from pytest_aprqa.registry import new_row, size_of, update_registry

    _refuse_no_model(model)
    size = size_of(parameters)
    made = new_row(model, family=family, parameters=parameters)
    after = update_registry(
        csv,
        lambda table: table.with_row(
            replace(table.find(model) or made, family=family, parameters=parameters, size_category=size)
        ),
    )
    row = after.find(model)
    assert row is not None
    if as_json:
        say_json(row_json(row))
    else:
        say(f"{csv}: {row.model_id}, {row.family}, {row.parameters} ({row.size_category}), {row.status}")


@registry.command()
@click.argument("model")
@csv_option
@json_option
@click.pass_context
def show(ctx: click.Context, *, model: str, csv: Path, as_json: bool) -> None:
    """Shows everything that is known of MODEL: row, standing, record, last runs, and what contradicts it.

    Exit code: 1 when something contradicts the row.
    """
    from pytest_aprqa.registry import check as check_rows
    from pytest_aprqa.registry import read_awards, read_registry, standing

    table, awards, now = read_registry(csv), read_awards(csv), datetime.now(UTC)
    row = _find(table.rows, model, csv)
    award, runs = awards.of(row.model_id), awards.runs_of(row.model_id)
    stands = standing(row, award, now=now, runs=runs)
    found = [
        finding
        for finding in check_rows(table, awards, root=csv.resolve().parent, now=now)
        if finding.model_id == row.model_id
    ]
    if as_json:
        say_json(
            {
                **row_json(row),
                "standing": stands.text,
                "holds": stands.holds,
                "award": award.model_dump(mode="json") if award else None,
                "runs": {tier: run.model_dump(mode="json") for tier, run in runs.items()},
                "findings": _findings_json(found),
            }
        )
    else:
        _say_row(row, stands.text, award, runs)
        _say_findings(found)
    ctx.exit(1 if found else 0)


def row_json(row: Row) -> dict[str, Json]:
    """A row's twenty columns as JSON."""
    return {
        "model_id": row.model_id,
        "family": row.family,
        "parameters": row.parameters,
        "size_category": row.size_category,
        "status": row.status,
        "mqs_score": row.mqs_score,
        "grade": row.grade,
        "certified_tier": row.certified_tier,
        "last_certified": row.last_certified,
        "gates": dict(row.gates),
        "tps": dict(row.tps),
        "provenance_verified": row.provenance_verified,
    }


def _index(folder: Path | None) -> EvidenceIndex | None:
    from pytest_aprqa.registry import index_evidence

    index = None if folder is None else index_evidence(folder)
    for problem in index.unreadable if index else ():
        click.echo(f"not evidence: {visible(problem)}", err=True)
    return index


def _find(rows: Sequence[Row], model: str, csv: Path) -> Row:
    from difflib import get_close_matches

    from pytest_aprqa.registry import RegistryError

    wanted = model.lower()
    found = [row for row in rows if row.model_id.lower() == wanted]
    found = found or [row for row in rows if row.model_id.lower().rpartition("/")[2] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise RegistryError(f"{len(found)} rows are called {model}: give org/name, or remove all but one", path=csv)
    close = get_close_matches(model, [row.model_id for row in rows], n=1, cutoff=0.4)
    raise RegistryError(f"no model {model}" + (f"; did you mean {close[0]}?" if close else ""), path=csv)


def _refuse_no_model(model: str) -> None:
    from pytest_aprqa.weights import Wanted

    if model.count("/") != 1 or not Wanted(model).on_hub:
        raise click.UsageError(
            "MODEL: expected org/name, such as Qwen/Qwen3-0.6B, each of letters, digits, '-', '_' and '.', "
            f"beginning with none of '-' and '.', without '--' and '..'; found {model[:120]!r}"
        )


def _say_import(done: Import, csv: Path, *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "csv": str(csv),
                "added": list(done.added),
                "imported": list(done.imported),
                "kept": list(done.kept),
                "remarks": list(done.remarks),
                "findings": _findings_json(done.findings),
            }
        )
        return
    _say_findings(done.findings)
    for remark in done.remarks:
        click.echo(visible(remark), err=True)
    contradicted = {finding.model_id for finding in done.findings}
    say(
        f"{csv}: {len(done.added)} models added, {len(done.imported)} statuses imported as unverified "
        f"({len(contradicted)} of them contradicted), {len(done.kept)} measured rows kept"
    )


def _say_findings(findings: Sequence[Finding]) -> None:
    model = ""
    for finding in findings:
        if finding.model_id != model:
            model = finding.model_id
            say(visible(model))
        say(f"  {finding.rule:<10} {visible(finding.problem)}")


def _findings_json(findings: Sequence[Finding]) -> list[Json]:
    return [
        {"model_id": finding.model_id, "rule": finding.rule.value, "problem": finding.problem} for finding in findings
    ]


def _say_row(row: Row, stands: str, award: Award | None, runs: Mapping[str, Award]) -> None:
    speeds = ", ".join(f"{name.removeprefix('tps_')} {rate:.1f}" for name, rate in row.tps.items() if rate is not None)
    gates = ", ".join(name for name, passed in row.gates.items() if passed)
    lines = [
        ("model", row.model_id),
        ("facts", f"{row.family or 'no family'}, {row.parameters or '?'} parameters, {row.size_category or '?'}"),
        ("standing", stands),
        ("score", "none" if row.mqs_score is None else f"{row.mqs_score} of 1000, grade {row.letter or 'none'}"),
        ("tier", row.certified_tier or "none"),
        ("measured", row.last_certified or "never"),
        ("passed", gates or "no gateway"),
        ("tok/s", speeds or "not measured"),
        ("provenance", "verified" if row.provenance_verified else "not verified"),
    ]
    if award is not None:
        lines.append(("evidence", f"{award.evidence or 'none'} ({award.origin}, sha256 {award.evidence_sha256[:12]})"))
        lines.append(("playbook", f"{award.playbook or 'unknown'} (sha256 {award.playbook_sha256[:12]})"))
    for tier, run in runs.items():
        passed = "passed" if run.passed else "not passed"
        lines.append(
            (f"{tier} run", f"{passed}, {run.status}, {run.mqs} of 1000, {run.at}, {run.evidence or 'no evidence'}")
        )
    for name, value in lines:
        say(f"{name:<11} {visible(value)}")
