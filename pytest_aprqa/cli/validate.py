"""``apr-qa validate``: reads playbooks and says what is wrong with them, without running anything."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import Json, PlaybookError, counted, visible

if TYPE_CHECKING:
    from pytest_aprqa.playbook import Playbook


def _pairs(_ctx: click.Context, _option: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"expected NAME=VALUE; found {text!r}")
        pairs[name] = value
    return pairs


@click.command(short_help="Reads playbooks and says what is wrong with them.")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "values",
    multiple=True,
    callback=_pairs,
    metavar="NAME=VALUE",
    help="What ${NAME} stands for; may be repeated; wins over the environment.",
)
@click.option("--strict", is_flag=True, help="Unknown keys are errors.")
@json_option
@click.pass_context
def validate(
    ctx: click.Context, playbooks: Sequence[Path], values: Mapping[str, str], strict: bool, as_json: bool
) -> None:
    """Reads each PLAYBOOK and prints what it asks for, what is not tested, and what looks wrong.

    Exit code: 0 when all can be run, 2 when one cannot; its error names file, line and column.
    """
    # Not `all(...)`: every playbook is to be read, also after one that is wrong.
    read = [_read(path, {**os.environ, **values}, strict=strict) for path in playbooks]
    if as_json:
        say_json({"playbooks": [_json(path, it) for path, it in zip(playbooks, read, strict=True)]})
    else:
        for it in read:
            _show(it)
    ctx.exit(2 if any(isinstance(it, PlaybookError) for it in read) else 0)


def _read(path: Path, values: Mapping[str, str], *, strict: bool) -> Playbook | PlaybookError:
    from pytest_aprqa.suite import plan_playbook

    try:
        return plan_playbook(path, values, strict=strict, unavailable={}).playbook
    except PlaybookError as exc:
        return exc


def _show(read: Playbook | PlaybookError) -> None:
    if isinstance(read, PlaybookError):
        click.echo(f"Error: {visible(str(read))}", err=True)
        return
    for line in _lines(read):
        say(visible(line))


def _json(path: Path, read: Playbook | PlaybookError) -> dict[str, Json]:
    if isinstance(read, PlaybookError):
        return {"path": str(path), "valid": False, "error": str(read)}
    from pytest_aprqa.playbook import list_cells

    return {
        "path": str(path),
        "valid": True,
        "name": read.name,
        "version": read.version,
        "tier": read.tier,
        "model": read.model.hf_repo,
        "cells": len(list_cells(read.model, read.matrix)),
        "scenarios_per_cell": read.matrix.scenario_count,
        "not_tested": list(read.reports),
        "warnings": list(read.warnings),
    }


def _lines(playbook: Playbook) -> list[str]:
    from pytest_aprqa.playbook import list_cells

    cells = counted(len(list_cells(playbook.model, playbook.matrix)), "cell")
    scenarios = counted(playbook.matrix.scenario_count, "scenario")
    tier = f"tier {playbook.tier}" if playbook.tier else "no tier"
    return [
        f"{playbook.path}: ok: {playbook.name} {playbook.version}, {tier}, {playbook.model.hf_repo}, "
        f"{cells}, {scenarios} in each",
        *(f"  not tested: {report}" for report in playbook.reports),
        *(f"  warning: {warning}" for warning in playbook.warnings),
    ]
