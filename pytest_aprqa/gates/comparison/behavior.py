"""Judges of greedy decoding: the same tokens, or a parting where the ground truth itself was nearly undecided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_aprqa.core import Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.comparison.measures import limit_of, number
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.side import Logits, Rows
from pytest_aprqa.gates.comparison.specials import padding_ids
from pytest_aprqa.gates.comparison.stored_types import word_of
from pytest_aprqa.parity import GreedyComparison, Limit, Quantity, compare_greedy

_FEWEST: Final = 3
"""Generated tokens from which one token over and over is a pattern."""


def judge_greedy(pair: Pair) -> Verdict:
    """F-ROSETTA-INF-001."""
    found = _compared(pair.ours.greedy, pair.theirs.greedy, pair.ours.greedy_logits)
    return _judge(pair, found, [repr(prompt[:40]) for prompt in pair.options.prompts])


def judge_padding(pair: Pair) -> Verdict:
    """F-ROSETTA-INF-003: an engine that reads a broken embedding answers with one token for ever."""
    theirs, ours = pair.theirs.greedy, pair.ours.greedy
    padding = padding_ids(pair.reference)
    long = [place for place, row in enumerate(theirs) if len(row) >= _FEWEST]
    flooded = [
        place
        for place in long
        if len(set(theirs[place])) == 1
        and (theirs[place][0] in padding or len(set(ours[place])) > 1)
        and theirs[place] != ours[place]
    ]
    if flooded:
        row = theirs[flooded[0]]
        return falsified(
            f"{len(flooded)} of {len(theirs)} continuations are token {row[0]} {len(row)} times over",
            compared=len(theirs),
            token=row[0],
        )
    tokens = sum(map(len, theirs))
    return corroborated(f"{tokens} tokens in {len(theirs)} continuations are no padding", compared=tokens)


def judge_answers(pair: Pair) -> Verdict:
    """F-CONTRACT-I1-001: the answers to a few questions, each side with its own tokenizer and template."""
    ours, theirs = pair.ours.answered, pair.theirs.answered
    questions = [repr(question) for question in pair.options.questions]
    wrong = [place for place, row in enumerate(ours.prompts) if theirs.prompts[place] != row]
    texts: Json = [
        [question, one, other] for question, one, other in zip(questions, ours.texts, theirs.texts, strict=True)
    ]
    if wrong:
        first = wrong[0]
        return falsified(
            f"{len(wrong)} of {len(questions)} questions reach the model as other ids, such as {questions[first]}; "
            f"it answers {theirs.texts[first][:60]!r}, the original {ours.texts[first][:60]!r}",
            compared=len(questions),
            answers=texts,
        )
    found = _compared(ours.tokens, theirs.tokens, pair.ours.answer_logits)
    return _judge(pair, found, questions, texts)


def _compared(ours: Rows, theirs: Rows, logits: Sequence[Logits]) -> list[GreedyComparison]:
    return [
        compare_greedy(row, other, logits=chosen if len(chosen) else None)
        for row, other, chosen in zip(ours, theirs, logits, strict=True)
    ]


def _judge(pair: Pair, found: list[GreedyComparison], names: Sequence[str], answers: Json = None) -> Verdict:
    limit = limit_of(word_of(pair), Quantity.GREEDY_MARGIN, pair.limits, parameters=pair.parameters)
    tokens = sum(one.compared for one in found)
    parted = [place for place, one in enumerate(found) if one.first is not None]
    wrong = [place for place in parted if not found[place].nearly_undecided(limit.value)]
    cut = [place for place, one in enumerate(found) if one.shorter]
    details: dict[str, Json] = {
        "limit": limit.value,
        "limit_source": limit.source,
        "margins": [found[place].margin for place in parted],
        "answers": answers,
    }
    if wrong or cut:
        reason = (
            _parting(names[wrong[0]], found[wrong[0]], limit) if wrong else f"{names[cut[0]]} ends sooner on one side"
        )
        count = len(wrong) + len(cut)
        return falsified(f"{count} of {len(found)} continuations differ: {reason}", compared=tokens, **details)
    if not tokens:
        return inconclusive("neither side generated a token to compare", **details)
    worst = max((found[place].margin or 0.0 for place in parted), default=0.0)
    note = (
        f", {len(parted)} part where the ground truth is undecided by {number(worst)} nats or less, limit {limit}"
        if parted
        else ""
    )
    return corroborated(
        f"{len(found) - len(parted)} of {len(found)} continuations agree in {tokens} tokens{note}",
        compared=tokens,
        **details,
    )


def _parting(name: str, one: GreedyComparison, limit: Limit) -> str:
    margin = "an unknown margin" if one.margin is None else f"a margin of {number(one.margin)} nats"
    return (
        f"after {name} token {one.first} is {one.other_token} instead of {one.reference_token}, against {margin}, "
        f"limit {limit}"
    )
