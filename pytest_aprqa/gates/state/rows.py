"""The rows of token ids that an engine is asked again and again, cut to what its context takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_aprqa.gates.measured import Unjudgeable, once
from pytest_aprqa.gates.state.work import Work
from pytest_aprqa.parity import PARITY_TEXT

PROMPTS: Final = (
    "What is 2+2?",
    "The capital of France is",
    "def add(a, b):\n    return",
    "Once upon a time there was a ferry that left the harbor at five every morning, and",
)
"""What is asked, of several lengths."""

SEVERAL: Final = "\n".join(PROMPTS)

LONGEST: Final = 256
"""Tokens of a long row: beyond one block of every kernel, and still cheap."""
ANSWER_TOKENS: Final = 12
"""Tokens of each answer: room for a state to go astray."""
_STEPS: Final = 16
"""Tokens that are computed one by one; each costs a pass over all weights."""
_LENGTHS: Final = (2, 7, 33, 120, 255)
"""Tokens of the rows of a batch: one that is nearly all padding, and odd ones beyond the powers of two."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A row whose end is computed token by token."""

    row: tuple[int, ...]
    given: int
    """How many tokens are there at once."""


def walks(work: Work) -> tuple[Walk, ...]:
    """A short row from its first token on, one in halves, and the end of a long one."""
    short, text = encoded(work, SEVERAL)[: _STEPS + 1], long_row(work)
    middle = text[: 2 * _STEPS]
    wanted = (Walk(short, 1), Walk(middle, max(1, len(middle) // 2)), Walk(text, max(1, len(text) - _STEPS)))
    found = tuple(dict.fromkeys(walk for walk in wanted if len(walk.row) > walk.given))
    if not found:
        raise Unjudgeable("no row has two tokens, of which one could be computed after the other")
    return found


def unequal_rows(work: Work) -> tuple[tuple[int, ...], ...]:
    """Rows of very different lengths, each from another place of the text."""
    text = long_row(work)
    rows = [text[-length:] if place % 2 else text[:length] for place, length in enumerate(_LENGTHS)]
    found = tuple(dict.fromkeys(rows))
    if len({len(row) for row in found}) < 2:
        raise Unjudgeable("there are no two rows of different lengths")
    return found


def long_row(work: Work) -> tuple[int, ...]:
    """The beginning of a text, at most half of the context."""
    context = work.engine().facts.context_tokens
    most = LONGEST if context is None else min(LONGEST, context // 2)
    return encoded(work, PARITY_TEXT)[:most]


def encoded(work: Work, text: str) -> tuple[int, ...]:
    """Token ids of a text as a prompt, by the engine's own tokenizer."""
    return once(work.memory, f"ids of {text}", lambda: work.instruments().encode([text], special=True)[0])
