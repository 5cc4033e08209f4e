"""``apr-qa tools``: every check that makes sense on one model file, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_aprqa.cli.say import json_option, say, say_json

if TYPE_CHECKING:
    from pytest_aprqa.certification import ToolRow, Tried

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
@json_option
@click.pass_context
def tools(ctx: click.Context, model_path: Path, no_gpu: bool, output: Path, include_serve: bool, as_json: bool) -> None:
    """Checks MODEL_PATH (.gguf, .apr, or a Hugging Face folder): inspects it, loads it, asks it, traces and times it.

    The file is its own ground truth; what converting it did is not known here: see validate-contract and certify --hf.

    Exit code: 0 when nothing failed and something was judged, 1 when not, 2 when it is no model, 130 after Ctrl-C.
    """
    from pytest_aprqa.certification import try_tools

    tried = try_tools(model_path, output=output, no_gpu=no_gpu, serve=include_serve)
    if as_json:
        say_json(tried.to_json())
    else:
        for line in _lines(tried, output):
            say(line)
    ctx.exit(128 + tried.ended.signal if tried.ended.signal else int(not tried.passed))


def _lines(tried: Tried, output: Path) -> Iterator[str]:
    from pytest_aprqa.certification import TOOLS_NAME
    from pytest_aprqa.reports import counted

    yield from (_line(row) for row in tried.rows)
    failed = sum(row.passed is False for row in tried.rows)
    skipped = sum(row.skipped for row in tried.rows)
    yield f"{counted(len(tried.rows), 'check')}, {failed} failed, {skipped} skipped; {output / TOOLS_NAME}"


def _line(row: ToolRow) -> str:
    from pytest_aprqa.reports import excerpt

    spent = "" if row.duration_ms is None else f" {row.duration_ms / 1000:.1f} s"
    reason = "" if row.passed else f": {excerpt(row.reason, limit=_REASON_CHARS)}"
    what = " ".join(word for word in (row.tool, row.target, row.gate_id) if word)
    return f"{_WORDS[row.passed]:<8} {what}{spent}{reason}"
