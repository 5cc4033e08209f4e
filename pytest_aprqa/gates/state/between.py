"""F-STATE-CORRUPT-001: is a prompt answered after another one as it was before?

Two others come between: a long one that has nothing in common with it, and one that begins with it, as a cache of
prefixes would like. A state that is not cleared, or cleared at the wrong length, shows in what follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from pytest_aprqa.core import Answer, Prompting, Verdict, corroborated, falsified
from pytest_aprqa.gates.state.answers import answer, completions, parting, requests, same
from pytest_aprqa.gates.state.closeness import ROUNDING, Closeness, closeness_of
from pytest_aprqa.gates.state.distance import Distance, Logits, distance, worst_of
from pytest_aprqa.gates.state.rows import ANSWER_TOKENS, PROMPTS, encoded, long_row
from pytest_aprqa.gates.state.work import Work
from pytest_aprqa.parity import PARITY_TEXT

_PROMPT: Final = PROMPTS[1]
_LONGER: Final = f"{PROMPTS[1]} not the capital of Spain, nor of any other country;"
_LONG_CHARACTERS: Final = 600
_PASSING_TOKENS: Final = 2
"""Tokens of the answers in between, which nobody reads."""


class _Other(NamedTuple):
    """What comes between."""

    name: str
    row: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Said:
    """All that is known of the prompt at one time."""

    logits: Logits
    tokens: tuple[int, ...]
    answer: Answer


def judge_between(work: Work) -> Verdict:
    """Falsified by other logits, other greedy tokens or another answer."""
    before = _said(work)
    # An engine that gives the same bits twice must give them after another prompt too, whatever it computes with.
    limits = ROUNDING if distance(before.logits, _said(work).logits).exact else closeness_of(work)
    found: list[Distance] = []
    for other in (
        _Other("a long, different prompt", long_row(work), PARITY_TEXT[:_LONG_CHARACTERS]),
        _Other("a prompt that begins with it", encoded(work, _LONGER), _LONGER),
    ):
        after = _said(work, other)
        found.append(distance(before.logits, after.logits))
        if problem := _problem(before, after, found[-1], limits):
            return falsified(
                f"after {other.name}, {_PROMPT!r} {problem}", compared=len(before.tokens) + 1, **found[-1].details
            )
    worst = worst_of(found)
    compared = len(found) * (len(before.logits) + len(before.tokens) + len(before.answer.token_ids))
    return corroborated(
        f"{_PROMPT!r} has its logits, greedy tokens and answer again after {len(found)} other prompts: "
        f"{worst.sentence}; {limits}",
        compared=compared,
        **worst.details,
    )


def _problem(before: _Said, after: _Said, one: Distance, limits: Closeness) -> str:
    if not one.within(limits):
        return f"has other logits: {one.at(one.first_beyond(limits)).sentence}; {limits}"
    if before.tokens != after.tokens:
        return f"is continued with tokens {[*after.tokens]}, before with {[*before.tokens]}"
    if not same(before.answer, after.answer):
        return f"is answered otherwise: {parting(before.answer, after.answer)}"
    return ""


def _said(work: Work, other: _Other | None = None) -> _Said:
    """What is said of the prompt; another one goes before it on each way, since each may keep a state of its own."""
    instruments, row = work.instruments(), encoded(work, _PROMPT)
    if other:
        instruments.logits([other.row])
    logits = instruments.logits([row])[0].copy()
    if other:
        instruments.greedy([other.row], max_tokens=_PASSING_TOKENS)
    (tokens,) = instruments.greedy([row], max_tokens=ANSWER_TOKENS)
    if other:
        completions(work, requests(work, [other.text], Prompting.RAW, max_tokens=_PASSING_TOKENS))
    (completion,) = completions(work, requests(work, [_PROMPT], Prompting.RAW))
    return _Said(logits, tuple(tokens), answer(completion))
