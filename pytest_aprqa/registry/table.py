"""The registry as a value: its columns and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_aprqa.registry.awards import Awards
from pytest_aprqa.registry.errors import RegistryError
from pytest_aprqa.registry.row import COLUMNS, Row


@dataclass(frozen=True, slots=True)
class Registry:
    """All models that are known by name."""

    path: Path
    """The csv file; it need not be there."""
    columns: tuple[str, ...] = COLUMNS
    """As the file has them: ours, and any others."""
    rows: tuple[Row, ...] = ()
    head: str = field(default="", repr=False, compare=False)
    """The header as it was read, byte order mark and line end included."""
    newline: str = field(default="\n", repr=False, compare=False)
    """The line end of new rows."""

    def find(self, model_id: str) -> Row | None:
        """The first row of a model; its name is not case sensitive, as on the hub."""
        wanted = model_id.lower()
        return next((row for row in self.rows if row.model_id.lower() == wanted), None)

    def with_row(self, row: Row) -> Registry:
        """The registry with this row in the place of the model's, or inserted where it sorts.

        Raises:
            RegistryError: the model has several rows.
        """
        places = [place for place, old in enumerate(self.rows) if old.model_id.lower() == row.model_id.lower()]
        if len(places) > 1:
            raise RegistryError(f"{row.model_id} has {len(places)} rows; remove all but one", path=self.path)
        if places:
            before, after = self.rows[: places[0]], self.rows[places[0] + 1 :]
        else:
            at = next((place for place, old in enumerate(self.rows) if old.place > row.place), len(self.rows))
            before, after = self.rows[:at], self.rows[at:]
        return replace(self, rows=(*before, row, *after))


@dataclass(frozen=True, slots=True)
class Books:
    """The registry and its awards, which change together."""

    registry: Registry
    awards: Awards


def duplicates(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many rows each model has that has several, by its name as it first stands."""
    counted: dict[str, int] = {}
    names: dict[str, str] = {}
    for row in rows:
        name = names.setdefault(row.model_id.lower(), row.model_id)
        counted[name] = counted.get(name, 0) + 1
    return {name: count for name, count in counted.items() if count > 1}
