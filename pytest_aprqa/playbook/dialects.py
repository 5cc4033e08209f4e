"""The dialects in which playbooks are written, brought to the one that `document` describes.

Fields are moved with their positions, so an error still points at what the author wrote. What is no playbook at all,
such as an executable specification, is recognised by its keys and refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook.tree import Entry, Node, Place, locate, plain_data


@dataclass(frozen=True, slots=True)
class Move:
    """A field of a dialect and where its value belongs."""

    source: tuple[str, str]
    target: tuple[str, ...]
    equal_allowed: bool = True
    """Whether both may stand in a file when they say the same."""


_THRESHOLDS: Final = ("min_throughput", "min_throughput_cpu", "min_throughput_gpu", "max_p50_ms", "max_p99_ms")
MOVES: Final = (
    Move(("model", "id"), ("model", "hf_repo")),
    Move(("test_matrix", "formats"), ("model", "formats")),
    *(
        Move(("profile_ci", threshold), ("profile_ci", "assertions", threshold), equal_allowed=False)
        for threshold in _THRESHOLDS
    ),
)
"""Every field that another dialect puts elsewhere; the JSON Schema is generated from this table too."""

# Kind of document → the keys that give it away. A file with a model and a matrix is a playbook, whatever else it holds.
_KINDS: Final = (
    ("an executable specification of a gateway", ("spec",)),
    ("a ticket verification", ("verification_gates",)),
    ("a list of hypotheses about a command-line tool", ("tests",)),
    ("a lock file", ("entries",)),
    ("a model family contract", ("size_variants",)),
    ("a list of skips", ("reason",)),
)


def normalise(root: Node, path: Path) -> Node:
    """The document in the one dialect that the models describe.

    Raises:
        PlaybookError: a field stands in two places that contradict each other.
    """
    for move in MOVES:
        root = _moved(root, move, path)
    return _settings_apart(_named(root))


def refuse_other_kinds(root: Node, path: Path) -> None:
    """Raises PlaybookError for a document that is not a playbook, saying what it is."""
    entries = root.entries
    if not isinstance(root.value, Mapping):
        found = "a list" if isinstance(root.value, tuple) else "a single value"
        raise PlaybookError(
            "this is not a playbook", path=path, line=root.line, column=root.column, expected="a mapping", found=found
        )
    if "test_matrix" in entries and "model" in entries:
        return
    for kind, keys in _KINDS:
        if all(key in entries for key in keys):
            entry = entries[keys[0]]
            raise PlaybookError(
                f"this is {kind}, which cannot be run as a playbook",
                path=path,
                line=entry.line,
                column=entry.column,
                expected="'model' and 'test_matrix'",
                found=f"'{keys[0]}'",
            )


def _moved(root: Node, move: Move, path: Path) -> Node:
    section, key = move.source
    source = locate(root, move.source)
    parent = root.entries.get(move.target[0])
    if not source.complete or (parent is not None and not isinstance(parent.node.value, Mapping)):
        return root
    written = ".".join(move.source)
    target = locate(root, move.target)
    if target.complete:
        _refuse_conflict(move, source, target, path)
    else:
        entry = replace(root.entries[section].node.entries[key], written=written)
        root = _set(root, move.target, entry)
    section_entry = root.entries[section]
    trimmed = section_entry.node.with_entry(key, None)
    return root.with_entry(section, replace(section_entry, node=trimmed))


def _refuse_conflict(move: Move, source: Place, target: Place, path: Path) -> None:
    if move.equal_allowed and plain_data(source.node) == plain_data(target.node):
        return
    other = ".".join(move.target)
    raise PlaybookError(
        f"contradicts {other} in line {target.line}" if move.equal_allowed else f"stands beside {other}",
        path=path,
        line=source.line,
        column=source.column,
        field=".".join(move.source),
        expected=f"one of the two, preferably {other}",
    )


def _set(node: Node, steps: tuple[str, ...], entry: Entry) -> Node:
    """Puts an entry at a path, making the mappings on the way where the moved entry stands."""
    key, *rest = steps
    if not rest:
        return node.with_entry(key, entry)
    empty = Entry(Node({}, entry.line, entry.column), entry.line, entry.column)
    child = node.entries.get(key, empty)
    if not isinstance(child.node.value, Mapping):
        return node
    return node.with_entry(key, replace(child, node=_set(child.node, tuple(rest), entry)))


def _named(root: Node) -> Node:
    """Takes the name from ``metadata.name`` where the playbook has none of its own."""
    name = locate(root, ("metadata", "name"))
    if not name.complete or "name" in root.entries:
        return root
    entry = root.entries["metadata"].node.entries["name"]
    return root.with_entry("name", replace(entry, written="metadata.name"))


def _settings_apart(root: Node) -> Node:
    """``property_tests`` as a mapping holds settings for all property tests, not tests."""
    entry = root.entries.get("property_tests")
    if entry is None or not isinstance(entry.node.value, Mapping):
        return root
    settings = replace(entry, written="property_tests")
    return root.with_entry("property_tests", None).with_entry("property_settings", settings)
