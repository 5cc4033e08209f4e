"""Arithmetic expressions in running text: a small grammar, and the rules that tell "2-2" from "2-3 sentences".

    expression = term (("+" | "-") term)*
    term       = power (("*" | "/") power)*
    power      = signed ("^" power)?
    signed     = "-" signed | atom
    atom       = number | number word | "(" expression ")" | "sum of" atom "and" atom | "add" atom "to" atom | ...

Operators may be words (plus, minus, times, divided by). Variables, functions, percentages and factorials are not
understood, and an expression that stands inside something not understood is not taken out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from pytest_aprqa.oracles.numerals import DIGITS, number_of, number_word, spelled
from pytest_aprqa.oracles.text import window

MAX_TEXT: Final = 6_000
"""Characters of a text that are searched for expressions."""
_MAX_DEPTH: Final = 10
_MAX_BITS: Final = 256
_MAX_EXPONENT: Final = 100

# Letters of scripts that separate words: a digit beside one of them is part of a name, beside 是 it is a number.
_NAME: Final = r"0-9A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u052f"
_TOKEN: Final = re.compile(
    # hexadecimal numbers, dates, versions
    r"(?P<other>\b0[xX][0-9a-fA-F]+\b|\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|(?<![\w.])\d+(?:\.\d+){2,})"
    rf"|(?P<number>(?:(?<![{_NAME}])|(?<=\d[xX]))(?<!\d\.)(?:{DIGITS})(?:(?![{_NAME}])|(?=[xX]\d)))"
    r"|(?P<operator>\*\*|\\times|\\cdot|\\div|[-+*/^×÷·−–()]|(?<=[\d) ])[xX](?=[ \d(]))"
    r"|(?P<word>(?<!\w)[^\W\d_]++(?:-[^\W\d_]++)*+(?![\d_]))"
    r"|(?P<line>\n)|(?P<mark>\S)"
)
_SYMBOLS: Final = {
    "**": "^", "\\times": "*", "\\cdot": "*", "\\div": "/", "×": "*", "÷": "/", "·": "*", "−": "-", "–": "-",
    "x": "*", "X": "*",
}  # fmt: skip
_WORDS: Final = {("plus",): "+", ("minus",): "-", ("times",): "*", ("multiplied", "by"): "*", ("divided", "by"): "/"}
_CUE: Final = re.compile(
    r"\b(?:what|calculate|compute|evaluate|solve|work out|how much|result|equals?|answer|simplify|subtract|divide)\b|=",
    re.I,
)
_AFTER_TIGHT: Final = {"equal", "equals", "is", "please", "and", "then", "in", "as", "step", "to", "with", "using"}
_BEFORE_OF: Final = {"value", "result", "answer", "sum", "outcome", "calculation", "expression"}
_RANGE: Final = {
    "from",
    "between",
    "scale",
    "range",
    "page",
    "pages",
    "chapter",
    "chapters",
    "number",
    "numbers",
    "version",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text with its place."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expression:
    """At least two numbers joined by at least one operator."""

    value: Fraction | None
    """None where it has none: division by zero, or too large."""
    operands: tuple[Fraction, ...]
    text: str
    start: int
    end: int
    """Place in the text, in characters."""
    tight: bool
    """Only ``-``, ``/`` or ``x`` without spaces: could be a range, a fraction or a size."""


class _NoMatch(Exception):
    """The tokens from here on do not begin such a thing."""


_Binary = Callable[[Fraction, Fraction], Fraction]
# word, word between the operands, what it means
_NAMED: Final[dict[tuple[str, ...], _Binary]] = {
    ("sum", "of"): lambda a, b: a + b,
    ("product", "of"): lambda a, b: a * b,
    ("difference", "between"): lambda a, b: abs(a - b),
    ("difference", "of"): lambda a, b: a - b,
    ("quotient", "of"): lambda a, b: a / b,
    ("add",): lambda a, b: a + b,
    ("adding",): lambda a, b: a + b,
    ("subtract",): lambda a, b: b - a,
    ("subtracting",): lambda a, b: b - a,
    ("multiply",): lambda a, b: a * b,
    ("multiplying",): lambda a, b: a * b,
    ("divide",): lambda a, b: a / b,
    ("dividing",): lambda a, b: a / b,
}
_JOINERS: Final = {
    "sum": ("and",), "product": ("and",), "difference": ("and",), "quotient": ("and",),
    "add": ("and", "to"), "adding": ("and", "to"), "subtract": ("from",), "subtracting": ("from",),
    "multiply": ("by", "and"), "multiplying": ("by", "and"), "divide": ("by",), "dividing": ("by",),
}  # fmt: skip


def tokenize(text: str) -> list[Token]:
    """Numbers, operators, words, line ends and other marks, in order."""
    return [Token(match.lastgroup or "mark", match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]


def find_expressions(text: str) -> list[Expression]:
    """Every expression in the text, left to right, without overlap; at most a window of the text is read.

    >>> [expression.text for expression in find_expressions("15 - 7 = 8, and the sum of 2 and 3 is five")]
    ['15 - 7', 'sum of 2 and 3']
    """
    shown = window(text, MAX_TEXT)
    return [_expression(shown, tokens, parser) for tokens, parser in _scan(tokenize(shown))]


def last_expression(prompt: str) -> Expression | None:
    """The last expression that the prompt asks for, or None where it asks for none.

    >>> last_expression("What is 2+2?").value, last_expression("Write 2-3 sentences"), last_expression("x + 2 + 3")
    (Fraction(4, 1), None, None)
    """
    shown = window(prompt, MAX_TEXT)
    found = [
        expression
        for tokens, parser in _scan(tokenize(shown))
        if _stands_alone(tokens, parser)
        and _is_asked(shown, tokens, parser, (expression := _expression(shown, tokens, parser)))
    ]
    return found[-1] if found else None


def _scan(tokens: Sequence[Token]) -> list[tuple[Sequence[Token], _Parser]]:
    found, index = [], 0
    while index < len(tokens):
        parser = _Parser(tokens, index)
        if parser.parse() and len(parser.operands) > 1:
            found.append((tokens, parser))
            index = parser.index
        else:
            index += 1
    return found


def _expression(text: str, tokens: Sequence[Token], parser: _Parser) -> Expression:
    start, end = tokens[parser.first].start, tokens[parser.index - 1].end
    own = text[start:end]
    tight = bool(re.fullmatch(r"[\d.,]+(?:[-/–xX][\d.,]+)+", own))
    return Expression(parser.value, tuple(parser.operands), own, start, end, tight)


def _stands_alone(tokens: Sequence[Token], parser: _Parser) -> bool:
    """False inside a larger formula that the grammar does not understand."""
    before = tokens[parser.first - 1] if parser.first else None
    after = tokens[parser.index] if parser.index < len(tokens) else None
    if before and (before.kind == "operator" or before.text in "%!_"):
        return False
    if before and before.kind == "word" and before.end == tokens[parser.first].start:
        return False  # a function's argument: "sqrt(16) + 9"
    if before and before.text.lower() == "of":
        owner = tokens[parser.first - 2].text.lower() if parser.first > 1 else ""
        return owner in _BEFORE_OF
    return not (after and (after.kind == "operator" or after.text in "%_"))


def _is_asked(text: str, tokens: Sequence[Token], parser: _Parser, expression: Expression) -> bool:
    """False for a statement ("2+2=4, so ...") and for what only looks like arithmetic ("5-10 words")."""
    rest = text[expression.end :].lstrip()
    if re.match(r"=\s*-?\d", rest):
        return False
    if not expression.tight:
        return True
    before = tokens[parser.first - 1].text.lower() if parser.first else ""
    after = tokens[parser.index] if parser.index < len(tokens) else None
    follows = after is None or after.kind != "word" or after.text.lower() in _AFTER_TIGHT
    alone = text.strip(" \t\r\n?=.") == expression.text
    return alone or (follows and before not in _RANGE and bool(_CUE.search(text)))


class _Parser:
    """Recursive descent from one token; `index` is the first token it did not take."""

    def __init__(self, tokens: Sequence[Token], first: int) -> None:
        self.tokens = tokens
        self.first = first
        self.index = first
        self.depth = 0
        self.operands: list[Fraction] = []
        self.value: Fraction | None = None

    def parse(self) -> bool:
        try:
            self.value = self._expression()
        except _NoMatch:
            return False
        except (ZeroDivisionError, OverflowError):
            return len(self.operands) > 1
        return True

    def _expression(self) -> Fraction:
        return self._chain(self._term, "+-")

    def _term(self) -> Fraction:
        return self._chain(self._power, "*/")

    def _chain(self, part: Callable[[], Fraction], operators: str) -> Fraction:
        value = part()
        while True:
            place, known = self.index, len(self.operands)
            operator = self._operator()
            if operator is None or operator not in operators:
                self.index = place
                return value
            try:
                right = part()
            except _NoMatch:
                self.index = place
                del self.operands[known:]
                return value
            value = _apply(operator, value, right)

    def _power(self) -> Fraction:
        value = self._signed()
        place, known = self.index, len(self.operands)
        if self._operator() != "^":
            self.index = place
            return value
        try:
            exponent = self._nested(self._power)
        except _NoMatch:
            self.index = place
            del self.operands[known:]
            return value
        return _apply("^", value, exponent)

    def _signed(self) -> Fraction:
        token = self._peek()
        if token and token.text in "-−":
            self.index += 1
            return -self._nested(self._signed)
        return self._atom()

    def _nested(self, part: Callable[[], Fraction]) -> Fraction:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _NoMatch
        value = part()
        self.depth -= 1
        return value

    def _atom(self) -> Fraction:
        token = self._peek()
        if token is None:
            raise _NoMatch
        if token.text == "(":
            self.index += 1
            value = self._nested(self._expression)
            self._take(")")
            return value
        if token.kind == "word" and (named := self._named()) is not None:
            return named
        value = self._number()
        self.operands.append(value)
        return value

    def _number(self) -> Fraction:
        token = self.tokens[self.index]
        value: Fraction | int | None = None
        if token.kind == "number":
            value = number_of(token.text)
        elif token.kind == "word":
            pair = [each.text for each in self.tokens[self.index : self.index + 2] if each.kind == "word"]
            value = spelled(pair)
            self.index += value is not None
            value = number_word(token.text) if value is None else value
        if value is None:
            raise _NoMatch
        self.index += 1
        return Fraction(value)

    def _named(self) -> Fraction | None:
        for words, meaning in _NAMED.items():
            if self._words(self.index)[: len(words)] != words:
                continue
            self.index += len(words)
            left = self._nested(self._atom)
            joiner = self._peek()
            if joiner is None or joiner.text.lower() not in _JOINERS[words[0]]:
                raise _NoMatch
            self.index += 1
            right = self._nested(self._atom)
            value = meaning(right, left) if joiner.text.lower() == "to" else meaning(left, right)
            return _bounded(value)
        return None

    def _operator(self) -> str | None:
        token = self._peek()
        if token is None:
            return None
        if token.kind == "operator":
            self.index += 1
            return _SYMBOLS.get(token.text, token.text)
        following = self._words(self.index)
        for words, operator in _WORDS.items():
            if following[: len(words)] == words:
                self.index += len(words)
                return operator
        return None

    def _words(self, index: int) -> tuple[str, ...]:
        return tuple(token.text.lower() for token in self.tokens[index : index + 2])

    def _peek(self) -> Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def _take(self, text: str) -> None:
        token = self._peek()
        if token is None or token.text != text:
            raise _NoMatch
        self.index += 1


def _apply(operator: str, left: Fraction, right: Fraction) -> Fraction:
    if operator == "^":
        if right.denominator != 1 or abs(right) > _MAX_EXPONENT:
            raise OverflowError
        return _bounded(left ** int(right))
    return _bounded(_OPERATIONS[operator](left, right))


_OPERATIONS: Final[dict[str, _Binary]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > _MAX_BITS or value.denominator.bit_length() > _MAX_BITS:
        raise OverflowError
    return value
