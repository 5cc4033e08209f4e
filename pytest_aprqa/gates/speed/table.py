"""The one table of speed: the control that must fail first, then what is cheap to tell from the one measurement."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import Format, Verdict
from pytest_aprqa.gates.check import Check, Judging, Kind, by_gate
from pytest_aprqa.gates.speed import limits, memory, ratios
from pytest_aprqa.gates.speed.limits import Judge
from pytest_aprqa.gates.speed.timing import Thresholds, Timing

_CONTROL: Final = "F-PROFILE-007"
"""Where even this is not refused, no threshold is held."""


def _check(gate_id: str, judge: Judge, *after: str) -> Check[Timing]:
    return Check(gate_id, Kind.PROFILE, frozenset(Format), judge, after)


SPEED_CHECKS: Final[tuple[Check[Timing], ...]] = (
    _check(_CONTROL, limits.judge_control(limits.judge_decoding)),
    _check("F-PROFILE-CI-001", limits.judge_decoding, _CONTROL),
    _check("F-PROFILE-CI-002", limits.judge_between("max_p99_ms", 0.99, "99th percentile"), _CONTROL),
    _check("F-PROFILE-CI-003", limits.judge_between("max_p50_ms", 0.5, "median"), _CONTROL),
    _check("F-PERF-002", limits.judge_first, _CONTROL),
    _check("F-PERF-003", ratios.judge_gpu, _CONTROL),
    _check("F-PERF-005", memory.judge_ceiling),
    _check("F-PERF-007", limits.judge_load),
    _check("F-PROFILE-DIFF-001", ratios.judge_rate_since, _CONTROL),
    _check("F-PROFILE-DIFF-002", ratios.judge_latency_since, _CONTROL),
    # Last, since it may ask further answers.
    _check("F-PERF-006", memory.judge_growth),
)

_ALWAYS: Final = frozenset({_CONTROL, "F-PERF-006"})
"""Gates whose limits are their own."""
_FLOORS: Final = {"F-PROFILE-CI-001": "min_throughput", "F-PERF-003": "min_gpu_ratio"}
_CEILINGS: Final = {
    "F-PROFILE-CI-002": "max_p99_ms",
    "F-PROFILE-CI-003": "max_p50_ms",
    "F-PERF-002": "max_ttft_ms",
    "F-PERF-005": "max_memory_bytes",
    "F-PERF-007": "max_load_ms",
}

_JUDGING: Final = Judging(by_gate(SPEED_CHECKS))


def judge_speed(check: Check[Timing], timing: Timing, *, alone: bool = False) -> Verdict:
    """The verdict on a check, which need not be in the table; remembered in the timing.

    Args:
        check: what is judged.
        timing: the target under its clock.
        alone: judge it whatever became of the control.
    """
    return _JUDGING.judge(check, timing, alone=alone)


def asserted(thresholds: Thresholds) -> frozenset[str]:
    """Ids of the gates for which something is asserted; those that need a baseline are not among them."""
    floors = {gate_id for gate_id, name in _FLOORS.items() if (getattr(thresholds, name) or 0) > 0}
    ceilings = {gate_id for gate_id, name in _CEILINGS.items() if getattr(thresholds, name) is not None}
    return _ALWAYS | floors | ceilings
