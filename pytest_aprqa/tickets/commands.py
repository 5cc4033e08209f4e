"""The words that GitHub's ``gh`` is given for a ticket, and the same as a line for a shell. Pure.

Every value is joined to its option by ``=``, so that none is taken for an option itself; the body goes by a file, so
that no text of a model stands on a command line at all.
"""

from __future__ import annotations

from pytest_aprqa.core import excerpt
from pytest_aprqa.tickets.quoting import shell_line
from pytest_aprqa.tickets.ticket import Ticket

AUTOMATED: str = "qa-automated"
"""The label that every ticket has."""
_SEARCHED = 1000
"""Tickets that are looked through for a key, the newest first."""


def gh_arguments(ticket: Ticket, *, repo: str, body_file: str) -> tuple[str, ...]:
    """The words that file a ticket.

    Args:
        ticket: the ticket.
        repo: ``owner/name``; empty for the repository that ``gh`` finds by itself.
        body_file: file with the rendered ticket.
    """
    file = f"./{body_file}" if body_file.startswith("-") else body_file
    return (
        "gh",
        "issue",
        "create",
        *_repo(repo),
        f"--title={excerpt(ticket.title, limit=250)}",
        *(f"--label={label}" for label in ticket.labels),
        f"--body-file={file}",
    )


def gh_command(ticket: Ticket, *, repo: str, body_file: str) -> str:
    """`gh_arguments` as one line for bash or zsh, quoted."""
    return shell_line(gh_arguments(ticket, repo=repo, body_file=body_file))


def gh_list_arguments(repo: str) -> tuple[str, ...]:
    """The words that list the tickets that were filed, open or closed, as JSON."""
    fields = "--json=number,state,url,body"
    return ("gh", "issue", "list", *_repo(repo), f"--label={AUTOMATED}", "--state=all", f"--limit={_SEARCHED}", fields)


def gh_labels_arguments(repo: str) -> tuple[str, ...]:
    """The words that list the repository's labels as JSON."""
    return ("gh", "label", "list", *_repo(repo), f"--limit={_SEARCHED}", "--json=name")


def gh_label_arguments(repo: str, label: str) -> tuple[str, ...]:
    """The words that make a label."""
    return ("gh", "label", "create", label, *_repo(repo), "--description=made by apr-qa tickets")


def _repo(repo: str) -> tuple[str, ...]:
    return (f"--repo={repo}",) if repo else ()
