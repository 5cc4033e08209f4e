"""Printing on standard output, whatever it can encode."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass

import click

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


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding
    return text.encode(encoding, "backslashreplace").decode(encoding)
