"""Which comparisons with the ground truth a playbook asks for, target by target.

Tiers from mvp upward ask for all of them; below, the blocks that a playbook declares name theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_aprqa.core import Backend, Format, Target
from pytest_aprqa.gates import COMPARISONS, Check, Kind
from pytest_aprqa.playbook import Playbook, Tier
from pytest_aprqa.suite.goldens import golden_checks

_BLOCKS: Final = {
    "format_validation": ("F-APR-FORMAT-",),
    "tensor_diff": ("F-ROSETTA-DIFF-",),
    "inference_compare": ("F-ROSETTA-INF-",),
    "fingerprint": ("F-ROSETTA-FP-",),
    "validate_stats": ("F-ROSETTA-STATS-",),
}
"""Block of ``differential_tests`` to the beginnings of its gates' ids."""


def planned_checks(playbook: Playbook, target: Target) -> tuple[tuple[Check, int], ...]:
    """The checks of a target with the line of the playbook that asks for each, in the order of the gates' table."""
    asked = dict(_asked(playbook))
    line = playbook.line_of("test_matrix")
    checks = [check for check in COMPARISONS if target.format in check.formats and _on_backend(check, playbook, target)]
    every = playbook.tier not in (None, Tier.SMOKE)
    planned = [(it, asked.get(it.gate_id, line)) for it in checks if every or it.gate_id in asked]
    return (*planned, *golden_checks(playbook, target))


def _on_backend(check: Check, playbook: Playbook, target: Target) -> bool:
    """What only files decide is checked once, on the first backend; what is computed, on each."""
    first: Backend = playbook.matrix.backends[0]
    return target.backend is first or (check.kind is Kind.PARITY and target.format is not Format.SAFETENSORS)


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
