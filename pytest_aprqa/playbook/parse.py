"""YAML text → tree, in bounded time and memory.

Builds from the parser's events, so that depth and size are refused while they grow: an alias counts as all the nodes
it stands for, before anybody visits them. No tag but ``!!str`` means anything, so no text can construct an object.
Merge keys (``<<``) are understood, because people who write anchors write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook.scalars import resolve
from pytest_aprqa.playbook.tree import Entry, Node

MAX_DEPTH: Final = 40
"""Real playbooks nest four levels."""
MAX_NODES: Final = 30_000
"""Aliases expanded. The largest real playbook has some 200 nodes."""
MAX_DIRECTIVES: Final = 16
"""libyaml compares every %TAG directive with every other."""

_STR_TAGS: Final = ("!", "tag:yaml.org,2002:str")
_LOADER: Final[type[yaml.CSafeLoader | yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, path: Path) -> Node:
    """Parses the one document of a text.

    Raises:
        PlaybookError: a syntax error, a duplicate key, a second document, a tag, or more than a playbook can need.
    """
    if len(re.findall(r"^%", text, re.MULTILINE)) > MAX_DIRECTIVES:
        raise PlaybookError("too many YAML directives", path=path, expected=f"at most {MAX_DIRECTIVES}")
    try:
        return _Builder(path, iter(yaml.parse(text, Loader=_LOADER))).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, path) from error
    except yaml.YAMLError as error:
        raise PlaybookError(f"this is not YAML: {error}", path=path) from error


def _syntax_error(error: yaml.MarkedYAMLError, text: str, path: Path) -> PlaybookError:
    mark = error.problem_mark or error.context_mark
    line = text.split("\n")[mark.line :][:1] if mark else []
    problem = ", ".join(part for part in (error.context, error.problem) if part)
    return PlaybookError(
        f"this is not YAML: {problem or 'syntax error'}",
        path=path,
        line=mark.line + 1 if mark else 0,
        column=mark.column + 1 if mark else 0,
        hint="indent with blanks, not with tabs" if mark and line and line[0][mark.column :].startswith("\t") else "",
    )


def _place(event: Event) -> tuple[int, int]:
    """Line and column, both 1-based."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


@dataclass(slots=True)
class _Builder:
    """Turns one stream of events into one tree."""

    path: Path
    events: Iterator[Event]
    nodes: int = 0
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    """Each finished node with the number of nodes below it, itself included; None while it is being built."""

    def document(self) -> Node:
        next(self.events)  # stream start
        if isinstance(next(self.events), StreamEndEvent):
            raise PlaybookError("the file holds only comments", path=self.path, expected="a playbook")
        root = self._node(next(self.events), 0)
        next(self.events)  # document end
        following = next(self.events)
        if isinstance(following, DocumentStartEvent):
            raise self._error(following, "a second document starts", expected="one document in a file")
        return root

    def _error(
        self, event: Event, problem: str, *, expected: str = "", found: str = "", hint: str = ""
    ) -> PlaybookError:
        line, column = _place(event)
        return PlaybookError(
            problem,
            path=self.path,
            line=line,
            column=column,
            expected=expected,
            found=found,
            hint=hint,
        )

    def _count(self, event: Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self._error(
                event, "the document is too large", expected=f"at most {MAX_NODES} values, aliases expanded"
            )

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise self._error(event, "the document is nested too deeply", expected=f"at most {MAX_DEPTH} levels")
        self._count(event, 1)
        before = self.nodes
        anchor = event.anchor if isinstance(event, NodeEvent) else None
        if anchor is not None:
            self.anchors[anchor] = None
        node = self._anchored(event, depth)
        if anchor is not None:
            self.anchors[anchor] = (node, self.nodes - before + 1)
        return node

    def _anchored(self, event: Event, depth: int) -> Node:
        line, column = _place(event)
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, MappingStartEvent | SequenceStartEvent) and event.tag not in (None, "!"):
            raise self._tag_error(event, event.tag)
        if isinstance(event, MappingStartEvent):
            return Node(self._entries(depth), line, column)
        items = []
        while not isinstance(item := next(self.events), CollectionEndEvent):
            items.append(self._node(item, depth + 1))
        return Node(tuple(items), line, column)

    def _entries(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        while not isinstance(key := next(self.events), CollectionEndEvent):
            name, is_plain = self._key(key)
            value = next(self.events)
            node = self._node(value, depth + 1)
            if name == "<<" and is_plain:
                merged = {**self._merge(value, node), **merged}
                continue
            if name in entries:
                first = entries[name].line
                raise self._error(
                    key, f"the key {name[:60]!r} stands here twice", found=f"the first one in line {first}"
                )
            entries[name] = Entry(node, *_place(key))
        return {**merged, **entries}

    def _key(self, event: Event) -> tuple[str, bool]:
        if isinstance(event, AliasEvent):
            key, is_plain = self._alias(event), False
        elif isinstance(event, ScalarEvent):
            self._count(event, 1)
            if event.anchor is not None:
                self.anchors[event.anchor] = (self._scalar(event), 1)
            return event.value, bool(event.implicit[0])
        else:
            raise self._error(event, "a key is a list or a mapping", expected="a word")
        if key.entries or key.items or not isinstance(key.value, str):
            raise self._error(event, "an alias that is no text stands as a key", expected="a word")
        return key.value, is_plain

    def _merge(self, event: Event, node: Node) -> dict[str, Entry]:
        """The entries that ``<<`` brings in; of several mappings the earlier wins."""
        sources = node.items if isinstance(node.value, tuple) else (node,)
        merged: dict[str, Entry] = {}
        for source in sources:
            if not isinstance(source.value, dict):
                raise self._error(event, "'<<' merges something that is no mapping", expected="an alias of a mapping")
            merged = {**source.value, **merged}
        return merged

    def _alias(self, event: AliasEvent) -> Node:
        name = event.anchor or ""
        if name not in self.anchors:
            raise self._error(event, f"the alias '*{name[:60]}' has no anchor", hint=f"write '&{name[:60]}' before it")
        anchored = self.anchors[name]
        if anchored is None:
            raise self._error(event, f"the alias '*{name[:60]}' stands inside its own anchor")
        node, size = anchored
        self._count(event, size)
        return node

    def _scalar(self, event: ScalarEvent) -> Node:
        line, column = _place(event)
        if event.tag not in (None, *_STR_TAGS):
            raise self._tag_error(event, event.tag)
        if event.tag in _STR_TAGS or not event.implicit[0]:
            return Node(event.value, line, column)
        try:
            return Node(resolve(event.value), line, column, plain=True)
        except ValueError as error:
            raise self._error(event, str(error), found=event.value[:40]) from error

    def _tag_error(self, event: Event, tag: str | None) -> PlaybookError:
        return self._error(event, "a tag stands here", expected="no tag, or !!str", found=(tag or "")[:60])
