"""The group of commands, and the one place where errors become a message and an exit code."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import click

from pytest_aprqa import __version__
from pytest_aprqa.cli.commands import COMMANDS
from pytest_aprqa.core import AprqaError, visible


class Unusable(click.ClickException):
    """Input that cannot be used: one message on standard error and exit code 2."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Ctrl-C before or after the tests, where nothing else answers it: exit code 130, as shells have it."""

    exit_code = 130


class Doors(click.Group):
    """A group whose commands never show a traceback for what a user can cause, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, those that belong together side by side."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Imports a command."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command = getattr(import_module(f"pytest_aprqa.cli.{row.module}"), attribute_of(cmd_name))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command of a command line; a misspelled one gets a suggestion."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Shows the table by sections."""
        for section in dict.fromkeys(row.section for row in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, row.words) for name, row in COMMANDS.items() if row.section == section])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Runs a command; our errors and the operating system's become `Unusable`."""
        try:
            return super().invoke(ctx)
        except AprqaError as exc:
            raise Unusable(_printable(str(exc))) from exc
        except OSError as exc:
            # A reader that went away (a closed pipe) is click's to handle, quietly.
            if exc.errno == errno.EPIPE:
                raise
            raise Unusable(_printable(_told(exc))) from exc
        except KeyboardInterrupt as exc:
            raise Interrupted("interrupted") from exc


def attribute_of(name: str) -> str:
    """The function of a command in its module; ``list`` would hide the built-in.

    >>> attribute_of("export-csv"), attribute_of("list")
    ('export_csv', 'list_models')
    """
    return "list_models" if name == "list" else name.replace("-", "_")


@click.group(cls=Doors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="apr-qa")
def apr_qa() -> None:
    """Qualifies language models, and looks at playbooks, weights and evidence; the tests themselves run under pytest.

    Exit codes: 0 done and passed, 1 done and not passed, 2 wrong usage or unreadable input.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs ``apr-qa`` and exits.

    Args:
        arguments: the command line without the program's name; default the process's own.
    """
    apr_qa.main(args=None if arguments is None else list(arguments), prog_name="apr-qa")


_WAYS_OUT: Final[Mapping[int, str]] = {
    errno.EACCES: "ask for the right to it, or name another place",
    errno.EPERM: "ask for the right to it, or name another place",
    errno.EROFS: "name a place that can be written",
    errno.ENOENT: "check the name, and that its folder is there",
    errno.ENOTDIR: "a part of the path is a file; name a path whose folders are folders",
    errno.EEXIST: "a file is where a folder is needed; name another place",
    errno.EISDIR: "name a file in that folder",
    errno.ENOSPC: "free some space, or name another place",
    errno.ENAMETOOLONG: "name a shorter path",
}
"""What a user can do about an error of the operating system."""


def _told(problem: OSError) -> str:
    """What happened, where, and the way out, of an error that nobody nearer to it has put into words."""
    if problem.filename is None or problem.strerror is None:
        return str(problem)
    way_out = _WAYS_OUT.get(problem.errno or 0, "name another place")
    return f"{problem.filename}: cannot be read or written: {problem.strerror}; {way_out}"


def _printable(message: str) -> str:
    return "\n".join(visible(line) for line in message.split("\n"))
