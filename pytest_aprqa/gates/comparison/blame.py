"""What is probably wrong: the diagnosis of a pair, and the cause that a falsified verdict carries."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_aprqa.core import Json, Verdict
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.symptoms import collect_symptoms
from pytest_aprqa.parity import Diagnosis, Family, diagnose

_OF_TEXT: Final = frozenset(
    {
        Family.TOKENIZER_MERGES,
        Family.TOKENIZER_VOCABULARY,
        Family.CHAT_TEMPLATE,
        Family.TOKEN_IDS_SHIFTED,
    }
)
"""Families that concern text and ids; all others concern what is computed."""

_TEXT_GATES: Final = frozenset(
    {
        "F-TOKEN-IDS-001",
        "F-TOKEN-BYTES-001",
        "F-TOKEN-SPECIAL-001",
        "F-TOKEN-BOS-001",
        "F-CONTRACT-I5-001",
        "F-SEC-INJECT-001",
        "F-CHAT-TEMPLATE-001",
    }
)


def diagnose_pair(pair: Pair) -> tuple[Diagnosis, ...]:
    """What is probably wrong with the artefact, by all that was measured so far; the most probable first."""
    return diagnose(collect_symptoms(pair))


def with_cause(gate_id: str, verdict: Verdict, pair: Pair) -> Verdict:
    """A falsified verdict with its probable cause, in the details and at the end of the reason."""
    if not pair.reference.tensors:
        return verdict  # there is nothing to have gone astray from
    found = diagnose_pair(pair)
    textual = gate_id in _TEXT_GATES
    fitting = [one for one in found if (one.family in _OF_TEXT) == textual]
    if not (fitting or found):
        return verdict
    cause = (fitting or [*found])[0]
    plain: Json = {"family": cause.family.value, "confidence": cause.confidence, "sentence": cause.sentence}
    known = cause.family is not Family.UNKNOWN
    return replace(
        verdict,
        reason=f"{verdict.reason}; probably: {cause.sentence}" if known else verdict.reason,
        details={**verdict.details, "probable_cause": plain},
    )
