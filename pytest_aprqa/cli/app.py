"""The group of commands, and the one place where errors become a message and an exit code."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

import click

from pytest_aprqa import __version__
from pytest_aprqa.cli.contract import validate_contract
from pytest_aprqa.cli.convert import convert
from pytest_aprqa.cli.diagnose import diagnose_conversion
from pytest_aprqa.cli.fetch import fetch
from pytest_aprqa.cli.inspect import inspect
from pytest_aprqa.cli.parity import parity
from pytest_aprqa.cli.score import score
from pytest_aprqa.cli.validate import validate
from pytest_aprqa.core import AprqaError


class Unusable(click.ClickException):
    """Input that cannot be used: one message on standard error and exit code 2."""

    exit_code = 2


class Doors(click.Group):
    """A group whose commands never show a traceback for what a user can cause."""

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
            raise Unusable(_printable(str(exc))) from exc


@click.group(cls=Doors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="apr-qa")
def apr_qa() -> None:
    """Looks at playbooks, weights and evidence; the tests themselves run under pytest.

    Exit codes: 0 done and passed, 1 done and not passed, 2 wrong usage or unreadable input.
    """


apr_qa.add_command(convert)
apr_qa.add_command(diagnose_conversion)
apr_qa.add_command(fetch)
apr_qa.add_command(inspect)
apr_qa.add_command(parity)
apr_qa.add_command(score)
apr_qa.add_command(validate)
apr_qa.add_command(validate_contract)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs ``apr-qa`` and exits.

    Args:
        arguments: the command line without the program's name; default the process's own.
    """
    apr_qa.main(args=None if arguments is None else list(arguments), prog_name="apr-qa")


def _printable(message: str) -> str:
    from pytest_aprqa.reports import visible

    return "\n".join(visible(line) for line in message.split("\n"))
