"""What can be drawn: a `Domain` is a finite, numbered set of scenarios, a `Mix` shares draws among domains.

Numbering is what makes drawing the same everywhere. Hypothesis itself is not: its generation mixes in constants that it
finds in whatever modules the process has imported, so two processes draw differently from one seed. `order` walks a
domain by hashes alone; `strategies` offers the same domains to hypothesis, for tests that search and shrink.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_aprqa.core import Scenario

SHUFFLED: Final = 1 << 16
"""Domains up to this size are shuffled as a whole; larger ones are sampled, which could miss the last few."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A numbered set of scenarios, each with prompts of its own."""

    name: str
    """Part of what decides the order, such as ``arithmetic(1..9+1..9)``."""
    size: int
    """How many scenarios there are, at least 1."""
    at: Callable[[int], Scenario]
    """The scenario of a position in ``range(size)``."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Domains with their weights."""

    parts: tuple[tuple[Domain, int], ...]


Generator: TypeAlias = Domain | Mix
"""What scenarios are drawn from."""


def parts_of(generator: Generator) -> tuple[tuple[Domain, int], ...]:
    """The domains of a generator with their weights."""
    return generator.parts if isinstance(generator, Mix) else ((generator, 1),)


def _hash(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def order(domain: Domain, *, seed: int) -> Iterator[Scenario]:
    """Walks a domain in an order that the seed decides, each position at most once.

    The order depends on nothing else: not on the process, its imports, its hash seed or a library's version.
    """
    if domain.size <= SHUFFLED:
        for position in sorted(range(domain.size), key=lambda each: _hash(seed, domain.name, each)):
            yield domain.at(position)
        return
    seen: set[int] = set()
    for step in range(4 * SHUFFLED):
        position = _hash(seed, domain.name, step) % domain.size
        if position not in seen:
            seen.add(position)
            yield domain.at(position)


def pick(position: int, *sizes: int) -> tuple[int, ...]:
    """Splits a position into one index for each size, the last turning fastest.

    >>> pick(5, 2, 3)
    (1, 2)
    """
    indices = []
    for size in reversed(sizes):
        position, index = divmod(position, size)
        indices.append(index)
    return tuple(reversed(indices))


def fingerprint(*texts: str) -> str:
    """Six hex digits that stand for texts in a scenario's name."""
    return f"{_hash(*texts):016x}"[:6]
