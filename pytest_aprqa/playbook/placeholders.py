"""``${VAR}`` and ``${VAR:-default}`` in a playbook's values.

Rendering comes after parsing and before typing: a value can never change the document's structure, yet
``scenario_count: ${COUNT:-3}`` is a number. ``$${`` stands for a literal ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook.scalars import resolve
from pytest_aprqa.playbook.source import MAX_BYTES
from pytest_aprqa.playbook.tree import Entry, Node

# The last alternative catches what looks like a placeholder and is none, so that no text is scanned twice.
_PLACEHOLDER: Final = re.compile(
    r"(?P<escape>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}|\$\{"
)


def render(node: Node, values: Mapping[str, str], path: Path) -> Node:
    """The document with every placeholder replaced.

    Raises:
        PlaybookError: a variable has neither a value nor a default, at the place where it is used.
    """
    if isinstance(node.value, Mapping):
        entries = {key: _render_entry(entry, values, path) for key, entry in node.value.items()}
        return replace(node, value=entries)
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(render(item, values, path) for item in node.value))
    if not isinstance(node.value, str) or "${" not in node.value:
        return node
    text = _render_text(node.value, node, values, path)
    try:
        return replace(node, value=resolve(text) if node.plain else text)
    except ValueError as error:
        raise _error(node, path, str(error), found=text[:40]) from error


def _render_entry(entry: Entry, values: Mapping[str, str], path: Path) -> Entry:
    return replace(entry, node=render(entry.node, values, path))


def _render_text(text: str, node: Node, values: Mapping[str, str], path: Path) -> str:
    parts, end, length = [], 0, len(text)
    for found in _PLACEHOLDER.finditer(text):
        value = _value_of(found, node, values, path)
        length += len(value)
        if length > MAX_BYTES:
            raise _error(node, path, "the rendered text is too large", expected=f"at most {MAX_BYTES} characters")
        parts += [text[end : found.start()], value]
        end = found.end()
    return "".join([*parts, text[end:]])


def _value_of(found: re.Match[str], node: Node, values: Mapping[str, str], path: Path) -> str:
    if found["escape"]:
        return "${"
    name, default = found["name"], found["default"]
    if name is None:
        raise _error(
            node,
            path,
            "this placeholder is not understood",
            expected="${NAME} or ${NAME:-default}",
            found=found.string[found.start() : found.start() + 40],
            hint="write $${ for a literal ${",
        )
    value = values.get(name)
    if value or (value is not None and default is None):
        return value
    if default is not None:
        return default
    raise _error(node, path, f"the variable {name} is not set", hint=f"set it with --aprqa-set {name}=VALUE")


def _error(node: Node, path: Path, problem: str, **parts: str) -> PlaybookError:
    return PlaybookError(problem, path=path, line=node.line, column=node.column, **parts)
