"""The command that shows a failure again: pytest with the node's id and the options of the run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_aprqa.evidence import Evidence, Record, WeightsInfo
from pytest_aprqa.tickets.quoting import shell_line

_LEFT_OUT: Final = frozenset(
    {"--aprqa-output", "--aprqa-resume", "--aprqa-junit", "--aprqa-report", "--aprqa-failure-policy"}
)
"""Options of the run that say where it wrote, or what it took from elsewhere, or when it stopped."""
FLAGS: Final = frozenset(
    {
        "--aprqa-download",
        "--aprqa-profile-ci",
        "--aprqa-no-gpu",
        "--aprqa-allow-missing",
        "--aprqa-junit",
        "--aprqa-strict",
        "--aprqa-allow-commands",
        "--aprqa-trust-remote-code",
    }
)
"""Options without a value."""
_NODES: Final = 3
"""Cases that one command runs."""
_OPTIONS: Final = 60
_WORD_CHARS: Final = 1000
"""Of one word; hostile evidence has words of megabytes."""


def reproduction(evidence: Evidence, failed: Sequence[Record]) -> str:
    """The command for the first failures; empty where the evidence names no playbook, or no case that can be typed."""
    path = evidence.playbook.path
    if not path or len(path) > _WORD_CHARS:
        return ""
    named = f"./{path}" if path.startswith("-") else path
    items = [record.item for record in failed if len(record.case_id) <= _WORD_CHARS]
    nodes = dict.fromkeys(f"{named}::{item}" if item else named for item in items)
    options = [word for word in options_of(evidence.run.command) if len(word) <= _WORD_CHARS]
    return shell_line(["pytest", *list(nodes)[:_NODES], *options[:_OPTIONS]]) if nodes else ""


def options_of(command: Sequence[str]) -> list[str]:
    """The options of a run that bear on its verdicts, as they were given.

    >>> options_of(["pytest", "x.yaml", "-k", "chat", "--aprqa-no-gpu", "--aprqa-model-cache", "m", "--aprqa-output=o"])
    ['--aprqa-no-gpu', '--aprqa-model-cache', 'm']
    """
    kept: list[str] = []
    words = iter(command)
    for word in words:
        name, equals, _ = word.partition("=")
        if not name.startswith("--aprqa-"):
            continue
        own = [word]
        if not equals and name not in FLAGS:
            own += [value] if (value := next(words, None)) is not None else []
        if name not in _LEFT_OUT:
            kept += own
    return kept


def artefact_path(weights: WeightsInfo) -> str:
    """The converted file of a target: its path, or its folder where there are several."""
    files = [name for name in weights.digests if name.endswith((".gguf", ".apr"))]
    return f"{weights.folder}/{files[0]}" if len(files) == 1 else weights.folder
