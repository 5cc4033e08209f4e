"""A scenario as an entry of a playbook's ``scenarios``: plain JSON, and lines of YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_aprqa.bootstrap.asked import Asked
from pytest_aprqa.bootstrap.yaml_text import flow, scalar
from pytest_aprqa.core import Json

_WORDS: Final = ("name", "category", "language", "prompting")
"""Keys whose value is a word and needs no quotes."""


def entry_of(asked: Asked, *, limited: bool = True, raw: bool = False) -> dict[str, Json]:
    """The entry of a scenario.

    Args:
        asked: the scenario.
        limited: it has a limit of tokens of its own.
        raw: it says itself that it is to be sent without a chat template.
    """
    said: dict[str, Json] = {"prompt": asked.turns[0]} if len(asked.turns) == 1 else {"turns": list(asked.turns)}
    config = dict(asked.oracle.config)
    oracle: Json = {"type": asked.oracle.type, "config": config} if config else asked.oracle.type
    optional: dict[str, Json] = {
        "prompting": "raw" if raw else None,
        "expected": asked.expected,
        "language": asked.language,
        "max_tokens": asked.max_tokens if limited else None,
    }
    given = {key: value for key, value in optional.items() if value is not None}
    return {"name": asked.name, **said, "category": str(asked.topic), "oracle": oracle, **given}


def yaml_lines(entry: Mapping[str, Json]) -> list[str]:
    """The entry as an item of a list, indented by two.

    >>> yaml_lines({"name": "sum", "prompt": "2+2=", "expected": 4})
    ['  - name: sum', '    prompt: "2+2="', '    expected: 4']
    """
    lines = []
    for place, (key, value) in enumerate(entry.items()):
        plain = key in _WORDS or (key == "oracle" and isinstance(value, str))
        text = scalar(value) if plain and isinstance(value, str) else flow(value)
        lines.append(f"{'    ' if place else '  - '}{key}: {text}")
    return lines
