"""Fills a playbook up to its `scenario_count`, and the digest that says which scenarios were asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from pytest_aprqa.core import Scenario
from pytest_aprqa.scenarios.domain import Domain, fingerprint, parts_of
from pytest_aprqa.scenarios.draw import DomainTooSmall, check_count, share_out
from pytest_aprqa.scenarios.expressions import oracles_for, parse_generator
from pytest_aprqa.scenarios.generators import default_mix
from pytest_aprqa.scenarios.sums import arithmetic


@dataclass(frozen=True, slots=True)
class Draw:
    """One entry of a playbook's `property_tests`."""

    name: str
    """As the playbook gives it; for messages."""
    generator: str
    """Generator expression, such as ``arithmetic(a: 1..20, b: 1..20, op: +)``."""
    oracle: str = "correct"
    """Oracle expression, such as ``is_valid_syntax(output, lang)``."""
    count: int = 100
    """Its share of what is drawn, against the other entries'."""


@dataclass(frozen=True, slots=True)
class _Part:
    domain: Domain
    weight: int
    oracle: str


def fill(listed: Sequence[Scenario], draws: Sequence[Draw], *, count: int, seed: int) -> tuple[Scenario, ...]:
    """Puts all listed scenarios first and draws others until there are `count`, each with prompts of its own.

    Without draws, sums, code and recall dialogues fill up 3:1:1. A generator that has too few prompts leaves its share
    to the following ones, and in the end to sums.

    Raises:
        ValueError: a generator or oracle is unknown (the message names the draw), or `count` is out of bounds.
        DomainTooSmall: even sums are used up.
    """
    check_count(count)
    parts = [*_parts(draws), _Part(arithmetic(), 0, "correct")]
    wanted = max(0, count - len(listed))
    names = {scenario.name for scenario in listed}
    result = list(listed)
    weighted = [(part.domain, part.weight) for part in parts]
    taken = {scenario.turns for scenario in listed}
    for index, scenario in share_out(weighted, seed=seed, count=wanted, taken=taken):
        judged = replace(scenario, oracles=oracles_for(parts[index].oracle, scenario))
        result.append(_renamed(judged, names))
        names.add(result[-1].name)
    if len(result) < count:
        raise DomainTooSmall("all generators together", size=len(result) - len(listed), wanted=wanted)
    return tuple(result)


def _parts(draws: Sequence[Draw]) -> list[_Part]:
    parts = []
    for entry in draws:
        try:
            oracles_for(entry.oracle, Scenario("x", ("",), "prompt"))
            for domain, weight in parts_of(parse_generator(entry.generator)):
                parts.append(_Part(domain, weight * max(0, entry.count), entry.oracle))
        except ValueError as problem:
            raise ValueError(f"property test {entry.name!r}: {problem}") from problem
    if not any(part.weight for part in parts):
        parts = [_Part(domain, weight, "correct") for domain, weight in default_mix().parts]
    return parts


def _renamed(scenario: Scenario, names: set[str]) -> Scenario:
    if scenario.name not in names:
        return scenario
    return replace(scenario, name=f"{scenario.name}-{fingerprint(*scenario.turns)}")


def digest(scenarios: Sequence[Scenario]) -> str:
    """SHA-256 (64 hex digits) over what is asked and how it is judged; the line in the playbook does not count.

    >>> digest([]) == digest(())
    True
    """
    values = []
    for scenario in scenarios:
        value = asdict(scenario)
        del value["line"]
        values.append(value)
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
