"""Which number does an answer state? Tells the result from the numbers that the question and the way to it bring along.

Not counted: numbers glued to letters ("A2"), list markers, the operands of any restated expression ("15-7=8" states 8),
the question's operands told in order ("2 apples and 2 more make 4"), negated numbers ("not 5"), percentages.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from pytest_aprqa.oracles.expression import MAX_TEXT, Expression, Token, find_expressions, tokenize
from pytest_aprqa.oracles.numerals import number_of, number_word, spelled
from pytest_aprqa.oracles.text import window

_DRESS: Final = r"(?:exactly |approximately |about |just |simply |\\boxed|[\s*_`$\"'(\\{\[])*"
_BEFORE: Final = re.compile(
    rf"(?:=|≈|:|→|\b(?:is|are|equals?|equal to|gives?|makes?|yields?|get|gets|answer|result|be))\s*{_DRESS}\Z", re.I
)
_NEGATED: Final = re.compile(r"(?:\bnot|n't|\bnever|≠|!=)\s+(?:equal to |\w+ )?\Z", re.I)
_MARKER: Final = re.compile(r"^[ \t]*(\d{1,3})[.)](?=\s|\Z)", re.M)
_PRONOUN_AFTER: Final = re.compile(r"\s+(?:of|more|another|can|by|day|time)\b", re.I)


@dataclass(frozen=True, slots=True)
class Stated:
    """A number that an answer states."""

    value: Fraction
    start: int
    end: int
    """Place in the answer, in characters."""
    marked: bool
    """Announced as a result, by ``=``, ``is``, ``answer:`` and the like."""


@dataclass(frozen=True, slots=True)
class Statement:
    """All that an answer states."""

    text: str
    numbers: tuple[Stated, ...]
    decisive: Fraction | None
    """The number set equal to the question's own expression, where the answer does that."""

    def allows(self, value: Fraction) -> tuple[Fraction, ...]:
        """The numbers that may stand for the answer; the word "one" counts only where `value`, the hoped for, is 1."""
        numbers = [each for each in self.numbers if value == 1 or not self._is_word_one(each)]
        if self.decisive is not None:
            return (self.decisive,)
        different = {each.value for each in numbers}
        if len(different) < 2:
            return tuple(different)
        if _hedged(self.text, numbers):
            return ()
        marked = [each.value for each in numbers if each.marked]
        return (*marked[:1], *marked[-1:], *self._leading(numbers), *self._closing(numbers))

    def _is_word_one(self, number: Stated) -> bool:
        return self.text[number.start : number.end].lower() == "one"

    def _leading(self, numbers: Sequence[Stated]) -> tuple[Fraction, ...]:
        """The first number where the answer opens with it as a statement of its own: "4. There are ..."."""
        first = numbers[0]
        opens = not self.text[: first.start].strip(" \t\n*_`$\"'(\\{[")
        closed = re.match(r"[\s*_`$\"')}\]]*(?:[.!;\n]\s*\D|,\s*[^\W\d])", self.text[first.end :])
        return (first.value,) if opens and closed else ()

    def _closing(self, numbers: Sequence[Stated]) -> tuple[Fraction, ...]:
        """The last number where the last sentence with a number has words and no other number: "So we have 4."."""
        last = numbers[-1]
        begin = max(self.text.rfind(stop, 0, last.start) for stop in (". ", "\n", "! ", "? ", ".\n")) + 1
        rest = re.split(r"[.!?]\s|\n", self.text[last.start :], maxsplit=1)[0]
        sentence = self.text[begin : last.start] + rest
        others = {each.value for each in numbers if each.start >= begin} - {last.value}
        return (last.value,) if not others and re.search(r"[^\W\d_]{2}", sentence) else ()


def read_statement(answer: str, asked: Expression | None) -> Statement:
    """What the answer states, at most a window of it.

    >>> [int(number.value) for number in read_statement("15-7=8", None).numbers]
    [8]
    """
    text = window(answer, MAX_TEXT)
    expressions = find_expressions(text)
    operands = asked.operands if asked else ()
    taken = [_ratio(each) if _is_ratio(each, operands) else None for each in expressions]
    numbers = _numbers(text, expressions) + [each for each in taken if each]
    numbers.sort(key=lambda number: number.start)
    if operands and tuple(each.value for each in numbers[: len(operands)]) == operands:
        numbers = numbers[len(operands) :]
    return Statement(text, tuple(numbers), _decisive(text, expressions, numbers, operands))


def _numbers(text: str, expressions: Sequence[Expression]) -> list[Stated]:
    skipped = [(each.start, each.end) for each in expressions] + _markers(text)
    found, end = [], 0
    tokens = tokenize(text)
    for index, token in enumerate(tokens):
        if token.start < end or any(start <= token.start < stop for start, stop in skipped):
            continue
        value, end = _value(text, tokens, index)
        if value is not None and not _NEGATED.search(text[max(0, token.start - 30) : token.start]):
            before = text[max(0, token.start - 60) : token.start].rstrip("-−")
            found.append(Stated(value, token.start, end, bool(_BEFORE.search(before))))
    return found


def _value(text: str, tokens: Sequence[Token], index: int) -> tuple[Fraction | None, int]:
    """The number that begins at a token, and where it ends."""
    token = tokens[index]
    if token.kind == "number":
        value = number_of(token.text)
        if value is None or text[token.end : token.end + 2].lstrip().startswith("%"):
            return None, token.end
        signed = re.search(r"(?:\A|[\s=(\[:$*{])[-−]\Z", text[max(0, token.start - 2) : token.start])
        return (-value if signed else value), token.end
    if token.kind != "word":
        return None, token.end
    pair = [each.text for each in tokens[index : index + 2] if each.kind == "word"]
    both = spelled(pair)
    if both is not None:
        return Fraction(both), tokens[index + 1].end
    word = number_word(token.text)
    if word == 1 and _PRONOUN_AFTER.match(text[token.end :]):
        word = None
    return (None if word is None else Fraction(word)), token.end


def _markers(text: str) -> list[tuple[int, int]]:
    """Places of "1.", "2." ... at the starts of lines, where they count up from one."""
    places: list[tuple[int, int]] = []
    for match in _MARKER.finditer(text):
        if int(match[1]) == len(places) + 1:
            places.append(match.span())
    return places if len(places) > 1 else []


def _is_ratio(expression: Expression, asked: Sequence[Fraction]) -> bool:
    """An answer given as a fraction, "1/2", that does not restate the question."""
    return bool(re.fullmatch(r"\d+\s*/\s*\d+", expression.text)) and expression.operands != tuple(asked)


def _ratio(expression: Expression) -> Stated | None:
    if expression.value is None:
        return None
    return Stated(expression.value, expression.start, expression.end, marked=False)


def _decisive(
    text: str, expressions: Sequence[Expression], numbers: Sequence[Stated], asked: Sequence[Fraction]
) -> Fraction | None:
    values = []
    for expression in expressions:
        following = next((each for each in numbers if each.start >= expression.end), None)
        if expression.operands == tuple(asked) and following and following.marked:
            between = text[expression.end : following.start]
            if len(between) <= 30 and not re.search(r"[\n.!?;]", between):
                values.append(following.value)
    return values[0] if values else None


def _hedged(text: str, numbers: Sequence[Stated]) -> bool:
    """Two different numbers offered as alternatives: "4 or 5"."""
    return any(
        one.value != two.value
        and re.fullmatch(r"[\s*_]*,?\s*or\s*(?:maybe |perhaps )?[\s*_]*", text[one.end : two.start])
        for one, two in itertools.pairwise(numbers)
    )
