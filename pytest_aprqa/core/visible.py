r"""Text of unknown origin made safe to print: control characters are spelled out, length is bounded.

What a model answers may hold terminal escapes, line feeds, bidirectional overrides, half a surrogate pair or ten
megabytes of letters; after `visible` it is one printable line. Knows nothing of records or of any output format.
"""

from __future__ import annotations


def visible(text: str, *, ascii: bool = False) -> str:
    r"""The text on one line, with every character that is not printable spelled as in a Python string.

    >>> visible("red \x1b[31m\n"), visible("é", ascii=True)
    ('red \\x1b[31m\\n', '\\xe9')
    """
    shown = text if text.isprintable() else "".join(map(_spelled, text))
    return shown.encode("ascii", "backslashreplace").decode("ascii") if ascii else shown


def excerpt(text: str, *, limit: int, ascii: bool = False) -> str:
    """The beginning of the text, visible, and its length where it was cut.

    Args:
        text: any text, of any length; time and memory depend on `limit` alone.
        limit: characters of the text that are shown.
        ascii: spell everything outside ASCII, too.

    >>> excerpt("abcdef", limit=3)
    'abc… (6 characters)'
    """
    shown = visible(text[:limit], ascii=ascii)
    if len(text) <= limit:
        return shown
    return f"{shown}{'...' if ascii else '…'} ({len(text):,} characters)"


def counted(count: int, noun: str) -> str:
    """A count with its noun, plural by ``s``.

    >>> counted(1, "case"), counted(1200, "case")
    ('1 case', '1,200 cases')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _spelled(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
