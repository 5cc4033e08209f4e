"""Every gate on state: falsified by its own defects, corroborated without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.core import GATES, Backend, EngineUnavailable, Outcome, Quantization, Verdict
from pytest_aprqa.gates.check import Kind, by_gate
from pytest_aprqa.gates.state import STATE_CHECKS, Work, judge_state
from pytest_aprqa.gates.state.closeness import closeness_of
from tests.gates.state.model import Model, work_of

CHECKS = by_gate(STATE_CHECKS)
DEFECTS = {
    ("F-STATE-REPEAT-001", "restless"),
    ("F-STATE-REPEAT-001", "not_cleared"),
    ("F-RUN-005", "global_generator"),
    ("F-STATE-TIMING-001", "advances_twice"),
    ("F-STATE-TIMING-001", "advances_late"),
    ("F-STATE-CORRUPT-001", "not_cleared"),
    ("F-STATE-CORRUPT-001", "cleared_at_length"),
    ("F-STATE-BATCH-001", "padding"),
    ("F-STATE-BATCH-001", "neighbours"),
}


def verdict_on(gate_id: str, work: Work) -> Verdict:
    return judge_state(CHECKS[gate_id], work, alone=True)


def test_the_table_holds_every_gate_on_state_once() -> None:
    wanted = {gate_id for gate_id in GATES if gate_id.startswith("F-STATE-")} | {"F-RUN-005", "F-PAR-001"}
    assert Counter(check.gate_id for check in STATE_CHECKS) == Counter(wanted)
    assert {check.kind for check in STATE_CHECKS} == {Kind.STATE}


def test_a_check_rests_on_earlier_ones_only() -> None:
    seen: set[str] = set()
    for check in STATE_CHECKS:
        assert seen.issuperset(check.after), check.gate_id
        seen.add(check.gate_id)


@pytest.mark.parametrize("gate_id", [gate_id for gate_id in CHECKS if gate_id != "F-PAR-001"])
def test_a_healthy_engine_stands(gate_id: str) -> None:
    verdict = verdict_on(gate_id, work_of(Model(chat_template=True)))
    assert verdict.outcome is Outcome.CORROBORATED, verdict.reason
    assert verdict.compared > 1


@pytest.mark.parametrize(("gate_id", "fault"), sorted(DEFECTS))
def test_a_gate_catches_its_defect(gate_id: str, fault: str) -> None:
    verdict = verdict_on(gate_id, work_of(Model(fault)))
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason


@pytest.mark.parametrize(
    ("gate_id", "fault"),
    [
        ("F-STATE-TIMING-001", "advances_twice"),
        ("F-STATE-CORRUPT-001", "not_cleared"),
        ("F-STATE-BATCH-001", "padding"),
    ],
)
def test_a_defect_is_larger_than_the_room_of_quantized_weights(gate_id: str, fault: str) -> None:
    verdict = verdict_on(gate_id, work_of(Model(fault, dtype="Q4_K_M")))
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason


@pytest.mark.parametrize(("kl", "nmse", "stands"), [(0.078, 0.0058, True), (0.114, 0.037, False)])
def test_the_limits_of_quantized_weights_lie_between_what_was_measured(kl: float, nmse: float, stands: bool) -> None:
    limits = closeness_of(work_of(Model(dtype="Q4_K_M")))
    room = limits.kl / kl, limits.nmse / nmse
    assert min(room) > 3 if stands else min(room) < 1


def test_what_only_repeats_the_news_is_not_checked() -> None:
    work = work_of(Model("not_cleared"))
    verdict = judge_state(CHECKS["F-STATE-CORRUPT-001"], work)
    assert verdict.reason.startswith("not checked: F-STATE-REPEAT-001 is falsified: ")


def test_the_first_token_that_parts_is_named() -> None:
    verdict = verdict_on("F-STATE-TIMING-001", work_of(Model("advances_late")))
    assert verdict.details["first_token"] == 4  # one token was given, and the fourth after it was late
    assert "token 4 (' '" in verdict.reason


def test_logits_that_are_nothing_to_begin_with_are_another_gates_news() -> None:
    verdict = verdict_on("F-STATE-CORRUPT-001", work_of(Model("not_finite")))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "not finite to begin with" in verdict.reason


def test_a_row_that_is_wrong_beside_others_is_told_with_its_length() -> None:
    verdict = verdict_on("F-STATE-BATCH-001", work_of(Model("padding")))
    assert verdict.details["tokens"] == 2
    assert "a row of 2 has other logits than alone" in verdict.reason


def test_answers_of_a_batch_are_compared_without_the_instrument() -> None:
    for fault, outcome in {"": Outcome.CORROBORATED, "neighbours": Outcome.FALSIFIED}.items():
        assert verdict_on("F-STATE-BATCH-001", work_of(Lacking(fault))).outcome is outcome
    alone = verdict_on("F-STATE-BATCH-001", work_of(Lacking(max_batch=1)))
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert "one request at a time" in alone.reason


@dataclass
class Lacking(Model):
    """Computes no rows together."""

    def together(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
        raise EngineUnavailable("model", "it has no instrument 'together'", install="another one")


def test_a_seed_that_changes_nothing_proves_nothing() -> None:
    verdict = verdict_on("F-RUN-005", work_of(Model("seed_ignored")))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the seed is not heard" in verdict.reason


def on_gpu(fault: str, quantization: Quantization | None = None, limits: dict[str, float] | None = None) -> Verdict:
    gpu = Model(fault, dtype=quantization or "float32")
    work = work_of(gpu, backend=Backend.GPU, cpu=Model(), quantization=quantization, limits=limits)
    return verdict_on("F-PAR-001", work)


def test_a_gpu_that_rounds_is_refuted_in_float32() -> None:
    assert on_gpu("").outcome is Outcome.CORROBORATED
    verdict = on_gpu("rounds")
    assert verdict.outcome is Outcome.FALSIFIED
    assert "float32" in verdict.reason


def test_a_quantized_gpu_has_the_limit_of_its_type_or_the_playbooks() -> None:
    assert on_gpu("rounds", Quantization.Q4_K_M).outcome is Outcome.CORROBORATED
    strict = on_gpu("rounds", Quantization.Q4_K_M, limits={"q4_k_m.kl_mean": 1e-9})
    assert strict.outcome is Outcome.FALSIFIED
    assert "playbook" in strict.reason


def test_a_gpu_whose_logits_are_not_finite_is_refuted() -> None:
    assert on_gpu("not_finite").outcome is Outcome.FALSIFIED


def test_without_a_gpu_or_without_a_cpu_there_is_nothing_to_compare() -> None:
    on_cpu = verdict_on("F-PAR-001", work_of(Model()))
    alone = verdict_on("F-PAR-001", work_of(Model(), backend=Backend.GPU))
    assert (on_cpu.outcome, alone.outcome) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)
    assert "runs on the cpu" in on_cpu.reason
    assert "no cpu target" in alone.reason
