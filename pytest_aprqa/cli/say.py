"""Printing on standard output, whatever it can encode."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass

import click

from pytest_aprqa.core import Json

_PLAIN_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Screen:
    """What standard output can show."""

    width: int
    """Columns; 80 where there is no terminal."""
    color: bool
    """A terminal whose user did not set NO_COLOR."""
    ascii: bool
    """True where the block characters of the summary cannot be printed."""


def screen() -> Screen:
    """What standard output can show."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns if terminal else _PLAIN_WIDTH
    color = terminal and not os.environ.get("NO_COLOR")
    return Screen(width, color, ascii=_encodable("█…") != "█…")


def say(text: str) -> None:
    """Prints a text; what the stream cannot encode is spelled out."""
    click.echo(_encodable(text))


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
"""The option that every command with something to say has; its value arrives as ``as_json``."""


def say_json(value: Json) -> None:
    """Prints one JSON value on standard output; everything else that a command says then belongs on standard error.

    Where the text holds what a terminal obeys or the stream cannot encode, all of it is spelled by JSON's own escapes.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    if not text.replace("\n", "").isprintable() or _encodable(text) != text:
        text = json.dumps(value, indent=1, allow_nan=False)
    say(text)


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding
    return text.encode(encoding, "backslashreplace").decode(encoding)
