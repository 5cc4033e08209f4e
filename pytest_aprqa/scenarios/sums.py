"""Arithmetic: sums with their exact value, and word problems that come to one.

Operands below zero stand in parentheses. Division is drawn only where it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import OracleSpec, Scenario
from pytest_aprqa.scenarios.domain import Domain, fingerprint, pick
from pytest_aprqa.scenarios.phrasings import ARITHMETIC, OPERATOR_WORDS

TOLERANCE: Final = 0.01
"""Of the published playbooks' arithmetic oracle."""
LARGEST: Final = 1_000_000
"""Bound of operands, in both directions."""
LISTED: Final = 1 << 20
"""Largest number of pairs among which exact divisions are looked for."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"the range {self} is empty; write the smaller number first")
        if max(abs(self.low), abs(self.high)) > LARGEST:
            raise ValueError(f"the range {self} goes beyond ±{LARGEST}")

    def __len__(self) -> int:
        return self.high - self.low + 1

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


DEFAULT_SPAN: Final = Span(1, 99)
"""Operands of ``arithmetic()`` without arguments, and of ``a: i32``."""

_DIVISION: Final = "/"


def arithmetic(a: Span = DEFAULT_SPAN, b: Span = DEFAULT_SPAN, operators: str = "+-*") -> Domain:
    """Every sum ``a op b`` with operands of the two ranges.

    >>> arithmetic(Span(1, 10), Span(1, 10), "+").size
    100
    """
    unknown = set(operators) - set(OPERATOR_WORDS)
    if unknown or not operators:
        raise ValueError(f"operators {operators!r}: expected some of {' '.join(OPERATOR_WORDS)}")
    free = "".join(dict.fromkeys(operators.replace(_DIVISION, "")))
    divisions = _exact_divisions(a, b) if _DIVISION in operators else ()
    pairs = len(a) * len(b)

    def at(position: int) -> Scenario:
        if position >= len(free) * pairs:
            dividend, divisor = divisions[position - len(free) * pairs]
            return sum_scenario(dividend, _DIVISION, divisor)
        operator, left, right = pick(position, len(free), len(a), len(b))
        return sum_scenario(a.low + left, free[operator], b.low + right)

    size = len(free) * pairs + len(divisions)
    if not size:
        raise ValueError(f"no exact division has a dividend in {a} and a divisor in {b}")
    return Domain(f"arithmetic({a} {operators} {b})", size, at)


def _exact_divisions(a: Span, b: Span) -> tuple[tuple[int, int], ...]:
    if len(a) * len(b) > LISTED:
        raise ValueError(f"{a} / {b} are {len(a) * len(b)} pairs, more than {LISTED}; use smaller ranges for division")
    return tuple(
        (dividend, divisor)
        for dividend in range(a.low, a.high + 1)
        for divisor in range(b.low, b.high + 1)
        if divisor and dividend % divisor == 0
    )


def value_of(a: int, operator: str, b: int) -> int:
    """The exact value; division must come out even.

    >>> value_of(84, "/", 12)
    7
    """
    values = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}
    return values[operator]


def sum_scenario(a: int, operator: str, b: int) -> Scenario:
    """One sum, in a wording that its numbers decide.

    >>> sum_scenario(17, "+", 4).name, sum_scenario(17, "+", 4).expected
    ('arithmetic-17_plus_4', 21)
    """
    word = OPERATOR_WORDS[operator]
    name = f"{a}_{word.replace(' ', '_')}_{b}"
    phrasing = ARITHMETIC[int(fingerprint(name), 16) % len(ARITHMETIC)]
    right = f"({b})" if b < 0 else str(b)
    return Scenario(
        name=f"arithmetic-{name}",
        turns=(phrasing.format(a=a, b=right, op=operator, word=word),),
        category="arithmetic",
        oracles=(OracleSpec("arithmetic", {"tolerance": TOLERANCE}),),
        expected=value_of(a, operator, b),
    )


_PROBLEMS: Final = (
    ("+", "Tom has {a} apples and buys {b} more. How many apples does Tom have now?"),
    ("+", "There are {a} red and {b} blue balls in a box. How many balls are in the box?"),
    ("*", "A box holds {a} eggs. How many eggs are in {b} boxes?"),
    ("*", "Anna reads {a} pages a day. How many pages does she read in {b} days?"),
)


def word_problems() -> Domain:
    """Small word problems, each with one number as its answer."""
    operands = Span(2, 20)

    def at(position: int) -> Scenario:
        problem, left, right = pick(position, len(_PROBLEMS), len(operands), len(operands))
        operator, wording = _PROBLEMS[problem]
        a, b = operands.low + left, operands.low + right
        prompt = wording.format(a=a, b=b)
        return Scenario(
            name=f"reasoning-{a}_{OPERATOR_WORDS[operator]}_{b}-{fingerprint(wording)}",
            turns=(prompt,),
            category="reasoning",
            oracles=(OracleSpec("arithmetic", {"tolerance": TOLERANCE}),),
            expected=value_of(a, operator, b),
        )

    return Domain("reasoning", len(_PROBLEMS) * len(operands) ** 2, at)
