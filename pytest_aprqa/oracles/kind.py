"""What an oracle is: a pure function of question, completion and configuration, and the keys that it understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pytest_aprqa.core import Completion, Json, Verdict
from pytest_aprqa.oracles.question import Question

Config: TypeAlias = Mapping[str, Json]
"""An oracle's parameters as the playbook gives them."""


class Oracle(Protocol):
    """Judges one completion."""

    def __call__(self, question: Question, completion: Completion, config: Config) -> Verdict:
        """Corroborated, falsified or inconclusive; raises ValueError only for a configuration that makes no sense."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One member of the family, as the table lists it."""

    oracle: Oracle
    keys: frozenset[str]
    """Configuration keys that have an effect."""
    read: Callable[[Config], object]
    """Reads the configuration, raising ValueError for a value that makes no sense."""
