"""The registry's file, read and written: unknown rows and columns, quoting and line ends survive byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pytest_aprqa.registry.csv_text import Field, Line, split_lines, written
from pytest_aprqa.registry.errors import RegistryError
from pytest_aprqa.registry.row import COLUMNS, CellError, Row, raw_cells, row_of
from pytest_aprqa.registry.table import Registry

MAX_BYTES: Final = 10_000_000
"""Largest file that is read: some 50,000 models."""

_BOM: Final = "\ufeff"
_TEXT_CONTROLS: Final = str.maketrans("", "", "\t\r\n")
"""Characters that a cell may hold which is not ours."""


def read_registry(path: Path) -> Registry:
    """Reads a registry.

    Raises:
        RegistryError: it is not there, too large, not UTF-8 or not a registry; the error names line and column.
    """
    try:
        if not path.is_file():
            raise RegistryError(
                "there is no such file; `apr-qa registry add` and `registry import` make one, --csv names another",
                path=path,
            )
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise RegistryError(f"cannot be read: {exc.strerror}", path=path) from exc
    if len(content) > MAX_BYTES:
        raise RegistryError(f"larger than {MAX_BYTES:,} bytes; this is no registry", path=path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        column = exc.start - content.rfind(b"\n", 0, exc.start)
        raise RegistryError("not UTF-8; save the file as UTF-8", path=path, line=line, column=column) from exc
    return parse_registry(text, path=path)


def parse_registry(text: str, *, path: Path) -> Registry:
    """Reads a registry's text; raises as `read_registry` does."""
    bom = _BOM if text.startswith(_BOM) else ""
    lines = split_lines(text.removeprefix(_BOM), path=path)
    if not lines:
        raise RegistryError(f"empty; expected a first line with {', '.join(COLUMNS)}", path=path)
    columns = _columns(lines[0], path)
    return Registry(
        path=path,
        columns=columns,
        rows=tuple(_row(line, columns, path) for line in lines[1:]),
        head=bom + _raw(lines[0]),
        newline="\r\n" if lines[0].ending.startswith("\r\n") else "\n",
    )


def render_registry(registry: Registry) -> str:
    """The registry as its file's text.

    Raises:
        RegistryError: a cell would hold a control character.
    """
    head = registry.head or ",".join(map(written, registry.columns)) + registry.newline
    parts = [head]
    for row in registry.rows:
        if not parts[-1].endswith(("\n", "\r")):
            parts.append(registry.newline)
        parts.append(_rendered(row, registry))
    return "".join(parts)


def _rendered(row: Row, registry: Registry) -> str:
    cells = raw_cells(row, registry.columns)
    for column, cell in zip(registry.columns, cells, strict=True):
        if column in COLUMNS and not cell.isprintable():
            raise RegistryError(f"{row.model_id!r}: {column} would hold a control character", path=registry.path)
    return ",".join(cells) + (registry.newline if row.ending is None else row.ending)


def _columns(line: Line, path: Path) -> tuple[str, ...]:
    names = tuple(field.text.strip() for field in line.fields)
    for place, field in enumerate(line.fields):
        if names[place] in names[:place]:
            raise RegistryError(
                f"column {names[place]!r} stands twice", path=path, line=field.line, column=field.column
            )
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise RegistryError(f"not a registry: no column {', '.join(missing)}", path=path, line=1, column=1)
    return names


def _row(line: Line, columns: tuple[str, ...], path: Path) -> Row:
    if len(line.fields) != len(columns):
        last = line.fields[-1]
        raise RegistryError(
            f"expected {len(columns)} fields as in the first line, found {len(line.fields)}",
            path=path,
            line=last.line,
            column=last.column,
        )
    fields = dict(zip(columns, line.fields, strict=True))
    for name, field in fields.items():
        _refuse_controls(name, field, path)
    _refuse_nameless(fields["model_id"], path)
    try:
        return row_of(
            {name: field.text for name, field in fields.items()},
            {name: field.raw for name, field in fields.items()},
            line.ending,
        )
    except CellError as exc:
        field = fields[exc.column]
        raise RegistryError(str(exc), path=path, line=field.line, column=field.column) from exc


def _refuse_controls(name: str, field: Field, path: Path) -> None:
    text = field.text if name in COLUMNS else field.text.translate(_TEXT_CONTROLS)
    if not text.isprintable():
        raise RegistryError(
            f"{name}: expected printable text, found {field.text[:40]!r}",
            path=path,
            line=field.line,
            column=field.column,
        )


def _refuse_nameless(field: Field, path: Path) -> None:
    if not field.text.strip():
        raise RegistryError(
            "model_id: expected org/name, found nothing", path=path, line=field.line, column=field.column
        )


def _raw(line: Line) -> str:
    return ",".join(field.raw for field in line.fields) + line.ending
