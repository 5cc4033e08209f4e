"""Draws distinct scenarios: the same ones in every process, from a seed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from pytest_aprqa.core import AprqaError, Scenario
from pytest_aprqa.scenarios.domain import Domain, Generator, order, parts_of
from pytest_aprqa.scenarios.edges import known_edges, random_edges
from pytest_aprqa.scenarios.expressions import parse_generator

MOST: Final = 20_000
"""Scenarios that may be asked for at once; published playbooks stop at 1,800."""


class DomainTooSmall(AprqaError):
    """More distinct scenarios are wanted than a generator has.

    Args:
        name: the generator's domain.
        size: how many distinct scenarios it has.
        wanted: how many were asked for.
    """

    def __init__(self, name: str, *, size: int, wanted: int) -> None:
        self.size = size
        self.wanted = wanted
        super().__init__(f"{name} has {size} different prompts, {wanted} are wanted; ask for fewer or widen its ranges")


def draw(generator: Generator | str, *, seed: int, count: int) -> tuple[Scenario, ...]:
    """Draws `count` scenarios with distinct prompts; asking for more keeps those drawn before from a single domain.

    >>> [scenario.name for scenario in draw("arithmetic(a: 2..2, b: 2..3, op: +)", seed=1, count=2)]
    ['arithmetic-2_plus_2', 'arithmetic-2_plus_3']

    Raises:
        DomainTooSmall: there are fewer than `count` distinct prompts.
        ValueError: the expression is unknown, or `count` is out of bounds.
    """
    check_count(count)
    source = parse_generator(generator) if isinstance(generator, str) else generator
    parts = parts_of(source)
    drawn = [scenario for _, scenario in share_out(parts, seed=seed, count=count, taken=())]
    if len(drawn) < count:
        names = " + ".join(domain.name for domain, _ in parts)
        raise DomainTooSmall(names, size=len(drawn), wanted=count)
    return tuple(drawn)


def check_count(count: int) -> None:
    """Refuses counts that are negative or absurdly large."""
    if not 0 <= count <= MOST:
        raise ValueError(f"count: expected 0 to {MOST}, found {count}")


def share_out(
    parts: Sequence[tuple[Domain, int]], *, seed: int, count: int, taken: Collection[tuple[str, ...]]
) -> Iterator[tuple[int, Scenario]]:
    """Draws from several domains in proportion to their weights, and yields each scenario with its domain's index.

    What a domain cannot give the next ones give. No prompt comes twice, and none that is `taken`.
    """
    seen = set(taken)
    walks = [order(domain, seed=seed) for domain, _ in parts]
    missing = 0
    for index, share in enumerate(shares([weight for _, weight in parts], count)):
        got = list(_fresh(walks[index], share + missing, seen))
        missing = share + missing - len(got)
        yield from ((index, scenario) for scenario in got)
    for index, walk in enumerate(walks):
        got = list(_fresh(walk, missing, seen))
        missing -= len(got)
        yield from ((index, scenario) for scenario in got)


def _fresh(walk: Iterator[Scenario], count: int, seen: set[tuple[str, ...]]) -> Iterator[Scenario]:
    while count > 0:
        scenario = next(walk, None)
        if scenario is None:
            return
        if scenario.turns not in seen:
            seen.add(scenario.turns)
            count -= 1
            yield scenario


def shares(weights: Sequence[int], count: int) -> list[int]:
    """Splits a count in proportion to weights, the largest remainders rounded up.

    >>> shares([3, 1, 1], 4)
    [2, 1, 1]
    """
    total = sum(weights)
    exact = [count * weight for weight in weights]
    floors = [each // total for each in exact] if total else [0 for _ in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(exact[index] % total if total else 0), index))
    for index in by_remainder[: count - sum(floors)]:
        floors[index] += 1
    return floors


def edge_probes(seed: int, count: int) -> tuple[Scenario, ...]:
    """Hostile texts for the edge gate: the known ones in an order that the seed decides, then random ones."""
    check_count(count)
    known = draw(known_edges(), seed=seed, count=min(count, known_edges().size))
    return known + draw(random_edges(), seed=seed, count=count - len(known))
