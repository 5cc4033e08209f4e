"""The table of all models between two markers of a README: made from the registry, never written by hand. Pure.

A status is shown in its colour only while it holds; what is imported, unverified or stale is gray and says so. The
date changes only when the table does, so that a second run changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pytest_aprqa import embedded
from pytest_aprqa.registry.awards import Awards
from pytest_aprqa.registry.errors import RegistryError
from pytest_aprqa.registry.row import Row
from pytest_aprqa.registry.standing import Standing, standing
from pytest_aprqa.registry.table import Registry
from pytest_aprqa.scoring import Status
from pytest_aprqa.scoring.speeds import TPS_COLUMNS

START: Final = "<!-- CERTIFICATION_TABLE_START -->"
END: Final = "<!-- CERTIFICATION_TABLE_END -->"

_COLORS: Final[Mapping[str, str]] = {
    Status.CERTIFIED: "brightgreen",
    Status.PROVISIONAL: "yellow",
    Status.PARTIAL: "orange",
    Status.BLOCKED: "red",
    Status.PENDING: "lightgray",
}
_NOT_HOLDING: Final = "lightgray"
_SUMMARY: Final = (Status.CERTIFIED, Status.PROVISIONAL, Status.PARTIAL, Status.BLOCKED, Status.PENDING)
_HEADER: Final = (
    "Model",
    "Family",
    "Parameters",
    "Status",
    "MQS",
    "Grade",
    "G0-G4",
    "Provenance",
    "GGUF cpu",
    "GGUF gpu",
    "APR cpu",
    "APR gpu",
    "SafeTensors cpu",
    "SafeTensors gpu",
)
_DATED: Final = re.compile(r"\(updated: [^)\n]*\)")
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>|&#!~:@$]|(?<=www)\.)", re.IGNORECASE)
"""Markup, and what makes a link, a mention or a formula of bare text on GitHub."""
_LOCAL: Final = "local/"
"""How a draft's model is called when only its folder is known."""


def sync_readme(text: str, registry: Registry, awards: Awards, *, now: datetime, path: Path | None = None) -> str:
    """The README with the table as it is now; the same text where nothing changed.

    Args:
        text: the README.
        registry: the rows.
        awards: what each rests on.
        now: today, for the ages of awards and the table's date.
        path: the README's, to name in an error.

    Raises:
        RegistryError: a marker is missing, stands twice, or they stand in the wrong order.
    """
    start, end = _markers(text, path or Path("README.md"))
    newline = "\r\n" if "\r\n" in text[:start] + text[start:end] else "\n"
    block = newline.join(("", *_block(registry, awards, now), ""))
    if _DATED.sub("", text[start:end]) == _DATED.sub("", block):
        return text
    return text[:start] + block + text[end:]


def _markers(text: str, path: Path) -> tuple[int, int]:
    """Where the first marker ends and the second begins."""
    places = {}
    for marker in (START, END):
        found = [match.span() for match in re.finditer(rf"^{re.escape(marker)}(?=[ \t]*\r?$)", text, re.MULTILINE)]
        if len(found) != 1:
            raise RegistryError(
                f"expected one line {marker}, found {len(found)}; put {START} and {END} where the table belongs",
                path=path,
            )
        places[marker] = found[0]
    if places[START][0] > places[END][0]:
        raise RegistryError(f"{END} stands before {START}", path=path)
    return places[START][1], places[END][0]


def _block(registry: Registry, awards: Awards, now: datetime) -> list[str]:
    rows = sorted(registry.rows, key=lambda row: row.place)
    standings = [standing(row, awards.of(row.model_id), now=now, runs=awards.runs_of(row.model_id)) for row in rows]
    return [
        f"**Certification of {len(rows)} models** (updated: {now:%Y-%m-%d %H:%M} UTC)",
        "",
        *_summary(standings),
        "",
        _line(_HEADER),
        _line(["---"] * len(_HEADER)),
        *(_line(_cells(row, stands, awards)) for row, stands in zip(rows, standings, strict=True)),
    ]


def _summary(standings: list[Standing]) -> list[str]:
    counted = Counter(stands.status for stands in standings if stands.holds)
    unheld = sum(not stands.holds for stands in standings)
    rows = [
        (status.capitalize(), counted[status]) for status in _SUMMARY if counted[status] or status != Status.PARTIAL
    ]
    if unheld:
        rows.append(("Imported, unverified or stale", unheld))
    return [
        _line(("Status", "Models")),
        _line(("---", "---")),
        *(_line((word, f"{count}/{len(standings)}")) for word, count in rows),
    ]


def _cells(row: Row, stands: Standing, awards: Awards) -> list[str]:
    return [
        _name(row.model_id),
        _escaped(row.family),
        _escaped(row.parameters),
        _badge(stands),
        "-" if row.mqs_score is None else str(row.mqs_score),
        _escaped(row.letter) or "-",
        _gateways(row, awards),
        _mark(row, passed=row.provenance_verified),
        *(_speed(row.tps.get(column)) for column in TPS_COLUMNS),
    ]


def _name(model_id: str) -> str:
    """The model's name, linked where the hub can have it."""
    from pytest_aprqa.weights import Wanted  # slow to import, and most commands write no table

    name = _escaped(model_id.rpartition("/")[2] or model_id)
    on_hub = Wanted(model_id).on_hub and not model_id.startswith(_LOCAL) and model_id != embedded.MODEL
    return f"[{name}](https://huggingface.co/{quote(model_id)})" if on_hub else name


def _badge(stands: Standing) -> str:
    color = _COLORS.get(stands.status, _NOT_HOLDING) if stands.holds else _NOT_HOLDING
    label = quote(stands.status.replace("-", "--").replace("_", "__"), safe="")
    image = f"![{_escaped(stands.status.lower())}](https://img.shields.io/badge/{label}-{color})"
    return " ".join((image, _escaped(", ".join(stands.remarks)))).strip()


def _gateways(row: Row, awards: Awards) -> str:
    """G0 has no column of its own: its state is in the record."""
    award = awards.of(row.model_id)
    g0 = award is None or award.gateways.get("G0", "passed") == "passed"
    return _mark(row, passed=g0 and all(row.gates.values()))


def _mark(row: Row, *, passed: bool) -> str:
    return "-" if row.status == Status.PENDING else "✓" if passed else "✗"


def _speed(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
