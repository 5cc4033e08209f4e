"""Tickets of one run as Markdown files beside its evidence, and the commands that would file them."""

from __future__ import annotations

from pathlib import Path

from pytest_aprqa.core import slug
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.evidence.atomic import write_atomically

FOLDER = "tickets"
"""Below the model's folder."""


def write_tickets(folder: Path, evidence: Evidence, *, repo: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Writes one file for each ticket; an earlier run's are removed.

    Args:
        folder: the model's folder.
        evidence: what failed.
        repo: GitHub repository that the commands name.

    Returns:
        The files, and a shell command for each that would file it.
    """
    from pytest_aprqa.tickets import gh_command, render_ticket, tickets_of

    below = folder / FOLDER
    for old in sorted(below.glob("*.md")):
        old.unlink()
    files, commands = [], []
    for number, ticket in enumerate(tickets_of(evidence), start=1):
        path = below / f"{number:02}-{slug(ticket.title)}.md"
        write_atomically(path, render_ticket(ticket).encode("utf-8", "backslashreplace"))
        files.append(path)
        commands.append(gh_command(ticket, repo=repo, body_file=str(path)))
    return tuple(files), tuple(commands)
