r"""Regex: does a pattern occur in the last answer?

A pattern that can take exponential time (a repeated group that itself repeats or chooses, such as ``(a+)+`` or
``(a|aa)*``) is refused when the playbook is read, and the searched text is bounded, so that no answer can stop a
run.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Completion, Verdict, corroborated, falsified
from pytest_aprqa.oracles.kind import Config
from pytest_aprqa.oracles.question import Question
from pytest_aprqa.oracles.settings import read_text
from pytest_aprqa.oracles.text import WINDOW, excerpt

KEYS: Final = frozenset({"pattern", "flags"})
MAX_PATTERN: Final = 1_000
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_PIECE: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[^:=!<>PiLmsuxa-]|[()|]|[*+?]|\{\d*,?\d*\}|.", re.DOTALL
)
_UNBOUNDED: Final = re.compile(r"[*+]|\{\d*,\}|\{\d*,?\d{3,}\}")


@dataclass(slots=True)
class _Group:
    """What the scanner knows of a group that it is inside of."""

    repeats: bool = False
    chooses: bool = False


def read_pattern(config: Config) -> re.Pattern[str]:
    """The compiled pattern; ValueError for one that is missing, wrong or dangerous."""
    source = read_text(config, "pattern")
    if not source:
        raise ValueError("pattern: expected a regular expression, found none")
    if len(source) > MAX_PATTERN:
        raise ValueError(f"pattern: expected at most {MAX_PATTERN} characters, found {len(source)}")
    flags = read_text(config, "flags") or ""
    unknown = sorted(set(flags.lower()) - set(_FLAGS))
    if unknown:
        raise ValueError(f"flags: expected letters of {''.join(_FLAGS)!r}, found {''.join(unknown)!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(source, sum(_FLAGS[flag] for flag in set(flags.lower())))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"pattern: not a regular expression: {error}") from error
    if nested := find_nested_repeat(source):
        raise ValueError(
            f"pattern: {nested} repeats a group that repeats or chooses inside; it may never end, write it flat"
        )
    return compiled


def find_nested_repeat(source: str) -> str | None:
    """The repeated group's end in a pattern that may take exponential time, or None.

    >>> find_nested_repeat(r"(a+)+$"), find_nested_repeat(r"(ab)+c*")
    (')+', None)
    """
    stack, closed = [_Group()], None
    for piece in _PIECE.findall(source):
        if piece == ")" and len(stack) > 1:
            closed = stack.pop()
            stack[-1].repeats |= closed.repeats
            continue
        if _UNBOUNDED.fullmatch(piece):
            if closed and (closed.repeats or closed.chooses):
                return f"){piece}"
            stack[-1].repeats = True
        elif piece.startswith("("):
            stack.append(_Group())
        elif piece == "|":
            stack[-1].chooses = True
        closed = None
    return None


def judge_regex(question: Question, completion: Completion, config: Config) -> Verdict:  # noqa: ARG001  # one signature for all
    """Corroborated when the pattern occurs in the first 20,000 characters of the answer."""
    pattern = read_pattern(config)
    text = completion.text[:WINDOW]
    found = pattern.search(text)
    if found is None:
        return falsified(f"the pattern {excerpt(pattern.pattern, 60)!r} does not occur", answer=excerpt(text))
    return corroborated(f"the pattern occurs: {excerpt(found[0], 60)!r}", compared=1, answer=excerpt(text))
