"""How far each target's predictions are from the ground truth's: every number that a gate compared with a limit.

Reads what the gates left in the records' details; foreign evidence has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pytest_aprqa.core import Json, excerpt
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.reports.details import mapping, real, short_number

MOST: Final = 300
"""Distances of one run that are read."""
_CHECKS: Final = 20
"""Of one record."""
_CHARS: Final = 300
"""Of a quantity's name, or of a limit's source."""


@dataclass(frozen=True, slots=True)
class Distance:
    """One number that a gate compared with a limit."""

    target: str
    gate_id: str
    quantity: str
    value: float
    low: float | None
    """Lower end of the 95 % interval; None where none was given."""
    high: float | None
    limit: float
    source: str
    """Where the limit comes from."""
    outcome: str

    @property
    def cells(self) -> tuple[str, ...]:
        """As the table shows it: target, quantity, value, interval, limit, its source."""
        known = self.low is not None and self.high is not None
        interval = f"{short_number(self.low)} to {short_number(self.high)}" if known else ""
        numbers = (short_number(self.value), interval, short_number(self.limit))
        return self.target, self.quantity, *numbers, self.source


def distances_of(evidence: Evidence) -> tuple[Distance, ...]:
    """Every number with a limit that a record's details hold, in collection order."""
    found = (distance for record in evidence.records for distance in _distances(record))
    return tuple(islice(found, MOST))


def _distances(record: Record) -> Iterator[Distance]:
    """The number that the details hold themselves, and those of their list of checks."""
    checks = record.details.get("checks")
    for found in (record.details, *(checks[:_CHECKS] if isinstance(checks, list) else ())):
        distance = _distance(record, mapping(found))
        if distance is not None:
            yield distance


def _distance(record: Record, found: Mapping[str, Json]) -> Distance | None:
    value, limit, quantity = real(found.get("value")), real(found.get("limit")), found.get("quantity")
    if record.target_id is None or value is None or limit is None or not isinstance(quantity, str):
        return None
    interval, source = found.get("interval"), found.get("limit_source", found.get("source"))
    ends = interval if isinstance(interval, list) and len(interval) == 2 else [found.get("low"), found.get("high")]
    return Distance(
        target=record.target_id,
        gate_id=record.gate_id,
        quantity=excerpt(quantity, limit=_CHARS),
        value=value,
        low=real(ends[0]),
        high=real(ends[1]),
        limit=limit,
        source=excerpt(source, limit=_CHARS) if isinstance(source, str) else "",
        outcome=record.outcome,
    )
