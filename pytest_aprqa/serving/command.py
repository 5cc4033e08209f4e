"""A server that the user's own command line starts: split and filled in, never given to a shell."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence

from pytest_aprqa.core import EngineRefused, Format, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving.launch import Launch, computing_environment
from pytest_aprqa.serving.ports import LOOPBACK
from pytest_aprqa.serving.server import ServeWish

KIND = "command"
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
_NAMES = ("model", "port", "host", "threads")


def words_of(command: str) -> tuple[str, ...]:
    """The words of a command line, its placeholders not yet filled in.

    Raises:
        EngineRefused: it is empty, a quotation mark is missing, or it names an unknown placeholder.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as exc:
        raise EngineRefused(f"the server's command line makes no sense: {exc}: {command!r}") from exc
    if not words:
        raise EngineRefused("the server's command line is empty; give the command, or leave it out")
    if unknown := sorted({name for name in _placeholders(words) if name not in _NAMES}):
        raise EngineRefused(
            f"the server's command line has unknown placeholders: {', '.join(f'{{{name}}}' for name in unknown)}; "
            f"known are {', '.join(f'{{{name}}}' for name in _NAMES)}, and {{{{word}}}} is {{word}} as it stands"
        )
    return words


def check_command(command: str, *, with_url: bool) -> None:
    """Whether a command line could start a server at all.

    Raises:
        EngineRefused: it makes no sense, or says neither the port nor, `with_url`, where the server listens.
    """
    if "port" not in _placeholders(words_of(command)) and not with_url:
        raise EngineRefused(
            "the server's command line does not say {port}; put it where the port belongs, or give the url where the "
            "server listens"
        )


def filled(words: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The words with their placeholders filled in; a value is never split nor filled in again.

    >>> filled(
    ...     ("serve", "{model}", "--at={host}:{port}", '{"a": {"b": 1}}', "{{x}}"),
    ...     {"model": "a {port}", "host": "::1", "port": "80"},
    ... )
    ('serve', 'a {port}', '--at=::1:80', '{"a": {"b": 1}}', '{x}')
    """
    return tuple(
        _PLACEHOLDER.sub(lambda match: f"{{{match[1]}}}" if match[1] else values[match[2]], word) for word in words
    )


def command_launch(target: Target, weights: Weights, limits: Limits, wish: ServeWish) -> Launch:
    """How the user's server is started.

    Raises:
        EngineRefused: the command line makes no sense, or names no program of this machine.
    """
    words = words_of(wish.command or "")
    model = str((weights.files[0] if target.format is Format.GGUF and weights.files else weights.folder).resolve())
    check_command(wish.command or "", with_url=wish.url is not None)
    values = {"model": model, "host": LOOPBACK, "threads": str(limits.threads)}
    program = filled(words[:1], {**values, "port": "0"})[0]
    if shutil.which(program) is None:
        raise EngineRefused(f"the server's command line names no program that could be run: {program!r}")
    return Launch(
        kind=KIND,
        command=lambda port: filled(words, {**values, "port": str(port)}),
        environment=computing_environment(target.backend, limits.threads),
        versions={},
        model=model,
        python_path=os.environ.get("PYTHONPATH", ""),  # not ours: it may be another Python's program
        url=wish.url,
        only_ours=False,
    )


def _placeholders(words: Sequence[str]) -> set[str]:
    return {match[2] for word in words for match in _PLACEHOLDER.finditer(word) if match[2]}
