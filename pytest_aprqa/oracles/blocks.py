"""Code inside an answer: fenced blocks, or the lines that look like code where there is no fence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.oracles.languages import canonical, opens_code

MAX_CODE: Final = 6_000
"""Characters of one block that are parsed: some grammars take a time that grows with the square of hostile input."""
_FENCE: Final = re.compile(
    r"^[ \t]*```[ \t]*([\w+#.-]{0,30})[^\n`]{0,200}\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL
)
_SIGN: Final = re.compile(r"[{}();=\[\]]|->|=>|::")

_CLOSING: Final = re.compile(r"\s*[)}\]]+[;,]?\s*\Z")
_PROSE_WORD: Final = re.compile(r"[(\"`]?[\w'-]+[),\"`:.!?]*")
_SENTENCE_END: Final = re.compile(r"\w[)`\"]{0,2}[.!?:]\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code."""

    code: str
    language: str | None
    """As its fence says; None where it has no fence or the fence no tag."""
    last: bool
    """Reaches to the answer's end, so that a token limit may have cut it."""
    cut: bool = False
    """Longer than `MAX_CODE`: only its beginning is here."""


def fenced_blocks(answer: str) -> list[Block]:
    r"""Blocks between triple backticks; the last may lack its closing fence.

    >>> [(block.language, block.code) for block in fenced_blocks("```py\nx = 1\n```")]
    [('python', 'x = 1\n')]
    """
    found = []
    for match in _FENCE.finditer(answer):
        tag, code = match[1], match[2]
        open_ended = not match[0].rstrip().endswith("```")
        found.append(Block(code[:MAX_CODE], canonical(tag) if tag else None, open_ended, len(code) > MAX_CODE))
    return [block for block in found if block.code.strip()]


def plain_block(answer: str) -> Block | None:
    """The lines from the first that looks like code to the last that does, None where no line does."""
    lines = answer[:MAX_CODE].split("\n")
    signs = [index for index, line in enumerate(lines) if _is_code_line(line)]
    if not signs:
        return None
    first, end = signs[0], signs[-1] + 1
    while end < len(lines) and lines[end].startswith((" ", "\t")):  # "    return a + b" has no sign of its own
        end += 1
    return Block("\n".join(lines[first:end]), None, end == len(lines), len(answer) > MAX_CODE)


def looks_like_code(text: str) -> bool:
    """True when at least one line has the signs of code, whatever the language."""
    return any(_is_code_line(line) for line in text[:MAX_CODE].split("\n"))


def _is_code_line(line: str) -> bool:
    if opens_code(line) or _CLOSING.match(line):
        return True
    if _is_prose(line):
        return False
    indented = line.startswith(("    ", "\t")) and line.strip() != ""
    return len(_SIGN.findall(line)) >= (1 if indented else 2) or (indented and line.rstrip().endswith(":"))


def _is_prose(line: str) -> bool:
    """Four plain words or more, or a sentence with its capital and its full stop; never indented."""
    words = line.split()
    if not words or line[0].isspace():
        return False
    plain = len(words) >= 4 and all(_PROSE_WORD.fullmatch(word) for word in words)
    return plain or (line[0].isupper() and bool(_SENTENCE_END.search(line.rstrip()[-4:])))
