"""``apr-qa lock-playbooks``: records the digests of playbooks, or says what has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aprqa.cli.say import json_option, say, say_json
from pytest_aprqa.core import counted, visible

if TYPE_CHECKING:
    from pytest_aprqa.core import Json
    from pytest_aprqa.playbook import Difference, LockFile


@click.command(short_help="Records the digests of playbooks.")
@click.argument("folder", default="playbooks", metavar="[DIR]", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "lock",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The lock; default DIR/playbook.lock.yaml.",
)
@click.option("--check", is_flag=True, help="Write nothing; compare the playbooks with the lock.")
@json_option
@click.pass_context
def lock_playbooks(ctx: click.Context, folder: Path, lock: Path | None, check: bool, as_json: bool) -> None:
    """Records what every playbook below DIR (default: playbooks) means, so that no threshold moves unseen.

    The lock holds two digests of each: one of its bytes, and one of all that bears on the verdict, which comments,
    the order of keys and descriptions do not change. A run with --aprqa-lock refuses a playbook that differs.

    Exit code: 0 when the lock was written, or fits; 1 when a playbook cannot be read (then nothing is written) or
    differs; 2 for wrong usage.
    """
    from pytest_aprqa import playbook

    file = folder / playbook.LOCK_NAME if lock is None else lock
    if check:
        current = playbook.gather_lock(folder, lock=file)
        differences = playbook.compare_locks(playbook.read_lock(file), current)
        passed = not current.unreadable and not any(one.matters for one in differences)
        report: dict[str, Json] = {"fits": passed, "differences": _as_json(differences)}
    else:
        current, differences = playbook.lock_playbooks(folder, lock=file), ()
        passed = not current.unreadable
        report = {"written": passed}
    if as_json:
        say_json({"lock": str(file), "playbooks": len(current.entries), **report, "unreadable": [*current.unreadable]})
    else:
        _say_lines(current, differences, check=check, passed=passed)
    ctx.exit(0 if passed else 1)


def _as_json(differences: tuple[Difference, ...]) -> list[Json]:
    return [{"playbook": one.playbook, "problem": one.problem, "matters": one.matters} for one in differences]


def _say_lines(lock: LockFile, differences: tuple[Difference, ...], *, check: bool, passed: bool) -> None:
    for problem in lock.unreadable:
        click.echo(f"Error: {visible(problem)}", err=True)
    by_playbook: Mapping[str, list[Difference]] = {one.playbook: [] for one in differences}
    for one in differences:
        by_playbook[one.playbook].append(one)
    for name, found in by_playbook.items():
        remark = "" if any(one.matters for one in found) else "remark: "
        say(visible(f"{name}: {remark}{', '.join(one.problem for one in found)}"))
    number = counted(len(lock.entries), "playbook")
    if check:
        say(visible(f"{lock.path}: {'fits' if passed else 'does not fit'} {number}"))
    elif passed:
        say(visible(f"{lock.path}: {number} locked"))
    else:
        click.echo(visible(f"{lock.path}: nothing was written; {number} can be read"), err=True)
