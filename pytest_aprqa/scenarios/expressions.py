"""Reads the two small languages of `property_tests`: generator expressions and oracle expressions.

A generator is ``name(argument: spec, ...)``. Ranges such as ``1..20`` include both ends; ``i32`` means the default
range. Oracles are a closed list of phrases. What is not known is refused with the nearest known word.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from pytest_aprqa.core import OracleSpec, Scenario
from pytest_aprqa.scenarios.domain import Generator
from pytest_aprqa.scenarios.generators import GENERATORS

LONGEST: Final = 500
"""Characters of an expression."""

UNJUDGEABLE: Final = "unjudgeable"
"""Oracle type of what nothing here can judge honestly."""


def parse_generator(expression: str) -> Generator:
    """Resolves a generator expression of a playbook.

    >>> parse_generator("arithmetic(a: 1..10, b: 1..10, op: +)").size
    100

    Raises:
        ValueError: it is not ``name(argument: spec, ...)``, or a name, argument or value is unknown.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"a generator has at most {LONGEST} characters, found {len(expression)}")
    match = re.fullmatch(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*", expression)
    if match is None:
        raise ValueError(f"expected name(argument: value, ...), found {expression!r}")
    name, inside = match[1], match[2] or ""
    if name not in GENERATORS:
        raise ValueError(f"unknown generator {name!r}; {_hint(name, tuple(GENERATORS))}")
    build, known = GENERATORS[name]
    return build(_arguments(name, inside, known))


def _arguments(name: str, inside: str, known: tuple[str, ...]) -> dict[str, str]:
    arguments: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in inside.split(","))):
        key, colon, value = (piece.strip() for piece in part.partition(":"))
        if not colon or not value:
            raise ValueError(f"{name}: expected argument: value, found {part!r}")
        if key not in known:
            raise ValueError(f"{name} has no argument {key!r}; {_hint(key, known)}")
        if key in arguments:
            raise ValueError(f"{name}: the argument {key!r} is given twice")
        arguments[key] = value
    return arguments


def _hint(word: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(word, known, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"expected one of {', '.join(known)}" if known else "it takes none"


_OWN: Final = frozenset({
    "correct",
    "correct_answer",
    "eval(a op b) == parse_int(output)",
    "output.contains(expected)",
})  # fmt: skip
"""The scenario's own oracle judges: it knows the expected answer."""

_SYNTAX: Final = frozenset({"is_valid_syntax(output, lang)", "valid_syntax", "code_syntax"})

_PLAIN: Final = {
    "is_coherent(output)": "response",
    "coherent_response": "response",
    "output.len() > 0": "garbage",
    "!is_garbage(output)": "garbage",
    "run(seed) == run(seed)": "deterministic",
    "arithmetic": "arithmetic",
    "deterministic": "deterministic",
    "garbage": "garbage",
    "json": "json",
    "response": "response",
    "survives": "survives",
}
"""Phrases that name an oracle which needs nothing else."""

_NO_JUDGE: Final = ("follows_instruction", "reasoning_correct", "code_correct", "!is_harmful")
"""Functions whose truth nothing here can decide."""


def is_judgeable(expression: str) -> bool:
    """Whether an oracle expression has an honest judge; a playbook that uses another deserves a warning.

    Raises:
        ValueError: the expression is unknown.
    """
    phrase = " ".join(expression.split())
    if phrase in _OWN or phrase in _SYNTAX or phrase in _PLAIN:
        return True
    match = re.fullmatch(r"(!?\w+)\(.*\)", phrase)
    if match is not None and match[1] in _NO_JUDGE:
        return False
    raise ValueError(f"unknown oracle {phrase[:LONGEST]!r}; {_hint(phrase[:LONGEST], _known_phrases())}")


def _known_phrases() -> tuple[str, ...]:
    return (*sorted(_OWN), *sorted(_SYNTAX), *_PLAIN, *(f"{name}(...)" for name in _NO_JUDGE))


def oracles_for(expression: str, scenario: Scenario) -> tuple[OracleSpec, ...]:
    """The oracles that judge a drawn scenario under an oracle expression.

    Raises:
        ValueError: the expression is unknown.
    """
    phrase = " ".join(expression.split())
    if not is_judgeable(phrase):
        return (_unjudgeable(phrase, "no oracle can decide this"),)
    if phrase in _OWN:
        return scenario.oracles or (_unjudgeable(phrase, "the scenario knows no expected answer"),)
    if phrase in _SYNTAX:
        if scenario.language is None:
            return (_unjudgeable(phrase, "the scenario asks for no program"),)
        return (OracleSpec("code_syntax", {"languages": [scenario.language]}),)
    if _PLAIN[phrase] == "arithmetic":
        numeric = isinstance(scenario.expected, int | float)
        return scenario.oracles if numeric else (_unjudgeable(phrase, "the scenario expects no number"),)
    return (OracleSpec(_PLAIN[phrase], {}),)


def _unjudgeable(phrase: str, reason: str) -> OracleSpec:
    return OracleSpec(UNJUDGEABLE, {"why": f"{phrase}: {reason}"})
