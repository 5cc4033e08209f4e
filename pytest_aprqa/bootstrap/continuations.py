"""What base models are given to continue: the same topics as for instruct models, as texts that want one next word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_aprqa.bootstrap.asked import Asked, Bank, number, pattern, word
from pytest_aprqa.core import OracleSpec
from pytest_aprqa.kernels import EVERY, Topic
from pytest_aprqa.scenarios import draw

_A, _C, _F, _R, _L, _P = (
    Topic.ARITHMETIC,
    Topic.CARRY,
    Topic.FACTS,
    Topic.RECALL,
    Topic.LANGUAGES,
    Topic.POSITION,
)
_SHORT: Final = 8
"""Tokens: the next word is what counts, and a base model never stops by itself."""

_SUMS: Final = "1 + 1 = 2\n2 + 3 = 5\n{a} {op} {b} ="
_CAPITALS: Final = "The capital of {country} is the city of"


def _sum(topic: Topic, level: int, name: str, a: int, op: str, b: int, value: int) -> Asked:
    return number(topic, level, name, _SUMS.format(a=a, op=op, b=b), value, max_tokens=_SHORT)


def _opening(level: int, name: str, text: str, language: str) -> Asked:
    oracle = OracleSpec("code_syntax", {"languages": [language]})
    return Asked(Topic.CODE, level, name, (text,), oracle, 64, language=language)


def _capital(level: int, country: str, *capital: str) -> Asked:
    name = f"capital_of_{country.lower()}"
    return word(_F, level, name, _CAPITALS.format(country=country), *capital, max_tokens=_SHORT)


_ASKED: Final = (
    _sum(_A, 0, "two_plus_two", 2, "+", 2, 4),
    _sum(_A, 0, "four_plus_three", 4, "+", 3, 7),
    _sum(_A, 1, "fifteen_minus_seven", 15, "-", 7, 8),
    _sum(_A, 1, "twelve_plus_five", 12, "+", 5, 17),
    _sum(_C, 0, "nine_plus_one", 9, "+", 1, 10),
    _sum(_C, 1, "ninety_nine_plus_one", 99, "+", 1, 100),
    _sum(_C, 2, "long_carry", 999, "+", 1, 1000),
    _capital(0, "France", "Paris"),
    _capital(0, "Japan", "Tokyo"),
    _capital(1, "Italy", "Rome"),
    _capital(1, "Germany", "Berlin"),
    _capital(2, "Egypt", "Cairo"),
    _opening(0, "python_add", "def add(a, b):\n    return", "python"),
    _opening(0, "python_square", "def square(x):\n", "python"),
    _opening(1, "javascript_add", "function add(a, b) {\n", "javascript"),
    _opening(1, "c_maximum", "int maximum(int a, int b) {\n", "c"),
    _opening(1, "rust_add", "fn add(a: i32, b: i32) -> i32 {\n", "rust"),
    _opening(2, "go_add", "func add(a int, b int) int {\n", "go"),
    word(
        _R,
        0,
        "name_in_text",
        "Her name is Alice. She lives in a small house by the sea. Everybody there knows her name, which is",
        "Alice",
        max_tokens=_SHORT,
    ),
    word(
        _R,
        1,
        "constant_in_code",
        'SECRET = "marble"\nOTHER = "copper"\n\n# The value of SECRET is "',
        "marble",
        max_tokens=_SHORT,
    ),
    word(
        _R,
        1,
        "ball_in_text",
        "Anna has a red ball. Tom has a blue ball. The color of Anna's ball is",
        "red",
        max_tokens=_SHORT,
    ),
    pattern(
        Topic.JSON,
        0,
        "json_object",
        '{"name": "Alice", "age": 30}\n{"name": "Bruno", "age": 25}\n{"name":',
        r'^\s*"[^"\n]+"',
        max_tokens=16,
    ),
    pattern(Topic.JSON, 0, "json_array", "[1, 2, 3, 4, 5,", r"^\s*6\b", max_tokens=16),
    word(_L, 0, "french_capital", "La capitale de la France est la ville de", "Paris", max_tokens=_SHORT),
    word(_L, 0, "spanish_capital", "La capital de España es la ciudad de", "Madrid", max_tokens=_SHORT),
    word(_L, 1, "german_capital", "Die Hauptstadt von Deutschland ist", "Berlin", max_tokens=_SHORT),
    word(_L, 2, "chinese_capital", "中国的首都是", "北京", max_tokens=_SHORT),
    pattern(_P, 0, "counting", "1, 2, 3, 4, 5, 6, 7,", r"^\s*8\D+9\b", max_tokens=16),
    pattern(_P, 0, "alphabet", "a b c d e f g", r"^\s*h\b", max_tokens=16),
    pattern(_P, 1, "counting_down", "10, 9, 8, 7, 6, 5,", r"^\s*4\D+3\b", max_tokens=16),
)

CONTINUATIONS: Final = Bank(_ASKED, topics=EVERY)
"""For models that continue texts."""


_DRAWN: Final = re.compile(r"arithmetic-(\d+)_(plus|minus)_(\d+)")
_SIGNS: Final = {"plus": "+", "minus": "-"}


def more_sums(count: int, *, seed: int) -> Iterator[Asked]:
    """Sums to be continued, drawn; a playbook's own draws are questions, which a base model does not answer."""
    for scenario in draw("arithmetic(a: 10..40, b: 1..9, op: +|-)", seed=seed, count=count):
        match = _DRAWN.fullmatch(scenario.name)
        if match is not None and isinstance(scenario.expected, int):
            a, word_, b = int(match[1]), match[2], int(match[3])
            yield _sum(_A, 0, f"{a}_{word_}_{b}", a, _SIGNS[word_], b, scenario.expected)
