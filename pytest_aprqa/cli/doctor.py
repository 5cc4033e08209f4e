"""``apr-qa doctor``: what this machine can run, and what to install for the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING, Final

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import visible

if TYPE_CHECKING:
    from pytest_aprqa.certification import Health

_GIB: Final = 2**30


@click.command(short_help="Says what this machine can run.")
@click.option("--online", is_flag=True, help="Also ask whether the Hugging Face hub can be reached.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, online: bool, as_json: bool) -> None:
    """Says what is installed, what this machine has, and how much of each tier it could run.

    Exit code: 0 when the smoke test of the embedded model could run, 1 when not.
    """
    from pytest_aprqa.certification import examine

    health = examine(os.environ, online=online)
    if as_json:
        say_json(health.to_json())
    else:
        for line in _lines(health):
            say(visible(line))
    ctx.exit(0 if health.able else 1)


def _lines(health: Health) -> Iterator[str]:
    from pytest_aprqa import embedded

    yield ", ".join(f"{name} {version or 'is not installed'}" for name, version in health.versions.items())
    yield f"{health.os}; {health.cpu or 'unknown processor'}, {health.cores} cores"
    yield f"memory {health.memory_bytes / _GIB:.1f} GiB, of which {health.available_bytes / _GIB:.1f} are free"
    yield f"GPU: {', '.join(health.gpus) or 'none'}{f' ({health.no_gpu})' if health.no_gpu else ''}"
    if health.hub is not None:
        yield f"hub: {health.hub}"
    yield from _section("engines", (_runner(it.name, it.reason) for it in health.engines))
    yield from _section("servers", (_runner(it.name, it.reason) for it in health.servers))
    yield from _section("extras", _extras(health))
    yield from _section("caches", _caches(health))
    yield from _section("tiers", _tiers(health))
    if health.installs:
        yield from _section("to install what is missing", (f"  {command}" for command in health.installs))
    yield ""
    if health.able:
        yield f"The smoke test can run: apr-qa certify --hf {quote(str(embedded.folder()))} --tier smoke"
    else:
        yield "Not even the smoke test of the embedded model can run:"
        yield from (f"  {problem}" for problem in health.problems)


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from lines


def _runner(name: str, reason: str) -> str:
    return f"  {name:<20} {reason or 'ready'}"


def _extras(health: Health) -> Iterator[str]:
    for it in health.extras:
        there = [f"{name} {version}" for name, version in it.versions.items() if version]
        missing = [name for name, version in it.versions.items() if not version]
        lacks = f"; without {', '.join(missing)}" if missing else ""
        yield f"  {it.extra:<20} {', '.join(there) or 'nothing'}{lacks}"


def _caches(health: Health) -> Iterator[str]:
    for it in health.caches:
        free = "unknown" if it.free_bytes is None else f"{it.free_bytes / _GIB:.1f} GiB"
        holds = f"{it.models} models" if it.models else ("there" if it.exists else "not there yet")
        yield f"  {it.name}: {it.path} ({holds}; {free} free)"


def _tiers(health: Health) -> Iterator[str]:
    for it in health.tiers:
        yield f"  {it.tier:<10} {it.runnable} of {it.cells} cells"
        yield from (f"             {count} not: {reason}" for reason, count in it.skips.items())
