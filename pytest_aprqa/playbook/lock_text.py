"""The YAML of a lock file: mappings of texts, and nothing else.

A lock has more values than a playbook may have, and a far simpler shape; so it has a reader of its own, which knows
nothing of digests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import yaml
from yaml.events import DocumentStartEvent, Event, MappingEndEvent, MappingStartEvent, ScalarEvent, StreamEndEvent

from pytest_aprqa.core import PlaybookError

_MAX_DEPTH: Final = 4
"""The file, its entries, an entry, its fields."""
_LOADER: Final[type[yaml.CSafeLoader | yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Texts: TypeAlias = "dict[str, str | Texts]"


def read_mapping(text: str, path: Path) -> Texts:
    """The mapping that a text holds; every value is a mapping or the text as it is written.

    Raises:
        PlaybookError: a syntax error, a list, an alias, a tag, a key that stands twice, or deeper nesting.
    """
    if text.startswith("%") or "\n%" in text:
        raise PlaybookError("a YAML directive stands in a lock file", path=path, expected="none")
    try:
        events = iter(yaml.parse(text, Loader=_LOADER))
        next(events)  # stream start
        if isinstance(next(events), StreamEndEvent):
            raise PlaybookError("the file holds only comments", path=path, expected="a lock file")
        root = _value(next(events), events, path, 1)
        next(events)  # document end
        if isinstance(following := next(events), DocumentStartEvent):
            raise _error(following, path, "a second document starts")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PlaybookError(
            f"this is not YAML: {error.problem or error.context or 'syntax error'}",
            path=path,
            line=mark.line + 1 if mark else 0,
            column=mark.column + 1 if mark else 0,
        ) from error
    except yaml.YAMLError as error:
        raise PlaybookError(f"this is not YAML: {error}", path=path) from error
    if isinstance(root, str):
        raise PlaybookError("this is not a lock file", path=path, expected="a mapping", found=f"{root[:40]!r}")
    return root


def _value(event: Event, events: Iterator[Event], path: Path, depth: int) -> str | Texts:
    match event:
        case ScalarEvent(tag=None, anchor=None):
            return event.value
        case MappingStartEvent(tag=None, anchor=None) if depth <= _MAX_DEPTH:
            return _entries(events, path, depth)
    raise _error(event, path, "this has no place in a lock file")


def _entries(events: Iterator[Event], path: Path, depth: int) -> Texts:
    entries: Texts = {}
    while not isinstance(key := next(events), MappingEndEvent):
        if not isinstance(key, ScalarEvent):
            raise _error(key, path, "this has no place as a key")
        if key.value in entries:
            raise _error(key, path, f"the key {key.value[:60]!r} stands here twice")
        entries[key.value] = _value(next(events), events, path, depth + 1)
    return entries


def _error(event: Event, path: Path, problem: str) -> PlaybookError:
    mark = event.start_mark
    return PlaybookError(
        problem,
        path=path,
        line=mark.line + 1 if mark else 0,
        column=mark.column + 1 if mark else 0,
        expected="mappings of texts",
        hint="write it anew with: apr-qa lock-playbooks",
    )
