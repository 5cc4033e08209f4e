"""``apr-qa export-csv`` and ``apr-qa export-evidence``: evidence in the forms that others read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import visible

if TYPE_CHECKING:
    from pytest_aprqa.core import Json
    from pytest_aprqa.registry import Books


@click.command("export-csv", short_help="Writes registry rows from evidence files.")
@click.option(
    "-e",
    "--evidence-dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("certifications"),
    show_default=True,
    metavar="DIR",
    help="Folder with evidence files, searched with all its folders.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("certifications/models.csv"),
    show_default=True,
    metavar="FILE",
    help="The csv; its award records go beside it.",
)
@click.option("--append", is_flag=True, help="FILE is there: keep all its other rows.")
@json_option
@click.pass_context
def export_csv(ctx: click.Context, *, folder: Path, output: Path, append: bool, as_json: bool) -> None:
    """Enters every evidence file below DIR, of this or of the original tool, into a registry.

    A run of this package settles its row as `certify` does; foreign evidence gives numbers and never an award. Of
    several files about one model the latest counts. What could not be read is told on standard error.

    Exit code: 0 when a row was written, 1 when there was no evidence, 2 when FILE is there and --append is not given.
    """
    from pytest_aprqa.registry import enter_all, index_evidence, update_books

    if output.exists() and not append:
        raise click.UsageError(f"{output} is there; --append keeps its other rows, -o names another file")
    index = index_evidence(folder)
    told: list[str] = [*index.unreadable]

    def change(books: Books) -> Books:
        done = enter_all(books, index, now=datetime.now(UTC))
        told.extend(done.remarks)
        return done.books

    if index.by_model:
        update_books(output, change)
    models = [files[-1].model for files in index.by_model.values()]
    for problem in told:
        click.echo(visible(problem), err=True)
    if as_json:
        say_json({"csv": str(output), "models": [*models], "unreadable": [*index.unreadable], "remarks": [*told]})
    else:
        say(f"{output}: {len(models)} models from {sum(map(len, index.by_model.values()))} evidence files")
    ctx.exit(0 if models else 1)


@click.command("export-evidence", short_help="Writes an evidence file in the exchange form.")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-m", "--model", metavar="ORG/NAME", help="Default as SOURCE says.")
@click.option("--family", metavar="NAME", help="Default as the registry says.")
@click.option("--size", metavar="WORD", help="Default as the registry says.")
@click.option("--playbook-name", metavar="NAME", help="Default as SOURCE says.")
@click.option("--tier", metavar="WORD", help="Default as SOURCE says, else mvp.")
@click.option(
    "-o",
    "--output-dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Default here.",
)
@click.option(
    "--csv",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("certifications/models.csv"),
    show_default=True,
    metavar="FILE",
    help="The registry that knows family and size.",
)
@json_option
def export_evidence(
    *,
    source: Path,
    model: str | None,
    family: str | None,
    size: str | None,
    playbook_name: str | None,
    tier: str | None,
    folder: Path,
    csv: Path,
    as_json: bool,
) -> None:
    """Writes SOURCE (evidence of any known shape, or a journal) as one object: model, summary, score, gates, records.

    Score, grade and gateways are those that `apr-qa score` gives.
    """
    from pytest_aprqa.evidence import of_model, read_run
    from pytest_aprqa.evidence.atomic import write_atomically
    from pytest_aprqa.registry import exchange_form, exchange_name, read_books
    from pytest_aprqa.scoring import score_evidence

    evidence = read_run(source)
    if model is not None and evidence.playbook.model != "unknown":
        evidence = of_model(evidence, model, where=str(source))
    name = evidence.playbook.model if evidence.playbook.model != "unknown" else model or "unknown"
    row = read_books(csv).registry.find(name)
    word = _tier(tier or evidence.playbook.tier or "mvp")
    made = exchange_form(
        evidence,
        score_evidence(evidence, tier=word),
        model=name,
        family=family or (row.family if row else "unknown"),
        size=size or (row.size_category if row else "unknown"),
        playbook=playbook_name or evidence.playbook.name or source.stem,
        tier=word,
    )
    path = folder / exchange_name(name)
    text = json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text.encode("utf-8") + b"\n")
    _say_written(path, made, as_json=as_json)


def _say_written(path: Path, made: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        say_json({"file": str(path), **{key: made[key] for key in ("model", "playbook", "summary", "mqs", "gates")}})
    else:
        say(str(path))


def _tier(word: str) -> str:
    from pytest_aprqa.core import TIER_WORDS

    if word not in TIER_WORDS:
        raise click.UsageError(f"--tier: expected one of {', '.join(TIER_WORDS)}; found {word!r}")
    return TIER_WORDS[word].value
