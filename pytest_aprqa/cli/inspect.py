"""``apr-qa inspect``: what a model file says, whatever its format; nothing is judged and no weights are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_aprqa.cli.convert import find_model
from pytest_aprqa.cli.say import say, screen
from pytest_aprqa.core import counted, excerpt, visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from pytest_aprqa.conversion import ModelView
    from pytest_aprqa.core import Json
    from pytest_aprqa.formats import TensorEntry

_LONGEST_VALUE: Final = 100
_LONGEST_KEY: Final = 80


@click.command(short_help="Shows what a model file says.")
@click.argument("file", metavar="FILE")
@click.option("--tensors/--no-tensors", default=True, help="List the tensors; by default they are.")
@click.option("--filter", "needle", default="", metavar="TEXT", help="Only keys and tensors whose name holds TEXT.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--model-cache",
    "cache",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of models, where FILE is a model's name.",
)
def inspect(file: str, tensors: bool, needle: str, as_json: bool, cache: Path | None) -> None:
    """Shows the metadata, configuration, tokenizer and tensors of FILE: .gguf, .apr, or a Hugging Face folder.

    Exit code: 0 when FILE could be read, 2 when not.
    """
    from pytest_aprqa.conversion import open_model
    from pytest_aprqa.evidence import plain_json

    view = open_model(find_model(file, cache))
    names = _plain_names(view)
    listed = [
        (name, entry)
        for name, entry in view.stored.items()
        if tensors and (needle in name or needle in names.get(name, ""))
    ]
    if as_json:
        # A file's metadata may hold NaN, for which JSON has no word.
        say(json.dumps(plain_json(_json(view, listed, needle)), indent=1))
    else:
        say(_text(view, listed, needle, tensors=tensors))


def _plain_names(view: ModelView) -> Mapping[str, str]:
    """Hugging Face names by stored names."""
    return {tensor.entry.name: name for name, tensor in view.tensors.items()}


def _json(view: ModelView, listed: list[tuple[str, TensorEntry]], needle: str) -> dict[str, Json]:
    names = _plain_names(view)
    tokenizer = view.tokenizer
    entries: list[Json] = [
        {
            "name": name,
            "hugging_face_name": names.get(name),
            "dtype": entry.dtype,
            "shape": list(entry.shape),
            "bytes": entry.stop - entry.start,
            "offset": entry.start,
            "file": entry.file.name,
        }
        for name, entry in listed
    ]
    return {
        "path": str(view.path),
        "format": view.format.value,
        "metadata": {key: value for key, value in view.raw.items() if needle in key},
        "config": dict(view.config),
        "tokenizer": None if tokenizer is None else dict(_tokenizer_rows(view)),
        "tensors": entries,
        "foreign": list(view.foreign),
    }


def _text(view: ModelView, listed: list[tuple[str, TensorEntry]], needle: str, *, tensors: bool) -> str:
    stored = view.stored.values()
    size = sum(entry.stop - entry.start for entry in stored)
    values = sum(entry.values for entry in stored)
    parts: list[RenderableType] = [
        f"{visible(str(view.path))}: {view.format}, {counted(len(view.stored), 'tensor')}, {values:,} values, "
        f"{size:,} bytes",
    ]
    sections: list[tuple[str, Iterable[tuple[str, Json]]]] = [
        ("metadata", view.raw.items()),
        ("configuration, in the words of config.json", view.config.items()),
        ("tokenizer", _tokenizer_rows(view)),
    ]
    for title, rows in sections:
        if kept := [(key, value) for key, value in rows if needle in key]:
            parts.append(_pairs(title, kept))
    if tensors:
        parts.append(_tensor_table(view, listed))
    return _drawn(parts)


def _tokenizer_rows(view: ModelView) -> Iterator[tuple[str, Json]]:
    facts = view.tokenizer
    if facts is None:
        return
    yield "model", facts.model
    yield "pre-tokenizer", facts.pre
    yield "tokens", len(facts.vocabulary)
    yield "merges", len(facts.merges)
    yield "special", {role: f"{index} {facts.vocabulary[index]}" for role, index in facts.special.items()}
    yield "add BOS", facts.add_bos
    yield "add EOS", facts.add_eos
    yield "chat template", facts.chat_template
    if facts.unwritable:
        yield "not convertible", facts.unwritable


def _pairs(title: str, rows: Iterable[tuple[str, Json]]) -> RenderableType:
    table = _table(title)
    table.add_column("key", overflow="fold")
    table.add_column("value", overflow="fold")
    for key, value in rows:
        table.add_row(_shown(key, _LONGEST_KEY), _shown(_brief(value), _LONGEST_VALUE))
    return table


def _brief(value: Json) -> str:
    """A value as JSON; of a long list its length and beginning."""
    if isinstance(value, list) and len(value) > 8:
        return f"{len(value):,} items: {json.dumps(value[:4], ensure_ascii=False)[1:-1]} ..."
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tensor_table(view: ModelView, listed: list[tuple[str, TensorEntry]]) -> RenderableType:
    names = _plain_names(view)
    table = _table("tensors")
    for column in ("stored name", "Hugging Face name"):
        table.add_column(column, overflow="fold")
    for column in ("type", "shape"):
        table.add_column(column, no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    for name, entry in listed:
        plain = names.get(name)
        other = "(none of the architecture)" if plain is None else "=" if plain == name else plain
        shape = " × ".join(map(str, entry.shape)) or "scalar"
        table.add_row(
            _shown(name, _LONGEST_KEY), _shown(other, _LONGEST_KEY), entry.dtype, shape, f"{entry.stop - entry.start:,}"
        )
    return table


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _shown(text: str, limit: int) -> RenderableType:
    """Text of unknown origin as rich may print it: no control characters, no markup, no megabytes."""
    from rich.text import Text

    return Text(excerpt(text, limit=limit))


def _drawn(parts: list[RenderableType]) -> str:
    from io import StringIO

    from rich.console import Console

    shown = screen()
    console = Console(
        file=StringIO(), width=max(shown.width, 100), color_system="standard" if shown.color else None,
        force_terminal=shown.color, legacy_windows=False, highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
