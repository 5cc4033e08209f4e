"""One row of the registry: the twenty columns as values, and the cells as they were read.

A value that was not changed is written back byte for byte; words that nobody here writes (``PARTIAL`` of an older tool,
``huge``) are values like any other. Knows nothing of files or of how a status comes about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeVar

from pytest_aprqa.registry.csv_text import written
from pytest_aprqa.registry.sizes import billions_of
from pytest_aprqa.scoring import Status
from pytest_aprqa.scoring.speeds import TPS_COLUMNS

GATES: Final = ("g1", "g2", "g3", "g4")
"""Columns of the gateways; the format has none for G0."""

COLUMNS: Final = (
    "model_id",
    "family",
    "parameters",
    "size_category",
    "status",
    "mqs_score",
    "grade",
    "certified_tier",
    "last_certified",
    *GATES,
    *TPS_COLUMNS,
    "provenance_verified",
)
"""The twenty columns, in the order of a new file."""

AWARDS: Final = (Status.CERTIFIED.value, Status.PROVISIONAL.value)
"""Statuses that say something good of a model."""

NOT_GIVEN: Final = ("", "-")
_TRUE: Final = ("true", "1", "yes")
_FALSE: Final = ("false", "0", "no", *NOT_GIVEN)
_MAX_SCORE: Final = 1000

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Row:
    """One model."""

    model_id: str
    """``org/name``."""
    family: str = ""
    parameters: str = ""
    """Such as ``135M`` or ``7B``."""
    size_category: str = ""
    """``tiny`` to ``huge``."""
    status: str = Status.PENDING.value
    """As it stands: a `Status`, or another tool's word."""
    mqs_score: int | None = None
    """0-1000; None where there is none."""
    grade: str = ""
    certified_tier: str = ""
    last_certified: str = ""
    """When it was measured, ISO 8601; empty when never."""
    gates: Mapping[str, bool] = field(default_factory=lambda: dict.fromkeys(GATES, False))
    """``g1`` to ``g4``: true only when passed."""
    tps: Mapping[str, float | None] = field(default_factory=lambda: dict.fromkeys(TPS_COLUMNS))
    """Tokens per second while decoding, by column; None where it was not measured."""
    provenance_verified: bool = False
    cells: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The row as it was read, columns that nobody here knows included."""
    raw: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    """The same cells as they were written, quotes included."""
    ending: str | None = field(default=None, repr=False, compare=False)
    """The line's end as it was read; None for the file's own."""

    @property
    def awarded(self) -> bool:
        """True when the row claims an award."""
        return self.status in AWARDS

    @property
    def letter(self) -> str:
        """The grade as people are shown it: none of a blocked model, whose letter would praise the rest of it."""
        return "" if self.status == Status.BLOCKED or self.grade in NOT_GIVEN else self.grade

    @property
    def place(self) -> tuple[str, float, str]:
        """What rows are sorted by: family, parameters, name; where no count is readable, first."""
        return self.family, billions_of(self.parameters) or 0.0, self.model_id.lower()


def row_of(cells: Mapping[str, str], raw: Mapping[str, str], ending: str | None) -> Row:
    """The row that cells stand for.

    Raises:
        CellError: a cell means nothing; it names the column.
    """
    return Row(
        **{name: cells[name] for name in _TEXTS},
        mqs_score=_read("mqs_score", cells, _score),
        gates={name: _read(name, cells, _truth) for name in GATES},
        tps={name: _read(name, cells, _speed) for name in TPS_COLUMNS},
        provenance_verified=_read("provenance_verified", cells, _truth),
        cells=cells,
        raw=raw,
        ending=ending,
    )


def raw_cells(row: Row, columns: Sequence[str]) -> list[str]:
    """The cells as they are to be written: what did not change as it was read, the rest in our form."""
    before = row_of(row.cells, row.raw, row.ending) if row.cells else None
    return [_raw_cell(row, before, column) for column in columns]


class CellError(ValueError):
    """A cell means nothing."""

    def __init__(self, column: str, expected: str, found: str) -> None:
        self.column = column
        super().__init__(f"{column}: expected {expected}, found {found[:40]!r}")


_TEXTS: Final = tuple(
    name for name in COLUMNS if name not in ("mqs_score", *GATES, *TPS_COLUMNS, "provenance_verified")
)


def _score(text: str) -> int | None:
    if text in NOT_GIVEN:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_SCORE)) and int(text) <= _MAX_SCORE):
        raise ValueError(f"a whole number from 0 to {_MAX_SCORE}, or nothing")
    return int(text)


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("true or false")
    return word in _TRUE


def _speed(text: str) -> float | None:
    if text in NOT_GIVEN:
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf"):
        raise ValueError("tokens per second, or nothing")
    return rate


def _read(column: str, cells: Mapping[str, str], read: Callable[[str], _Value]) -> _Value:
    try:
        return read(cells[column])
    except ValueError as exc:
        raise CellError(column, str(exc), cells[column]) from exc


def _raw_cell(row: Row, before: Row | None, column: str) -> str:
    if column not in COLUMNS:
        return row.raw.get(column, "")
    if before is not None and _value(before, column) == _value(row, column):
        return row.raw[column]
    return written(_text(row, column))


def _value(row: Row, column: str) -> object:
    if column in GATES:
        return row.gates.get(column, False)
    if column in TPS_COLUMNS:
        return row.tps.get(column)
    return getattr(row, column)


def _text(row: Row, column: str) -> str:
    """Our form of a cell."""
    value = _value(row, column)
    if isinstance(value, bool):
        # A row that was never measured says nothing of gateways, rather than that they failed.
        return "" if row.mqs_score is None and not value else str(value).lower()
    if isinstance(value, float):
        return f"{value:.1f}"
    return "" if value is None else str(value)
