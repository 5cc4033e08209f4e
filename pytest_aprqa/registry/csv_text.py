r"""Comma-separated text as lines of fields that remember how they were written.

Joining the fields' `raw` with commas and adding each line's `ending` gives the text back, byte for byte: quoting, mixed
line ends and blank lines survive. The form is RFC 4180's. Knows nothing of columns or of models.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from pytest_aprqa.registry.errors import RegistryError

_QUOTED: Final = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_PLAIN: Final = re.compile(r"[^,\r\n]*")
_ENDING: Final = re.compile(r"(?:\r\n|\n|\r)+")
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]')


class Field(NamedTuple):
    """One field."""

    text: str
    """What it says."""
    raw: str
    """How it is written, quotes included."""
    line: int
    """1-based line on which it begins."""
    column: int
    """1-based character of that line at which it begins."""


class Line(NamedTuple):
    """One line; a quoted field may span several."""

    fields: tuple[Field, ...]
    ending: str
    """The line's end with the blank lines after it; empty at the end of a text without one."""


def split_lines(text: str, *, path: Path) -> list[Line]:
    r"""Splits a text.

    Args:
        text: without a byte order mark.
        path: what to name in an error.

    Raises:
        RegistryError: a quoted field is not closed, or is followed by something else than a comma or a line's end.

    >>> [[field.text for field in line.fields] for line in split_lines('a,"b, ""c"" d"\r\n\r\ne', path=Path("x"))]
    [['a', 'b, "c" d'], ['e']]
    """
    lines: list[Line] = []
    at, number, start = 0, 1, 0  # of the text, of lines, of the current line
    fields: list[Field] = []
    while at < len(text) or fields:
        quoted = text.startswith('"', at)
        found = (_QUOTED if quoted else _PLAIN).match(text, at)
        if found is None:
            raise RegistryError("a quoted field is not closed", path=path, line=number, column=at - start + 1)
        raw = found.group()
        fields.append(Field(found.group(1).replace('""', '"') if quoted else raw, raw, number, at - start + 1))
        if quoted:
            number, start = _after(raw, number, at, start)
        at = found.end()
        if text.startswith(",", at):
            at += 1
            continue
        ending = _ENDING.match(text, at)
        if ending is None and at < len(text):
            raise RegistryError(
                "expected a comma or the line's end after a quoted field", path=path, line=number, column=at - start + 1
            )
        lines.append(Line(tuple(fields), ending.group() if ending else ""))
        fields = []
        if ending:
            number, start = _after(ending.group(), number, at, start)
            at = ending.end()
    return lines


def written(text: str) -> str:
    """A field as it is written, in quotes where it needs them.

    >>> written("a"), written('a "b", c')
    ('a', '"a ""b"", c"')
    """
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _after(raw: str, number: int, at: int, start: int) -> tuple[int, int]:
    """Line number and start of the line on which a text ends that begins at `at`."""
    ends = [found.end() for found in re.finditer(r"\r\n|\n|\r", raw)]
    return (number + len(ends), at + ends[-1]) if ends else (number, start)
