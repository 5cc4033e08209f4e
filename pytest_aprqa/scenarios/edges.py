"""Hostile texts: an engine has to survive them, no answer is right or wrong."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import OracleSpec, Scenario
from pytest_aprqa.scenarios.domain import Domain, Mix, fingerprint, pick
from pytest_aprqa.scenarios.phrasings import EDGE_ALPHABETS, EDGE_TEXTS, EDGE_WORDS, EDGE_WRAPPERS

_LENGTHS: Final = (2, 3, 5, 8, 13, 24)
"""Characters of a random text."""
_REPEATED: Final = ("a", "ha", "test ", "?", "\n", " ", "0", "🎉")
_REPEATS: Final = (50, 100, 200, 400)
_VARIANTS: Final = 1 << 20
"""Random texts of one alphabet and length."""


def _edge(name: str, text: str) -> Scenario:
    return Scenario(name=f"edge-{name}", turns=(text,), category="edge", oracles=(OracleSpec("survives", {}),))


def known_edges() -> Domain:
    """The texts of `EDGE_TEXTS`."""
    names = tuple(EDGE_TEXTS)
    return Domain("edge known", len(names), lambda position: _edge(names[position], EDGE_TEXTS[names[position]]))


def random_edges() -> Domain:
    """Texts of random characters in odd alphabets."""
    alphabets = tuple(EDGE_ALPHABETS)

    def at(position: int) -> Scenario:
        alphabet, length, variant = pick(position, len(alphabets), len(_LENGTHS), _VARIANTS)
        characters = EDGE_ALPHABETS[alphabets[alphabet]]
        digits = int(fingerprint(alphabets[alphabet], str(variant)), 16) * _VARIANTS + variant
        text = ""
        for _ in range(_LENGTHS[length]):
            digits, index = divmod(digits * 31 + 7, len(characters))
            text += characters[index]
        return _edge(f"{alphabets[alphabet]}-{fingerprint(text)}", text)

    return Domain("edge random", len(alphabets) * len(_LENGTHS) * _VARIANTS, at)


def wrapped_edges() -> Domain:
    """Texts that mean something to a program along the way."""

    def at(position: int) -> Scenario:
        wrapper, word = pick(position, len(EDGE_WRAPPERS), len(EDGE_WORDS))
        text = EDGE_WRAPPERS[wrapper].format(word=EDGE_WORDS[word])
        return _edge(f"wrapped-{fingerprint(text)}", text)

    return Domain("edge wrapped", len(EDGE_WRAPPERS) * len(EDGE_WORDS), at)


def repeated_edges() -> Domain:
    """One text again and again."""

    def at(position: int) -> Scenario:
        unit, times = pick(position, len(_REPEATED), len(_REPEATS))
        text = _REPEATED[unit] * _REPEATS[times]
        return _edge(f"repeated-{_REPEATS[times]}-{fingerprint(text)}", text)

    return Domain("edge repeated", len(_REPEATED) * len(_REPEATS), at)


def edges() -> Mix:
    """All hostile texts, half of them from the known list."""
    return Mix(((known_edges(), 3), (random_edges(), 1), (wrapped_edges(), 1), (repeated_edges(), 1)))
