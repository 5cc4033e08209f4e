"""How oracles look at text: a bounded window of it, its words, a short excerpt.

Every oracle that reads character by character reads a `window`, so that no answer, however long, takes long to judge.
"""

from __future__ import annotations

import re
from typing import Final

WINDOW: Final = 20_000
"""Characters of one answer that an oracle looks at: half from its start, half from its end."""

_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)")


def window(text: str, limit: int = WINDOW) -> str:
    r"""The text itself, or its first and last `limit` / 2 characters with a line break between.

    >>> window("abcdefgh", 4)
    'ab\ngh'
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n{text[-half:]}"


def excerpt(text: str, limit: int = 160) -> str:
    r"""The text on one line, shortened to `limit` characters; always valid Unicode.

    >>> excerpt("a\nb"), excerpt("x" * 200, 4)
    ('a b', 'xxx…')
    """
    flat = " ".join(text[: limit * 4].split())
    shown = flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def words_of(text: str) -> list[str]:
    """Words and numbers in order, case-folded.

    >>> words_of("It's 2+2, Ok?")
    ['it', 's', '2', '2', 'ok']
    """
    return re.findall(r"\w+", text.casefold())


def without_ansi(text: str) -> str:
    """The text without terminal color and cursor sequences."""
    return _ANSI.sub("", text)


def without_echo(answer: str, prompt: str) -> str:
    """The answer without the prompt, where it begins by repeating it; white space may differ.

    >>> without_echo("What is 2+2?  4", "What is 2+2?")
    '  4'
    """
    parts = prompt[:2000].split()
    if not parts:
        return answer
    echoed = re.match(r"\s*" + r"\s+".join(map(re.escape, parts)), answer)
    return answer[echoed.end() :] if echoed else answer


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "word"), counted(2, "word")
    ('1 word', '2 words')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
