"""Judging one gate of a pair; a falsified one carries its probable cause."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import Verdict
from pytest_aprqa.gates.check import Check, Judging, by_gate
from pytest_aprqa.gates.comparison.blame import with_cause
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.table import COMPARISONS

_JUDGING: Final = Judging(by_gate(COMPARISONS), explain=with_cause)


def judge_gate(gate_id: str, pair: Pair, *, alone: bool = False) -> Verdict:
    """The verdict on one gate of the table; remembered in the pair.

    Args:
        gate_id: an id of `COMPARISONS`.
        pair: what is compared.
        alone: judge it whatever became of the gates that it rests on.
    """
    return judge_check(_JUDGING.checks[gate_id], pair, alone=alone)


def judge_check(check: Check[Pair], pair: Pair, *, alone: bool = False) -> Verdict:
    """As `judge_gate`, for a check that need not be in the table; those that it rests on must be."""
    return _JUDGING.judge(check, pair, alone=alone)
