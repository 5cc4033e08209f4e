r"""Texts of unknown origin made safe: inside Markdown, inside a fence, and as one word of a shell. Pure.

A model's answer may hold back-ticks, ``$(command)``, quotes, terminal escapes or another ticket's hidden key.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from html import escape
from typing import Final

from pytest_aprqa.core import excerpt, visible

_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|~#$"} | {"@": "&#64;"})


def printable_lines(text: str, *, limit: int, tail: bool = False) -> str:
    r"""As `excerpt`, with its line feeds kept; of a tail the end is shown.

    >>> printable_lines("one\ntwo\r\n", limit=20)
    'one\ntwo\\r'
    """
    cut = text[-limit:] if tail else text[:limit]
    shown = "\n".join(visible(line) for line in cut.split("\n")).strip("\n")
    if len(text) <= limit:
        return shown
    note = f"… ({len(text):,} characters)"
    return f"{note}\n{shown}" if tail else f"{shown}{note}"


def inline(text: str, *, limit: int = 200) -> str:
    r"""Any text as inline Markdown that shows it: no markup, no mention, no link, no comment.

    >>> print(inline("<!-- @a `b` #1 -->"))
    &lt;!-- &#64;a \`b\` \#1 --&gt;
    """
    return escape(excerpt(text, limit=limit), quote=False).translate(_SPECIAL)


def fenced(text: str, *, language: str = "text") -> str:
    """A block that no back-ticks in the text can end.

    >>> fenced("a ``` b").splitlines()
    ['````text', 'a ``` b', '````']
    """
    runs = re.findall(r"`+", text)
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def shell_word(text: str) -> str:
    r"""One word for bash, dash or zsh, in one line and without a terminal's escapes, whatever the text.

    >>> shell_word("a b"), shell_word("$(x)"), shell_word("two\nlines")
    ("'a b'", "'$(x)'", "$'two\\nlines'")
    """
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_ansi_c(character) for character in text) + "'"


def shell_line(words: Iterable[str]) -> str:
    """Words joined to a command."""
    return " ".join(map(shell_word, words))


def _ansi_c(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    if character == "\n":
        return "\\n"
    # A shell's word cannot hold NUL, nor half a surrogate pair.
    code = ord(character) if character != "\0" and not 0xD800 <= ord(character) <= 0xDFFF else 0xFFFD
    return f"\\x{code:02x}" if code < 0x80 else f"\\U{code:08x}"
