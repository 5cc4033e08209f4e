"""``apr-qa tickets``: failures grouped by probable cause, as Markdown files and as issues on GitHub."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_aprqa.cli.say import json_option, say, say_json, screen
from pytest_aprqa.core import AprqaError, Json, counted, excerpt

if TYPE_CHECKING:
    from pytest_aprqa.tickets import Ticket

_REPO: Final = re.compile(r"([A-Za-z0-9.-]+/)?[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", re.ASCII)
_GH_SECONDS: Final = 60
_MAX_MESSAGE: Final = 500


class TrackerError(AprqaError):
    """GitHub's command line is not there, or refused."""


@click.command(short_help="Writes tickets for what failed, grouped by cause.")
@click.argument("evidence", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write one file for each."
)
@click.option("-r", "--repo", metavar="OWNER/NAME", default="", help="GitHub repository; default what gh finds.")
@click.option("--black-swans-only", is_flag=True, help="Only where an engine died.")
@click.option(
    "--min-occurrences", type=click.IntRange(min=1), default=1, show_default=True, help="Fewest failures of a ticket."
)
@click.option(
    "--ticket-mode",
    "mode",
    type=click.Choice(["draft", "create"]),
    default="draft",
    show_default=True,
    help="draft: print what would be filed; create: file it by gh, unless it was filed before.",
)
@click.option("--defect-map", is_flag=True, help="Show which fixture reproduces which cause, and nothing else.")
@json_option
@click.pass_context
def tickets(
    ctx: click.Context,
    *,
    evidence: Path | None,
    output: Path | None,
    repo: str,
    black_swans_only: bool,
    min_occurrences: int,
    mode: str,
    defect_map: bool,
    as_json: bool,
) -> None:
    """Groups the failures of EVIDENCE (evidence.json or evidence.jsonl, ours or foreign): one ticket for each cause.

    Exit code: 0 when the tickets were written or filed, 1 when some were not filed, 2 for unusable
    input or where gh is missing.
    """
    if defect_map:
        _show_map(as_json=as_json)
        return
    if evidence is None:
        raise click.UsageError("Missing argument 'EVIDENCE'.")
    if repo and not _REPO.fullmatch(repo):
        raise click.UsageError(f"--repo: expected OWNER/NAME, found {repo!r}")
    from pytest_aprqa.evidence import read_run
    from pytest_aprqa.tickets import tickets_of

    run = read_run(evidence)
    found = tickets_of(run, min_occurrences=min_occurrences, black_swans_only=black_swans_only)
    failures = sum(record.outcome.failed for record in run.records)
    with ExitStack() as stack:
        creating = mode == "create"
        folder = output or (Path(stack.enter_context(tempfile.TemporaryDirectory())) if creating else None)
        files = [] if folder is None else _write(folder, found)
        filed = _create(found, files, repo) if creating else []
    shown = files if output is not None else []
    if as_json:
        say_json(_plain(run.playbook.model, failures, found, shown, filed, repo))
    else:
        say(_text(found, shown, filed, failures, repo))
    ctx.exit(1 if any(one["state"] == "refused" for one in filed) else 0)


def _write(folder: Path, found: Sequence[Ticket]) -> list[Path]:
    """One Markdown file for each ticket, named by its key, so that a later run writes the same file again."""
    from pytest_aprqa.evidence.atomic import write_atomically
    from pytest_aprqa.tickets import render_ticket

    paths = [folder / f"{ticket.severity}-{ticket.cause}-{ticket.key}.md" for ticket in found]
    for path, ticket in zip(paths, found, strict=True):
        write_atomically(path, render_ticket(ticket).encode("utf-8", "backslashreplace"))
    return paths


def _create(found: Sequence[Ticket], files: Sequence[Path], repo: str) -> list[dict[str, Json]]:
    """Files what was not filed before; of each what became of it."""
    from pytest_aprqa.tickets import gh_arguments, gh_list_arguments, marker

    if not found:
        return []
    if shutil.which("gh") is None:
        raise TrackerError(
            "gh: expected GitHub's command line on PATH, found nothing; install it from https://cli.github.com, "
            "or use --ticket-mode draft -o DIR and file the tickets by hand"
        )
    known = _objects(gh_list_arguments(repo))
    _make_labels(found, repo)
    filed: list[dict[str, Json]] = []
    for ticket, file in zip(found, files, strict=True):
        before = next((one for one in known if marker(ticket.key) in str(one.get("body", ""))), None)
        if before is not None:
            state = f"filed before ({str(before.get('state', '')).lower() or 'state unknown'})"
            filed.append({"key": ticket.key, "state": state, "url": str(before.get("url", ""))})
            continue
        try:
            url = _gh(gh_arguments(ticket, repo=repo, body_file=str(file))).strip()
        except TrackerError as exc:
            filed.append({"key": ticket.key, "state": "refused", "url": str(exc)})
        else:
            filed.append({"key": ticket.key, "state": "filed", "url": url})
    return filed


def _make_labels(found: Sequence[Ticket], repo: str) -> None:
    """Makes the labels that the repository lacks; gh files no issue with a label that is not there."""
    from pytest_aprqa.tickets import gh_label_arguments, gh_labels_arguments

    there = {str(one.get("name", "")).lower() for one in _objects(gh_labels_arguments(repo))}
    for label in dict.fromkeys(label for ticket in found for label in ticket.labels):
        if label.lower() not in there:
            _gh(gh_label_arguments(repo, label))


def _objects(arguments: Sequence[str]) -> list[dict[str, Json]]:
    answer = _gh(arguments)
    try:
        value = json.loads(answer)
    except ValueError as exc:
        raise TrackerError(f"{_name(arguments)}: expected JSON, found {answer[:80]!r}") from exc
    if not isinstance(value, list):
        raise TrackerError(f"{_name(arguments)}: expected a JSON array, found {answer[:80]!r}")
    return [one for one in value if isinstance(one, dict)]


def _gh(arguments: Sequence[str]) -> str:
    """What gh prints; started by a list of words, never through a shell."""
    try:
        done = subprocess.run(
            list(arguments),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_GH_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        raise TrackerError(f"{_name(arguments)}: {exc}") from exc
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[:_MAX_MESSAGE]
        raise TrackerError(f"{_name(arguments)}: exit code {done.returncode}: {said}")
    return done.stdout


def _name(arguments: Sequence[str]) -> str:
    return " ".join(arguments[:3])


def _text(
    found: Sequence[Ticket], files: Sequence[Path], filed: Sequence[dict[str, Json]], failures: int, repo: str
) -> str:
    from pytest_aprqa.tickets import gh_command

    lines = [f"{counted(len(found), 'ticket')} for {counted(failures, 'failure')}"]
    for place, ticket in enumerate(found):
        lines += ["", *_ticket_lines(ticket)]
        if files:
            lines.append(f"  file         {files[place]}")
        if filed:
            lines.append(f"  {filed[place]['state']}: {_visible(str(filed[place]['url']))}")
        elif files:
            lines.append(f"  {gh_command(ticket, repo=repo, body_file=str(files[place]))}")
    if found and not files and not filed:
        lines += ["", "-o DIR writes them as files and prints the commands that would file them"]
    return "\n".join(lines)


def _ticket_lines(ticket: Ticket) -> list[str]:
    waiting = f", {ticket.dependents:,} not judged because of it" if ticket.dependents else ""
    rows = (
        ("what", f"{ticket.category}, {ticket.occurrences:,} failed{waiting}"),
        ("probably", ticket.hypothesis),
        ("gates", ", ".join(ticket.gates[:6]) + (" …" if len(ticket.gates) > 6 else "")),
        ("first case", ticket.cases[0]),
    )
    lines = [_wrapped(f"{ticket.severity} ", ticket.title)]
    lines += [_wrapped(f"  {name:<12} ", value) for name, value in rows]
    return [*lines, f"  see again    {ticket.reproduction}"] if ticket.reproduction else lines


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(
        head + _visible(text), screen().width, subsequent_indent=" " * len(head), break_on_hyphens=False
    )


def _visible(text: str) -> str:
    return excerpt(text, limit=600)


def _plain(
    model: str,
    failures: int,
    found: Sequence[Ticket],
    files: Sequence[Path],
    filed: Sequence[dict[str, Json]],
    repo: str,
) -> dict[str, Json]:
    from pytest_aprqa.tickets import gh_command

    told: list[Json] = []
    for place, ticket in enumerate(found):
        plain = ticket.to_json()
        if files:
            plain["file"] = str(files[place])
            plain["command"] = gh_command(ticket, repo=repo, body_file=str(files[place]))
        if filed:
            plain["filed"] = filed[place]
        told.append(plain)
    return {"model": model, "failures": failures, "tickets": told}


def _show_map(*, as_json: bool) -> None:
    from dataclasses import asdict

    from pytest_aprqa.tickets import CAUSES, DEFECT_MAP

    if as_json:
        say_json({"defects": {key: asdict(fixture) for key, fixture in DEFECT_MAP.items()}})
        return
    lines = []
    for key, fixture in DEFECT_MAP.items():
        planted = f"{fixture.defect} in {fixture.library}" if fixture.defect else "no planted defect"
        named = f"; published class {fixture.published}" if fixture.published else ""
        lines += [f"{key}: {CAUSES[key].title}", f"  {fixture.make}", f"  {planted}{named}"]
    say("\n".join(lines))
