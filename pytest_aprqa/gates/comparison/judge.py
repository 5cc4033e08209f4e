"""Judging one gate of a pair: its ground first, then itself; whatever goes wrong on the way becomes a verdict."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import (
    AprqaError,
    EngineOutOfMemory,
    EngineUnavailable,
    Outcome,
    Verdict,
    falsified,
    inconclusive,
)
from pytest_aprqa.gates.comparison.blame import with_cause
from pytest_aprqa.gates.comparison.check import Check
from pytest_aprqa.gates.comparison.measured import Unjudgeable
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.table import COMPARISONS

CHECKS: Final = {check.gate_id: check for check in COMPARISONS}
"""Every comparison by its gate's id."""


def judge_gate(gate_id: str, pair: Pair, *, alone: bool = False) -> Verdict:
    """The verdict on one gate of the table; remembered in the pair.

    Args:
        gate_id: an id of `COMPARISONS`.
        pair: what is compared.
        alone: judge it whatever became of the gates that it rests on.
    """
    return judge_check(CHECKS[gate_id], pair, alone=alone)


def judge_check(check: Check, pair: Pair, *, alone: bool = False) -> Verdict:
    """As `judge_gate`, for a check that need not be in the table; those that it rests on must be."""
    known = pair.verdicts.get(check.gate_id)
    if known is not None and not (alone and "not_checked" in known.details):
        return known
    failed = "" if alone else failed_ground(check, pair)
    if failed:
        verdict = inconclusive(f"not checked: {failed} is falsified", not_checked=failed)
    else:
        verdict = _judged(check, pair)
    if verdict.outcome is Outcome.FALSIFIED:
        verdict = with_cause(check.gate_id, verdict, pair)
    pair.verdicts[check.gate_id] = verdict
    return verdict


def failed_ground(check: Check, pair: Pair) -> str:
    """The first gate that a check rests on and that is falsified; empty when there is none."""
    for gate_id in check.after:
        if pair.format not in CHECKS[gate_id].formats:
            continue
        verdict = judge_gate(gate_id, pair)
        if verdict.outcome is Outcome.FALSIFIED:
            return gate_id
        if root := verdict.details.get("not_checked"):
            return str(root)
    return ""


def _judged(check: Check, pair: Pair) -> Verdict:
    """What the judge says; an error of an artefact or of its engine refutes it, what is missing here does not."""
    if pair.format not in check.formats:
        return inconclusive(f"the gate is not about {pair.format}")
    try:
        return check.judge(pair)
    except Unjudgeable as exc:
        return inconclusive(str(exc))
    except (EngineUnavailable, EngineOutOfMemory) as exc:
        return inconclusive(str(exc))
    except AprqaError as exc:
        return falsified(str(exc), error=type(exc).__name__)
