"""Which checks besides gateways and scenarios a playbook asks for, and where they stand among a target's items.

Tiers from mvp upward ask for all of them; below, the blocks that a playbook declares name theirs. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from pytest_aprqa.core import Backend, Format, Modality, Target, Tier
from pytest_aprqa.gates import (
    COMPARISONS,
    SERVER_CHECKS,
    SERVER_ENDINGS,
    SERVER_START,
    SPEED_CHECKS,
    STATE_CHECKS,
    Check,
    Kind,
    Pair,
    asserted,
)
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.goldens import golden_checks
from pytest_aprqa.suite.wishes import thresholds_for

Planned: TypeAlias = tuple[Check[Any], int]
"""A check, and the 1-based line of the playbook that asks for it."""

_BLOCKS: Final = {
    "format_validation": ("F-APR-FORMAT-",),
    "tensor_diff": ("F-ROSETTA-DIFF-",),
    "inference_compare": ("F-ROSETTA-INF-",),
    "fingerprint": ("F-ROSETTA-FP-",),
    "validate_stats": ("F-ROSETTA-STATS-",),
}
"""Block of ``differential_tests`` to the beginnings of its gates' ids."""

_ONLY_GPU: Final = frozenset({"F-PAR-001", "F-PERF-003"})
"""Gates that hold the gpu against the cpu."""
_BASELINE: Final = frozenset({"F-PROFILE-DIFF-001", "F-PROFILE-DIFF-002"})


def comparisons(playbook: Playbook, target: Target) -> tuple[Planned, ...]:
    """What holds a target against the ground truth, in the order of the gates' table."""
    asked = dict(_asked(playbook))
    line = playbook.line_of("test_matrix")
    checks = [check for check in COMPARISONS if target.format in check.formats and _on_backend(check, playbook, target)]
    planned = [(it, asked.get(it.gate_id, line)) for it in checks if _every(playbook) or it.gate_id in asked]
    return (*planned, *golden_checks(playbook, target))


def state_checks(playbook: Playbook, target: Target) -> tuple[Planned, ...]:
    """What asks the engine again, later, together with other rows, or elsewhere."""
    if not _every(playbook):
        return ()
    line = playbook.line_of("test_matrix")
    return tuple((check, line) for check in STATE_CHECKS if _has_both_sides(check.gate_id, playbook, target))


def speed_checks(playbook: Playbook, target: Target, *, baseline: bool) -> tuple[Planned, ...]:
    """What is measured of a target alone on the machine: only what some threshold is asserted for.

    Args:
        playbook: its ``profile_ci`` block, or by its tier the defaults.
        target: what is measured.
        baseline: whether an earlier run is there to be compared with.
    """
    profile = playbook.declared.profile_ci
    if profile is None:
        wanted = _every(playbook)
    else:
        formats, backends = profile.formats or tuple(Format), profile.backends or tuple(Backend)
        wanted = profile.enabled and target.format in formats and target.backend in backends
    if not wanted:
        return ()
    line = playbook.line_of("profile_ci") or playbook.line_of("test_matrix")
    ids = asserted(thresholds_for(playbook, target)) | (_BASELINE if baseline else frozenset())
    return tuple(
        (check, line)
        for check in SPEED_CHECKS
        if check.gate_id in ids and _has_both_sides(check.gate_id, playbook, target)
    )


def server_checks(playbook: Playbook, target: Target) -> tuple[tuple[Planned, ...], tuple[Planned, ...]]:
    """What a client sees of the target's server: before the cases that it answers, and after them, when it ends."""
    if Modality.SERVE not in playbook.matrix.modalities:
        return (), ()
    line = playbook.line_of("serve") or playbook.line_of("test_matrix")
    planned = [
        (check, line)
        for check in SERVER_CHECKS
        if target.format in check.formats and (_every(playbook) or check.gate_id == SERVER_START)
    ]
    last = [it for it in planned if it[0].gate_id in SERVER_ENDINGS]
    return tuple(it for it in planned if it not in last), tuple(last)


def _every(playbook: Playbook) -> bool:
    return playbook.tier not in (None, Tier.SMOKE)


def _has_both_sides(gate_id: str, playbook: Playbook, target: Target) -> bool:
    """A comparison of backends needs a gpu target and a cpu target."""
    both = target.backend is Backend.GPU and Backend.CPU in playbook.matrix.backends
    return both or gate_id not in _ONLY_GPU


def _on_backend(check: Check[Pair], playbook: Playbook, target: Target) -> bool:
    """What only files decide is checked once, on the first backend; what is computed, on each."""
    first: Backend = playbook.matrix.backends[0]
    return target.backend is first or check.kind is Kind.PARITY


def _asked(playbook: Playbook) -> Iterator[tuple[str, int]]:
    """Gate id and line of everything that a block of the playbook names."""
    declared = playbook.declared
    if declared.contract_tests is not None:
        line = playbook.line_of("contract_tests")
        yield from ((f"F-CONTRACT-{it.replace('-', '')}-001", line) for it in declared.contract_tests.invariants)
    for block, beginnings in _BLOCKS.items():
        test = getattr(declared.differential_tests, block, None)
        if test is not None and test.enabled:
            line = playbook.line_of(f"differential_tests.{block}")
            yield from ((it.gate_id, line) for it in COMPARISONS if it.gate_id.startswith(beginnings))
    if declared.trace_payload is not None and declared.trace_payload.enabled:
        line = playbook.line_of("trace_payload")
        yield from ((it.gate_id, line) for it in COMPARISONS if it.gate_id.startswith("F-TRACE-"))
