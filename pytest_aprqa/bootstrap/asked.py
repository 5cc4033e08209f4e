"""One scenario as a playbook lists it, and short ways to write the usual kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_aprqa.core import Json, OracleSpec
from pytest_aprqa.kernels import Topic


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said, and what the answer must be."""

    topic: Topic
    level: int
    """0-2: from which size on even the original is to answer it; see `Size.level`."""
    name: str
    turns: tuple[str, ...]
    oracle: OracleSpec
    max_tokens: int
    expected: Json = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Bank:
    """Scenarios in the order of preference within each topic."""

    asked: tuple[Asked, ...]
    topics: tuple[Topic, ...] = field(default=())
    """Those that every playbook asks about."""


def number(topic: Topic, level: int, name: str, prompt: str, value: float, *, max_tokens: int = 32) -> Asked:
    """A question whose answer is a number."""
    return Asked(topic, level, name, (prompt,), OracleSpec("arithmetic"), max_tokens, expected=value)


def word(topic: Topic, level: int, name: str, prompt: str | Sequence[str], *words: str, max_tokens: int = 32) -> Asked:
    """A question, or a conversation, whose answer holds one of some words."""
    turns = (prompt,) if isinstance(prompt, str) else tuple(prompt)
    return Asked(topic, level, name, turns, OracleSpec("contains", {"any": list(words)}), max_tokens)


def pattern(topic: Topic, level: int, name: str, prompt: str, regex: str, *, max_tokens: int = 64) -> Asked:
    """A question whose answer has a shape."""
    return Asked(topic, level, name, (prompt,), OracleSpec("regex", {"pattern": regex}), max_tokens)


def program(level: int, name: str, prompt: str, language: str, *, max_tokens: int = 192) -> Asked:
    """A request for a program."""
    return Asked(Topic.CODE, level, name, (prompt,), OracleSpec("code_syntax"), max_tokens, language=language)


def json_value(level: int, name: str, prompt: str, *keys: str, expected: Json = None) -> Asked:
    """A request for JSON."""
    oracle = OracleSpec("json", {"keys": list(keys)} if keys else {})
    return Asked(Topic.JSON, level, name, (prompt,), oracle, 96, expected=expected)
