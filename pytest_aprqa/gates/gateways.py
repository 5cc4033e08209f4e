"""Gateways G2 to G4, judged on what was observed; G1 is judged by the engine that loads the model or does not.

Pure: knows neither engines nor oracles, only what they have said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from pytest_aprqa.core import MAX_GARBAGE, Completion, Outcome, Verdict, corroborated, falsified, inconclusive


@dataclass(frozen=True, slots=True)
class Observation:
    """What became of one case, as far as the gateways care."""

    case_id: str
    outcome: Outcome
    hostile: bool
    """The request was meant to be malformed or extreme (category EDGE)."""
    has_text: bool
    """The model generated text."""
    garbage: bool
    """An oracle found that text to be garbage."""


def judge_inference(completion: Completion) -> Verdict:
    """G2: the answer to a simple prompt has at least one printable character that is no space."""
    visible = sum(_visible(answer.text) for answer in completion.answers)
    tokens = sum(len(answer.token_ids) for answer in completion.answers)
    answers = len(completion.answers)
    if not answers:
        return inconclusive("the engine gave no answer to judge")
    if not visible:
        return falsified(f"{tokens} tokens were generated, and no printable character", compared=answers)
    return corroborated(f"{visible} printable characters in {tokens} tokens", compared=answers)


def judge_stability(observations: Iterable[Observation]) -> Verdict:
    """G3: no well-formed request crashed the engine; a timeout is no crash (decision S9)."""
    seen = [case for case in observations if not case.hostile and case.outcome is not Outcome.SKIPPED]
    crashed = [case.case_id for case in seen if case.outcome is Outcome.CRASHED]
    timeouts = sum(case.outcome is Outcome.TIMEOUT for case in seen)
    if crashed:
        return falsified(
            f"{len(crashed)} of {len(seen)} well-formed requests crashed the engine, first {crashed[0]}",
            compared=len(seen),
            crashed=[*crashed[:10]],
            timeouts=timeouts,
        )
    return corroborated(
        f"none of {len(seen)} well-formed requests crashed the engine, {timeouts} timed out",
        compared=len(seen),
        timeouts=timeouts,
    )


def judge_quality(observations: Iterable[Observation]) -> Verdict:
    """G4: at most a quarter of the generated texts is garbage."""
    texts = [case for case in observations if case.has_text]
    garbage = [case.case_id for case in texts if case.garbage]
    reason = f"{len(garbage)} of {len(texts)} texts are garbage"
    if texts and Fraction(len(garbage), len(texts)) > MAX_GARBAGE:
        return falsified(f"{reason}, first {garbage[0]}", compared=len(texts), garbage=[*garbage[:10]])
    return corroborated(reason, compared=len(texts), garbage=[*garbage[:10]])


def _visible(text: str) -> int:
    return sum(character.isprintable() and not character.isspace() for character in text)
