"""Scenarios for a model: hand-written ones that its kernels ask for, then drawn ones, as many as wanted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Final

from pytest_aprqa.bootstrap.asked import Asked
from pytest_aprqa.bootstrap.choose import choose
from pytest_aprqa.bootstrap.drawn import drawn_for
from pytest_aprqa.bootstrap.entries import entry_of, yaml_lines
from pytest_aprqa.bootstrap.model import Kind, ModelFacts
from pytest_aprqa.core import AprqaError, Modality, OracleSpec, Scenario, Tier
from pytest_aprqa.kernels import Topic
from pytest_aprqa.scenarios import DomainTooSmall, Draw, fill

_LISTED: Final = 60
"""At most so many are hand-written; the bank has fewer."""
_DRAWN_TOKENS: Final = 32
MOST: Final = 1000
"""A playbook's cell has no more."""


class Form(StrEnum):
    """How scenarios are written."""

    YAML = "yaml"
    """``scenarios:`` of a playbook."""
    JSON = "json"
    JSONL = "jsonl"


def generate(model: ModelFacts, count: int, *, seed: int, categories: Collection[str] = ()) -> tuple[Asked, ...]:
    """Distinct scenarios; equal arguments give equal ones, whatever the process.

    Args:
        model: decides the topics, the level, and questions or continuations.
        count: how many, 1 to 1000.
        seed: of what is drawn.
        categories: only these; default all.

    Raises:
        AprqaError: there are not so many.
    """
    if not 1 <= count <= MOST:
        raise AprqaError(f"expected 1 to {MOST} scenarios, found {count}")
    known = {str(topic) for topic in Topic}
    if unknown := sorted(set(categories) - known):
        raise AprqaError(f"unknown category {unknown[0][:40]!r}; expected some of {', '.join(sorted(known))}")
    every = _continued(model, count) if model.kind is Kind.BASE else _asked(model, count, seed)
    kept = [asked for asked in every if not categories or str(asked.topic) in categories]
    if len(kept) < count:
        what = f" of {', '.join(sorted(categories))}" if categories else ""
        raise AprqaError(f"{count} scenarios{what} are wanted, and there are {len(kept)} for this model")
    return tuple(_spread(kept)[:count])


def _continued(model: ModelFacts, count: int) -> list[Asked]:
    return list(choose(model, Tier.DEEP, (Modality.RUN,), max(count, _LISTED)))


def _asked(model: ModelFacts, count: int, seed: int) -> list[Asked]:
    listed = choose(model, Tier.DEEP, tuple(Modality), _LISTED)
    distinct: dict[tuple[str, ...], Asked] = {}
    for asked in (*listed, *_drawn(model, count, seed)):
        distinct.setdefault(asked.turns, asked)
    return list({asked.name: asked for asked in reversed(distinct.values())}.values())[::-1]


def _spread(asked: Sequence[Asked]) -> list[Asked]:
    """One of each topic in turn, so that the first few are of all kinds."""
    seen: Counter[Topic] = Counter()
    places = []
    for place, each in enumerate(asked):
        seen[each.topic] += 1
        places.append((seen[each.topic], place))
    return [asked[place] for _, place in sorted(places)]


def _drawn(model: ModelFacts, count: int, seed: int) -> Iterator[Asked]:
    """Enough of every generator to fill `count` alone, as far as each lasts."""
    for each in drawn_for(model, tuple(Modality)):
        for scenario in _lasting(Draw(each.name, each.generator, each.oracle), count, seed):
            if scenario.category == "arithmetic" and each.topic is not Topic.ARITHMETIC:
                continue  # a generator that is used up is followed by sums
            yield _of_scenario(scenario, each.topic)


def _lasting(draw: Draw, count: int, seed: int) -> tuple[Scenario, ...]:
    try:
        return fill((), [draw], count=count, seed=seed)
    except DomainTooSmall as problem:
        return fill((), [draw], count=problem.size, seed=seed)


def _of_scenario(scenario: Scenario, topic: Topic) -> Asked:
    oracle = scenario.oracles[0] if scenario.oracles else OracleSpec("garbage")
    limit = scenario.max_tokens or _DRAWN_TOKENS
    return Asked(topic, 0, scenario.name, scenario.turns, oracle, limit, scenario.expected, scenario.language)


def render(asked: Sequence[Asked], form: Form, *, raw: bool, command: str) -> str:
    """The scenarios as text; YAML names the command in its first line.

    Args:
        asked: the scenarios.
        form: of the text.
        raw: each says that it is sent without a chat template.
        command: what wrote them.
    """
    entries = [entry_of(each, raw=raw) for each in asked]
    match form:
        case Form.JSON:
            return json.dumps({"scenarios": entries}, indent=1, ensure_ascii=False) + "\n"
        case Form.JSONL:
            return "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)
        case Form.YAML:
            lines = [line for entry in entries for line in yaml_lines(entry)]
            return "\n".join([f"# Written by: {command}", "scenarios:", *lines]) + "\n"
