"""Judges of logits: what both engines predict after the same token ids."""

from __future__ import annotations

from collections.abc import Callable
from math import log

from pytest_aprqa.core import Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.comparison.measures import Measure, limit_of, measure
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.stored_types import word_of
from pytest_aprqa.parity import Divergence, Estimate, Quantity

Read = Callable[[Divergence], "Estimate | float"]


def judge_short(pair: Pair) -> Verdict:
    """F-LOGIT-NMSE-001."""
    return _judge(pair, pair.last_divergence, "normalized error of the logits", _nmse, Quantity.LOGIT_NMSE)


def judge_long(pair: Pair) -> Verdict:
    """F-LOGIT-LONG-001."""
    tokens = len(pair.ours.long_row)
    name = f"normalized error of the logits after {tokens} tokens"
    return _judge(pair, pair.long_divergence, name, _nmse, Quantity.LOGIT_NMSE)


def judge_everywhere(pair: Pair) -> Verdict:
    """F-ROSETTA-INF-002."""
    name = "largest normalized error of the logits at one position"
    return _judge(pair, pair.text_divergence, name, lambda found: found.nmse_max, Quantity.LOGIT_NMSE_MAX)


def judge_text(name: str, quantity: Quantity, read: Read) -> Callable[[Pair], Verdict]:
    """F-KL-*, F-TOP1-001, F-TOPK-001: one number over the text."""

    def judge(pair: Pair) -> Verdict:
        return _judge(pair, pair.text_divergence, name, read, quantity)

    return judge


def judge_perplexity(pair: Pair) -> Verdict:
    """F-PPL-001: the ratio of the perplexities, as the distance of its logarithm from zero."""
    found = pair.text_divergence
    if not found.next_tokens:
        return inconclusive("the text is too short for a perplexity")
    return _judge(
        pair, found, f"log of the perplexity's ratio to {found.ppl_reference:.4g}", _log_ratio, Quantity.PPL_RATIO
    )


def _judge(pair: Pair, found: Divergence, name: str, read: Read, quantity: Quantity) -> Verdict:
    if found.not_finite:
        return falsified(
            f"the logits at {found.not_finite} of {found.not_finite + found.positions} positions are not finite",
            compared=found.not_finite + found.positions,
        )
    if not found.positions:
        return inconclusive("no position could be compared")
    word = word_of(pair)
    one = measure(name, read(found), limit_of(word, quantity, pair.limits, parameters=pair.parameters))
    return _verdict(one, word, found)


def _verdict(one: Measure, word: str, found: Divergence) -> Verdict:
    trimmed = f"; {found.trimmed} padding logits left out" if found.trimmed else ""
    reason = f"{one.sentence}, as {word}, at {found.positions} positions{trimmed}"
    verdict = corroborated if one.holds else falsified
    return verdict(reason, compared=found.positions, word=word, quantity=one.name, **one.details)


def _nmse(found: Divergence) -> Estimate:
    return found.nmse


def _log_ratio(found: Divergence) -> Estimate:
    """|log ratio| with the interval folded at zero."""
    value, low, high = (log(number) for number in (found.ppl_ratio.value, found.ppl_ratio.low, found.ppl_ratio.high))
    ends = sorted((abs(low), abs(high)))
    return Estimate(abs(value), 0.0 if low <= 0 <= high else ends[0], ends[1])
