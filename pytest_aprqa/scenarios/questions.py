"""Questions of fact and instructions whose answers can be checked: capitals, and JSON objects with given keys."""

from __future__ import annotations

from itertools import permutations
from typing import Final

from pytest_aprqa.core import Json, OracleSpec, Scenario, slug
from pytest_aprqa.scenarios.domain import Domain, pick
from pytest_aprqa.scenarios.phrasings import CAPITAL_QUESTIONS, CAPITALS, JSON_KEYS, JSON_OBJECT

_OTHER_SPELLINGS: Final = {"Brasilia": ["Brasília"], "Kyiv": ["Kiev"]}


def capitals() -> Domain:
    """Every capital, asked for in every wording."""
    countries = tuple(CAPITALS)

    def at(position: int) -> Scenario:
        country, question = pick(position, len(countries), len(CAPITAL_QUESTIONS))
        prompt = CAPITAL_QUESTIONS[question].format(country=countries[country])
        capital = CAPITALS[countries[country]]
        spellings: list[Json] = [capital, *_OTHER_SPELLINGS.get(capital, [])]
        return Scenario(
            name=f"qa-{slug(prompt)}",
            turns=(prompt,),
            category="qa",
            oracles=(OracleSpec("contains", {"any": spellings}),),
            expected=capital,
        )

    return Domain("qa", len(countries) * len(CAPITAL_QUESTIONS), at)


def json_objects() -> Domain:
    """Every JSON object of two keys that may be asked for."""
    keys = tuple(permutations(JSON_KEYS, 2))

    def at(position: int) -> Scenario:
        first, second = keys[position]
        return Scenario(
            name=f"json-{first}_{second}",
            turns=(JSON_OBJECT.format(first=first, second=second),),
            category="instruction",
            oracles=(OracleSpec("json", {}),),
        )

    return Domain("json", len(keys), at)
