"""``apr-qa convert``: writes a model in another format, into a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import ArtefactError, Format, Json, Quantization, visible

if TYPE_CHECKING:
    from pytest_aprqa.conversion import Converted


@click.command(short_help="Writes a model in another format.")
@click.argument("source", metavar="SOURCE")
@click.option("--to", "format", type=click.Choice([*map(str, Format)]), required=True, help="The format to make.")
@click.option(
    "--quantization",
    type=click.Choice([*map(str, Quantization)]),
    help="Weight type of the result; by default the source's, as far as the format has it.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where the result goes: model.gguf, model.apr, or the files of a Hugging Face folder. Nothing is replaced.",
)
@click.option(
    "--model-cache",
    "cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of models, where SOURCE is a model's name.",
)
@json_option
def convert(
    source: str, format: str, quantization: str | None, output: Path, cache: Path | None, as_json: bool
) -> None:
    """Converts SOURCE: a Hugging Face folder, a .gguf or .apr file, or a model's name such as org/name.

    Exit code: 0 when the result is there, 2 when SOURCE cannot be read or cannot be said in the format.
    """
    from pytest_aprqa.conversion import convert as make

    wanted = Quantization(quantization) if quantization else None
    made = make(find_model(source, cache), output, format=Format(format), quantization=wanted)
    if as_json:
        say_json(_json(made))
        return
    for line in _lines(made):
        say(line)


def find_model(source: str, cache: Path | None) -> Path:
    """The path that a user means: one that is there, else the folder of a model of that name."""
    path = Path(source)
    if path.exists():
        return path
    from pytest_aprqa.weights import Search, Wanted, resolve

    if not Wanted(source).on_hub or source.endswith((".gguf", ".apr", ".safetensors")):
        raise ArtefactError("is not there", path=path, expected="a model file, a Hugging Face folder or org/name")
    return resolve(Wanted(source), Search(model_cache=cache, environment=dict(os.environ))).folder


def _lines(made: Converted) -> list[str]:
    sizes = [f"  {path.stat().st_size:>15,} bytes  {visible(path.name)}" for path in _files(made)]
    kind = f"{made.format}{f' {made.quantization}' if made.quantization else ''}"
    return [f"{visible(str(made.path))}: {kind}, {made.made_by}", *sizes, f"  sha256 {made.digest}"]


def _json(made: Converted) -> dict[str, Json]:
    return {
        "path": str(made.path),
        "format": made.format,
        "quantization": made.quantization,
        "made_by": made.made_by,
        "sha256": made.digest,
        "files": {path.name: path.stat().st_size for path in _files(made)},
    }


def _files(made: Converted) -> list[Path]:
    return [made.path] if made.path.is_file() else sorted(path for path in made.path.iterdir() if path.is_file())
