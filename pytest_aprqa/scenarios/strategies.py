"""The same domains as hypothesis strategies, for tests that search for a failing prompt and shrink it.

Playbooks are filled by `draw`, not through hypothesis: see `domain`. Hypothesis is imported when a strategy is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aprqa.core import Scenario
from pytest_aprqa.scenarios.domain import Generator, parts_of
from pytest_aprqa.scenarios.expressions import parse_generator

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def strategy(generator: Generator | str) -> SearchStrategy[Scenario]:
    """A strategy over the scenarios of a generator or generator expression; it shrinks toward the first ones.

    Raises:
        ValueError: the expression is unknown.
    """
    from hypothesis import strategies

    source = parse_generator(generator) if isinstance(generator, str) else generator
    return strategies.one_of([strategies.integers(0, domain.size - 1).map(domain.at) for domain, _ in parts_of(source)])
