"""Is a text Python? Judged by the standard library's own parser, of the running interpreter's grammar.

A single word is a valid Python expression, so parsing is not enough: something must be defined, assigned, called or
decided. Code is never compiled or run.
"""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

from pytest_aprqa.oracles.parsed import Parsed

_CONSTRUCTS: Final = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AugAssign, ast.Call,
    ast.For, ast.While, ast.If,
    ast.With, ast.Try, ast.Import, ast.ImportFrom, ast.Lambda,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
)  # fmt: skip
_INSIDE: Final = (*_CONSTRUCTS, ast.Return, ast.Raise, ast.Yield, ast.Pass, ast.AnnAssign, ast.Delete, ast.Assert)
"""Enough in the body of something that the prompt opened, where a bare ``return`` cannot be prose."""
_CUT: Final = (
    "never closed", "unterminated", "unexpected EOF", "expected an indented block", "expected 'except'",
    "expected ':'",
)  # fmt: skip
_MAX_CUTS: Final = 40
_KEPT_SHARE: Final = 0.5
"""Share of lines that must stand when the end of truncated code is dropped for a reason other than its being cut."""


class _Failure(NamedTuple):
    message: str
    line: int


def parse_python(code: str, *, cut: bool) -> Parsed:
    """Judges a piece of code that stands on its own.

    Args:
        code: the text.
        cut: the token limit ended it, so that its longest valid beginning is enough.

    >>> parse_python("x = 1", cut=False).holds, parse_python("Paris", cut=False).problem
    (True, 'a valid expression, but nothing is defined, assigned, called or decided')
    """
    return _judge(textwrap.dedent(code), cut, opening="")


def parse_continuation(opening: str, answer: str, *, cut: bool) -> Parsed:
    r"""Judges an answer that goes on where the prompt's code stops; what the prompt holds itself does not count.

    >>> parse_continuation("def f(n):", "\n    return n", cut=False).holds
    True
    >>> parse_continuation("def f(n):", " Paris", cut=False).holds
    False
    """
    begin = opening.rstrip()
    tries = [(opening, answer), (begin + "\n", answer), (begin + "\n    ", answer.lstrip())]
    verdicts = [_judge(head + tail, cut, opening=head) for head, tail in tries]
    return next((verdict for verdict in verdicts if verdict.holds), verdicts[0])


def _judge(text: str, cut: bool, opening: str) -> Parsed:
    tree = _tree(text)
    if isinstance(tree, _Failure) and cut:
        tree = _longest_beginning(text, tree)
    if isinstance(tree, _Failure):
        return Parsed(f"line {tree.line}: {tree.message}")
    if any(True for _ in _constructs(tree, opening)):
        return Parsed(None)
    return Parsed("a valid expression, but nothing is defined, assigned, called or decided")


def _constructs(tree: ast.AST, opening: str) -> Iterator[ast.AST]:
    """Nodes that make a text code, of those that begin after the opening."""
    wanted = _INSIDE if opening else _CONSTRUCTS
    place = (opening.count("\n") + 1, len(opening.rpartition("\n")[2].encode("utf-8", "replace")))
    for node in ast.walk(tree):
        if isinstance(node, wanted) and (node.lineno, node.col_offset) >= place:
            yield node


def _tree(text: str) -> ast.AST | _Failure:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return _Failure(str(error.msg), error.lineno or 1)
    except (ValueError, MemoryError, RecursionError) as error:  # NUL, lone surrogates; nesting that no person writes
        return _Failure(f"cannot be parsed ({type(error).__name__})", 1)


def _longest_beginning(text: str, failure: _Failure) -> ast.AST | _Failure:
    """The tree of the text less its broken end, where that end is what a token limit leaves."""
    lines, first = text.split("\n"), failure
    whole = sum(bool(line.strip()) for line in lines)
    current = _tree("\n".join(_completed(lines)))
    for _ in range(_MAX_CUTS):
        if not isinstance(current, _Failure) or not lines:
            break
        lines = lines[: max(0, min(len(lines), current.line) - 1)]
        while lines and not lines[-1].strip():
            lines.pop()
        current = _tree("\n".join(_completed(lines)))
    kept = sum(bool(line.strip()) for line in lines)
    natural = any(sign in first.message for sign in _CUT) or first.line >= whole
    if isinstance(current, _Failure) or not lines or not (natural or kept >= _KEPT_SHARE * whole):
        return first
    return current


def _completed(lines: list[str]) -> list[str]:
    """The lines with a body for an opening that lost its own."""
    if not lines or not lines[-1].rstrip().endswith(":"):
        return lines
    indent = len(lines[-1]) - len(lines[-1].lstrip())
    return [*lines, " " * (indent + 4) + "pass"]
