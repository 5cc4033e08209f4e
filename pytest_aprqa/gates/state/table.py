"""The one table of checks on state, in the order in which they are made, and the function that judges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_aprqa.core import Format, Verdict
from pytest_aprqa.gates.check import Check, Judging, Kind, by_gate
from pytest_aprqa.gates.state.batch import judge_batch
from pytest_aprqa.gates.state.between import judge_between
from pytest_aprqa.gates.state.devices import judge_devices
from pytest_aprqa.gates.state.repeats import judge_repeat, judge_seed
from pytest_aprqa.gates.state.steps import judge_steps
from pytest_aprqa.gates.state.work import Work

_REPEATS: Final = "F-STATE-REPEAT-001"
"""Where the same request is answered otherwise at once, it is after another one too."""


def _check(gate_id: str, judge: Callable[[Work], Verdict], *after: str) -> Check[Work]:
    return Check(gate_id, Kind.STATE, frozenset(Format), judge, after)


STATE_CHECKS: Final[tuple[Check[Work], ...]] = (
    _check(_REPEATS, judge_repeat),
    _check("F-RUN-005", judge_seed),
    _check("F-STATE-TIMING-001", judge_steps),
    _check("F-STATE-CORRUPT-001", judge_between, _REPEATS),
    _check("F-STATE-BATCH-001", judge_batch, _REPEATS),
    _check("F-PAR-001", judge_devices),
)
"""Every check on state, once; a later one may rest on earlier ones only."""

_JUDGING: Final = Judging(by_gate(STATE_CHECKS))


def judge_state(check: Check[Work], work: Work, *, alone: bool = False) -> Verdict:
    """The verdict on one check; remembered in the work.

    Args:
        check: what is judged.
        work: on what.
        alone: judge it whatever became of the checks that it rests on.
    """
    return _JUDGING.judge(check, work, alone=alone)
