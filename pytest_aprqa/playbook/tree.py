"""A YAML document as plain values of which each knows where it stands.

The tree may share nodes (an alias is the node it names), but never holds a cycle. Knows nothing of playbooks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pydantic import JsonValue

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    value: Scalar | tuple[Node, ...] | Mapping[str, Entry]
    line: int
    """1-based."""
    column: int
    """1-based, in characters."""
    plain: bool = False
    """True for an unquoted scalar, whose type follows from its spelling."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries of a mapping; none of anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list; none of anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    def with_entry(self, key: str, entry: Entry | None) -> Node:
        """This mapping with an entry replaced, or removed for None."""
        rest = {name: old for name, old in self.entries.items() if name != key}
        return replace(self, value=rest if entry is None else {**rest, key: entry})


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    node: Node
    line: int
    """Where the key stands, 1-based."""
    column: int
    written: str = ""
    """The dotted field as the author wrote it, where a dialect's field was moved here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands."""

    line: int
    column: int
    field: str
    """Dotted, as the author wrote it: ``scenarios[2].prompt``."""
    node: Node
    complete: bool
    """False when the path leads further than the document: this is the last place on the way."""


def locate(root: Node, steps: Sequence[str | int]) -> Place:
    """Follows keys and indices as far as they lead; a mapping or list stands where its key does."""
    node, line, column, field = root, root.line, root.column, ""
    for step in steps:
        if isinstance(step, str) and step in node.entries:
            entry = node.entries[step]
            line, column = entry.line, entry.column
            node, field = entry.node, entry.written or (f"{field}.{step}" if field else step)
        elif isinstance(step, int) and step < len(node.items):
            node, field = node.items[step], f"{field}[{step}]"
            line, column = node.line, node.column
        else:
            return Place(line, column, field, node, complete=False)
    if not (node.entries or node.items):
        line, column = node.line, node.column
    return Place(line, column, field, node, complete=True)


def plain_data(node: Node) -> JsonValue:
    """The document without its positions."""
    if isinstance(node.value, Mapping):
        return {key: plain_data(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain_data(item) for item in node.value]
    return node.value
