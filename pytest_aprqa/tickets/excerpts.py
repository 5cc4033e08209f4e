"""The few failures that a ticket shows, each cut to a length that an issue can hold. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.evidence import GARBAGE, Record
from pytest_aprqa.tickets.ticket import Excerpt
from pytest_aprqa.tickets.words import death_of_record

_EXCERPTS: Final = 3
_REASON_CHARS: Final = 1500
_TEXT_CHARS: Final = 1200
_STDERR_CHARS: Final = 2000
_NAME_CHARS: Final = 300
_NUMBERS: Final = 20
_NUMBER_CHARS: Final = 120
_NOT_SHOWN: Final = frozenset({GARBAGE, "probable_cause", "host", "metadata", "timestamp", "id", "outcome", "turn"})
"""Details that are said elsewhere, or say nothing about the failure."""


def excerpts_of(ranked: Sequence[Record]) -> tuple[Excerpt, ...]:
    """The first failures that say different things, among them one with an answer of the model where there is one."""
    different: dict[tuple[str, str], Record] = {}
    for record in ranked:
        different.setdefault((record.gate_id, record.reason), record)
    unlike = list(different.values())
    shown, rest = unlike[:_EXCERPTS], unlike[_EXCERPTS:]
    answered = next((record for record in rest if record.answers), None)
    if answered is not None and not any(record.answers for record in shown):
        shown[-1] = answered
    return tuple(map(_excerpt, shown))


def _excerpt(record: Record) -> Excerpt:
    number = min(len(record.answers) or 1, len(record.turns))
    return Excerpt(
        case_id=record.case_id[:_NAME_CHARS],
        gate_id=record.gate_id[:_NAME_CHARS],
        outcome=record.outcome,
        reason=record.reason[:_REASON_CHARS],
        prompt=record.turns[number - 1][:_TEXT_CHARS] if record.turns else "",
        answer=record.answers[-1].text[:_TEXT_CHARS] if record.answers else None,
        expected="" if record.expected is None else json.dumps(record.expected, ensure_ascii=False)[:_TEXT_CHARS],
        numbers=tuple(_numbers(record.details))[:_NUMBERS],
        death=death_of_record(record),
        stderr=record.stderr_tail.strip()[-_STDERR_CHARS:],
    )


def _numbers(details: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in details.items():
        if name in _NOT_SHOWN:
            continue
        if isinstance(value, bool | int | float | str):
            yield name[:_NUMBER_CHARS], str(value)[:_NUMBER_CHARS]
        elif isinstance(value, list) and len(value) <= _NUMBERS:
            yield name[:_NUMBER_CHARS], json.dumps(value, ensure_ascii=False)[:_NUMBER_CHARS]
