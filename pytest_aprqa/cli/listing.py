"""``apr-qa list``: the registry's models, with what takes from their status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_aprqa.cli.registry import csv_option, row_json
from pytest_aprqa.cli.say import json_option, say, say_json, screen
from pytest_aprqa.core import visible

if TYPE_CHECKING:
    from pytest_aprqa.registry import Row, Standing

_SIZES: Final = ("tiny", "small", "medium", "large", "xlarge", "huge")
_TIERS: Final = ("smoke", "mvp", "quick", "standard", "deep", "none")
_SHOWN: Final = 60
"""So many known words are named in a message."""
_SORTS: Final = ("family", "model", "parameters", "status", "score", "date")


@dataclass(frozen=True, slots=True)
class _Listed:
    row: Row
    standing: Standing


@click.command("list", short_help="Lists the registry's models.")
@csv_option
@click.option("-f", "--family", metavar="NAME", help="Only this family.")
@click.option("-s", "--size", type=click.Choice(_SIZES), help="Only this size.")
@click.option("--status", metavar="WORD", help="Only this status, such as CERTIFIED; older words are found, too.")
@click.option("--tier", type=click.Choice(_TIERS), help="Only rows whose award is of this tier.")
@click.option("--stale", is_flag=True, help="Only awards that are older than 90 days.")
@click.option("--text", metavar="WORDS", help="Only models whose name holds this.")
@click.option("--sort", type=click.Choice(_SORTS), default="family", show_default=True, help="What comes first.")
@json_option
def list_models(*, csv: Path, sort: str, as_json: bool, **wanted: Any) -> None:  # noqa: ANN401 - click's values
    """Lists models. A status that is imported, unverified or stale says so."""
    from pytest_aprqa.registry import read_awards, read_registry, standing

    now, table, awards = datetime.now(UTC), read_registry(csv), read_awards(csv)
    listed = [
        _Listed(row, standing(row, awards.of(row.model_id), now=now, runs=awards.runs_of(row.model_id)))
        for row in table.rows
    ]
    _refuse_unknown(table.rows, family=wanted["family"], status=wanted["status"])
    shown = sorted((one for one in listed if _matches(one, wanted)), key=lambda one: _key(one.row, sort))
    if as_json:
        models = [{**row_json(one.row), "standing": one.standing.text, "holds": one.standing.holds} for one in shown]
        say_json({"csv": str(csv), "count": len(models), "of": len(listed), "models": [*models]})
        return
    if shown:
        say(_table(shown))
    say(f"{len(shown)} of {len(listed)} models")


def _refuse_unknown(rows: Sequence[Row], *, family: str | None, status: str | None) -> None:
    """A word that no row could have is a slip, not an empty list.

    Raises:
        click.UsageError: it names those that there are.
    """
    from pytest_aprqa.scoring import Status

    families = sorted({row.family for row in rows if row.family})
    statuses = list(dict.fromkeys([*map(str, Status), *sorted({row.status for row in rows if row.status})]))
    if family and family not in families:
        raise click.UsageError(f"--family: no model has the family {family[:80]!r}; there are {_words(families)}")
    if status and status.lower() not in {word.lower() for word in statuses}:
        raise click.UsageError(f"--status: there is no status {status[:80]!r}; there are {_words(statuses)}")


def _words(known: Sequence[str]) -> str:
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return visible(", ".join(known[:_SHOWN]) + more) or "none"


def _matches(one: _Listed, wanted: Mapping[str, Any]) -> bool:
    row = one.row
    checks: Mapping[str, Callable[[Any], bool]] = {
        "family": lambda family: row.family == family,
        "size": lambda size: row.size_category == size,
        "status": lambda status: row.status.lower() == status.lower(),
        "tier": lambda tier: (row.certified_tier or "none") == tier,
        "stale": lambda _: one.standing.stale_days is not None,
        "text": lambda text: text.lower() in row.model_id.lower(),
    }
    return all(check(wanted[name]) for name, check in checks.items() if wanted[name])


def _key(row: Row, sort: str) -> tuple[Any, ...]:
    family, billions, name = row.place
    keys: Mapping[str, tuple[Any, ...]] = {
        "family": (family, billions, name),
        "model": (name,),
        "parameters": (billions, name),
        "status": (row.status, family, billions, name),
        "score": (-(row.mqs_score if row.mqs_score is not None else -1), name),
        "date": (_backwards(row.last_certified), name),
    }
    return keys[sort]


def _backwards(moment: str) -> tuple[int, ...]:
    """Sorts the latest first and the never measured last."""
    return tuple(-ord(letter) for letter in moment) or (1,)


def _table(shown: list[_Listed]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    seen = screen()
    table = Table(box=None, pad_edge=False, header_style="bold" if seen.color else "")
    table.add_column("model", overflow="fold", ratio=4)
    table.add_column("family", overflow="fold", ratio=2)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("status", overflow="fold", ratio=3)
    table.add_column("MQS", justify="right", no_wrap=True)
    table.add_column("grade", no_wrap=True)
    for one in shown:
        row = one.row
        score = "-" if row.mqs_score is None else str(row.mqs_score)
        cells = (row.model_id, row.family, row.parameters, one.standing.text, score, row.letter or "-")
        table.add_row(*(Text(visible(cell)) for cell in cells))
    written = StringIO()
    Console(file=written, width=seen.width, no_color=not seen.color, force_terminal=seen.color).print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())
