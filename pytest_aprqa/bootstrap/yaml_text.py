"""Values as YAML text, on one line: plain where that is safe and means the same, else in double quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_aprqa.core import Json

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_SINGLE: Final = re.compile(r"[ -&(-\[\]-~]*")
"""ASCII without apostrophe and backslash."""
_NOTES: Final = 38
"""Column of comments behind values."""
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"})
"""What some reader of YAML takes for something else than a text."""
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def scalar(value: bool | float | str | None) -> str:
    """One value.

    >>> scalar("Qwen/Qwen3-0.6B"), scalar("1.5b"), scalar("on"), scalar(None)
    ('Qwen/Qwen3-0.6B', '"1.5b"', '"on"', 'null')
    """
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else quoted(value)
    return json.dumps(value, allow_nan=False)


def quoted(text: str) -> str:
    r"""A text in quotes; what YAML forbids is escaped, and no placeholder of a playbook is left in it.

    >>> print(quoted("it's ${HOME}\n"), quoted('a "b"'))
    "it's $${HOME}\n" 'a "b"'
    """
    if '"' in text and "${" not in text and _SINGLE.fullmatch(text):
        return f"'{text}'"
    written = json.dumps(text.replace("${", "$${"), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def flow(value: Json) -> str:
    """Any value on one line.

    >>> flow({"any": ["Paris"], "tolerance": 0.01})
    '{ any: [Paris], tolerance: 0.01 }'
    """
    if isinstance(value, Mapping):
        inside = ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(flow(item) for item in value)}]"
    return scalar(value)


def words(values: Sequence[str]) -> str:
    """A list of plain words on one line.

    >>> words(["run", "chat"])
    '[run, chat]'
    """
    return f"[{', '.join(scalar(str(value)) for value in values)}]"


def noted(line: str, note: str) -> str:
    """A line with a comment behind it.

    >>> noted("  seed: 42", "of every draw")
    '  seed: 42                            # of every draw'
    """
    return f"{line:<{_NOTES}}# {note}"
