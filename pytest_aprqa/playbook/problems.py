"""What the models refuse, in words: field, expected, found, and a hint; and what they do not know.

The only place that knows pydantic's error types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook.fields import Block
from pytest_aprqa.playbook.tree import Node, Place, locate

MAX_WARNINGS: Final = 50
"""More unknown keys than this are a file of another kind, and comparing each with every known one takes time."""

_LOOKS_MEANT: Final = 0.7
"""Above the likeness of mvp_matrix to test_matrix (0.67), below that of matrix (0.71)."""
_EXPECTED: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "path_type": "a path",
    "finite_number": "a finite number",
}
_BOUNDS: Final = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_LENGTHS: Final = {
    "string_too_short": ("at least {} characters", "min_length"),
    "string_too_long": ("at most {} characters", "max_length"),
    "too_short": ("at least {} items", "min_length"),
    "too_long": ("at most {} items", "max_length"),
}


def first_problem(error: ValidationError, root: Node, path: Path) -> PlaybookError:
    """The first of a document's errors by position, which counts the others."""
    found = error.errors(include_url=False)
    # A list whose only item is wrong is also too short: the item is what the user mistyped.
    deepest = [it for it in found if not any(_is_within(other["loc"], it["loc"]) for other in found)]
    placed = [(locate(root, details["loc"]), details) for details in deepest]
    place, details = min(placed, key=lambda pair: (pair[0].line, pair[0].column))
    others = len({(other.line, other.column) for other, _ in placed}) - 1
    problem = _describe(place, details, path)
    if others:
        problem = _with_others(problem, others)
    return problem


def _is_within(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def unknown_keys(block: Block, root: Node, path: Path) -> tuple[PlaybookError, ...]:
    """Each key that no model knows, as the error that it is under strict reading; at most `MAX_WARNINGS`."""
    problems: list[PlaybookError] = []
    for steps, owner in _blocks(block, ()):
        known = [field.alias or name for name, field in type(owner).model_fields.items()]
        for key in owner.model_extra or ():
            if len(problems) < MAX_WARNINGS:
                problems.append(_unknown_key(key, known, locate(root, steps), path))
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint, empty when nothing is near.

    >>> did_you_mean("modalites", ["modalities", "backends"])
    "did you mean 'modalities'?"
    """
    close = get_close_matches(word[:60], list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else ""


def _blocks(value: object, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Block]]:
    if isinstance(value, Block):
        yield steps, value
        for name, field in type(value).model_fields.items():
            yield from _blocks(getattr(value, name), (*steps, field.alias or name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _blocks(item, (*steps, index))


def _unknown_key(key: str, known: list[str], place: Place, path: Path) -> PlaybookError:
    entry = place.node.entries.get(key)
    section = f" in {place.field}" if place.field else ""
    return PlaybookError(
        f"unknown key {key[:60]!r}{section}",
        path=path,
        line=entry.line if entry else place.line,
        column=entry.column if entry else place.column,
        hint=did_you_mean(key, known),
    )


def _describe(place: Place, details: ErrorDetails, path: Path) -> PlaybookError:
    kind, context = details["type"], details.get("ctx", {})
    field, problem, expected, hint = place.field, "has a wrong value", _EXPECTED.get(kind, ""), ""
    found = _found(place.node)
    if kind == "missing":
        name = str(details["loc"][-1])
        field = f"{field}.{name}" if field else name
        close = get_close_matches(name, list(place.node.entries)[:MAX_WARNINGS], n=1, cutoff=_LOOKS_MEANT)
        problem, found = "is missing", ""
        hint = f"is it what {close[0]!r} in line {place.node.entries[close[0]].line} means?" if close else ""
    elif kind == "refusal":
        problem, expected, hint = context["problem"], context["expected"], context["hint"]
        found = found if place.complete and not (place.node.entries or place.node.items) else ""
    elif kind in ("enum", "literal_error"):
        expected = str(context["expected"]).replace("'", "")
        hint = did_you_mean(str(place.node.value), re.findall(r"'([^']+)'", str(context["expected"])))
    elif kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        problem, expected = "is out of range", f"{words} {context[key]}"
    elif kind in _LENGTHS:
        words, key = _LENGTHS[kind]
        problem, expected = "has a wrong length", words.format(context[key])
    elif not expected:
        problem = details["msg"]
    if kind == "string_type" and isinstance(place.node.value, int | float):
        hint = "put it in quotes"
    elif kind in ("int_type", "float_type") and isinstance(place.node.value, str):
        hint = "numbers stand without quotes"
    return PlaybookError(
        problem,
        path=path,
        line=place.line,
        column=place.column,
        field=field,
        expected=expected,
        found=found,
        hint=hint,
    )


def _found(node: Node) -> str:
    match node.value:
        case dict():
            return "a mapping"
        case tuple():
            return "a list"
        case None:
            return "nothing"
        case bool() as value:
            return str(value).lower()
        case str() as text:
            return f"the text {text[:60]!r}"
        case number:
            return f"the number {number}"


def _with_others(problem: PlaybookError, others: int) -> PlaybookError:
    return PlaybookError(
        problem.problem,
        path=problem.path,
        line=problem.line,
        column=problem.column,
        field=problem.field,
        expected=problem.expected,
        found=problem.found,
        hint=f"{problem.hint} (and {others} more)".lstrip(),
    )
