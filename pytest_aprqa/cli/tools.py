"""``apr-qa tools``: every check that makes sense on one model file, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import counted, excerpt, visible

if TYPE_CHECKING:
    from pytest_aprqa.certification import Outlook, ToolRow, Tried
    from pytest_aprqa.core import Json

_REASON_CHARS: Final = 200
_WORDS: Final = {True: "passed", False: "FAILED", None: "skipped"}


@click.command(short_help="Runs every check of files on one model.")
@click.argument("model_path", type=click.Path(path_type=Path))
@click.option("--no-gpu", is_flag=True, help="Leave the gpu out.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("output"),
    show_default=True,
    metavar="DIR",
    help="Folder for tool_tests.json, the playbook that was run, and its evidence.",
)
@click.option("--include-serve", is_flag=True, help="Also start a server and ask it.")
@click.option("--dry-run", is_flag=True, help="Print what would be asked and how long it may take; ask nothing.")
@json_option
@click.pass_context
def tools(
    ctx: click.Context,
    *,
    model_path: Path,
    no_gpu: bool,
    output: Path,
    include_serve: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Checks MODEL_PATH (.gguf, .apr, or a Hugging Face folder): inspects it, loads it, asks it, traces and times it.

    The file is its own ground truth; what converting it did is not known here: see validate-contract and certify --hf.

    Standard error has an estimate of the time first, then a line for each check as it ends.

    Exit code: 0 when nothing failed and something was judged, 1 when not, 2 when it is no model, 130 after Ctrl-C.
    """
    from pytest_aprqa.certification import foresee_tools, try_tools

    if dry_run:
        _foresee(model_path, foresee_tools(model_path, no_gpu=no_gpu, serve=include_serve), as_json=as_json)
        return
    tried = try_tools(model_path, output=output, no_gpu=no_gpu, serve=include_serve, tell=_tell)
    if as_json:
        say_json(tried.to_json())
    else:
        for line in _lines(tried, output):
            say(line)
    ctx.exit(128 + tried.ended.signal if tried.ended.signal else int(not tried.passed))


def _tell(line: str) -> None:
    click.echo(visible(line), err=True)


def _foresee(path: Path, outlook: Outlook, *, as_json: bool) -> None:
    from pytest_aprqa.certification import LOOKS, time_words

    if as_json:
        say_json(_outlook_json(path, outlook))
        return
    say(visible(f"{path}: {', '.join(LOOKS)}, then {counted(sum(outlook.items.values()), 'check')}; nothing was asked"))
    for kind, names in outlook.names.items():
        say(f"  {kind} ({len(names)})")
        for name in names:
            say(f"    {name}")
    for reason, count in outlook.skips.items():
        say(visible(f"  skipped: {count}: {reason}"))
    say(f"time: {time_words(outlook.estimate)}")


def _outlook_json(path: Path, outlook: Outlook) -> dict[str, Json]:
    from pytest_aprqa.certification import LOOKS

    told = outlook.to_json()
    return {
        "model_path": str(path),
        "dry_run": True,
        "commands": [*LOOKS],
        "checks": {kind: [*names] for kind, names in outlook.names.items()},
        "skips": told["skips"],
        "estimate": told["estimate"],
    }


def _lines(tried: Tried, output: Path) -> Iterator[str]:
    from pytest_aprqa.certification import TOOLS_NAME

    yield from (_line(row) for row in tried.rows)
    failed = sum(row.passed is False for row in tried.rows)
    skipped = sum(row.skipped for row in tried.rows)
    asked = counted(len(tried.rows), "check")
    if tried.ended.interrupted:
        asked = f"interrupted: {counted(tried.asked, 'check')} of {tried.planned} asked, {tried.unasked} not asked"
    yield f"{asked}, {failed} failed, {skipped} skipped; {output / TOOLS_NAME}"


def _line(row: ToolRow) -> str:
    spent = "" if row.duration_ms is None else f" {row.duration_ms / 1000:.1f} s"
    reason = "" if row.passed else f": {excerpt(row.reason, limit=_REASON_CHARS)}"
    what = " ".join(word for word in (row.tool, row.target, row.gate_id) if word)
    return f"{_WORDS[row.passed]:<8} {what}{spent}{reason}"
