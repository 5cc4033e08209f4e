"""Gateways: each has a record that fails it, and unknown is never passed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_aprqa.core import Backend, Format, Gateway, GatewayState, Outcome, Target
from pytest_aprqa.evidence import GARBAGE, Record
from pytest_aprqa.scoring import fold, fold_by_target
from tests.evidence.samples import MODEL, a_record

PASSING_GATES = ("G0-INTEGRITY-CONFIG", "G1-LOAD", "G2-INFER", "G3-STABLE", "G4-QUALITY")
GOOD = tuple(a_record(gate_id, index=index) for index, gate_id in enumerate(PASSING_GATES))
OTHER = Target(MODEL, Format.SAFETENSORS, None, Backend.CPU)

PASSED, FAILED, UNKNOWN = GatewayState.PASSED, GatewayState.FAILED, GatewayState.UNKNOWN


def states(records: Sequence[Record]) -> list[GatewayState]:
    return list(fold(records).values())


def test_one_pass_of_each_gateway_passes_all() -> None:
    assert states(GOOD) == [PASSED] * 5


def test_no_evidence_is_unknown_never_passed() -> None:
    assert states(()) == [UNKNOWN] * 5
    for gateway, missing in zip(Gateway, GOOD, strict=True):
        assert fold([record for record in GOOD if record is not missing])[gateway] is UNKNOWN


@pytest.mark.parametrize("outcome", [Outcome.FALSIFIED, Outcome.TIMEOUT])
@pytest.mark.parametrize("place", range(5))
def test_each_gateway_fails_alone(place: int, outcome: Outcome) -> None:
    planted = a_record(PASSING_GATES[place], outcome, index=9)
    assert states([*GOOD, planted]) == [FAILED if n == place else PASSED for n in range(5)]


@pytest.mark.parametrize(
    ("gate_id", "failed"),
    [
        ("G0-VALIDATE-001", {Gateway.G0}),
        ("G1-LOAD", {Gateway.G1}),
        ("G2-INFER", {Gateway.G2, Gateway.G3}),
        ("F-A1-001", {Gateway.G3}),
        ("F-EDGE-001", set()),
        ("F-EDGE-777", set()),
    ],
)
def test_a_crash_fails_stability_unless_the_input_was_hostile_or_nothing_was_asked(
    gate_id: str, failed: set[Gateway]
) -> None:
    folded = fold([*GOOD, a_record(gate_id, Outcome.CRASHED, index=9)])
    assert {gateway for gateway, state in folded.items() if state is FAILED} == failed


@pytest.mark.parametrize(("garbage", "good", "state"), [(1, 3, PASSED), (2, 6, PASSED), (2, 5, FAILED), (1, 0, FAILED)])
def test_quality_fails_above_a_quarter_of_generated_texts(garbage: int, good: int, state: GatewayState) -> None:
    texts = [
        a_record("F-A1-001", index=index, texts=("x",), details={GARBAGE: index < garbage})
        for index in range(garbage + good)
    ]
    silent = [a_record("F-A1-001", Outcome.TIMEOUT, index=99) for _ in range(50)]
    assert fold([*GOOD, *texts, *silent])[Gateway.G4] is state


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.INCONCLUSIVE, UNKNOWN), (Outcome.SKIPPED, PASSED)])
def test_a_check_that_could_not_judge_leaves_its_gateway_open(outcome: Outcome, state: GatewayState) -> None:
    assert fold([*GOOD, a_record("G0-VALIDATE-001", outcome, index=9)])[Gateway.G0] is state


def of_target(target: Target, records: Sequence[Record]) -> list[Record]:
    parts = {"format": target.format, "quantization": target.quantization, "backend": target.backend}
    return [record.model_copy(update=parts) for record in records]


def test_a_model_fails_where_any_target_fails() -> None:
    broken = of_target(OTHER, [*GOOD[:4], a_record("G4-QUALITY", Outcome.FALSIFIED)])
    assert states([*GOOD, *broken]) == [PASSED, PASSED, PASSED, PASSED, FAILED]
    assert fold_by_target([*GOOD, *broken])["safetensors-cpu"][Gateway.G4] is FAILED


def test_every_tested_target_needs_its_own_evidence() -> None:
    assert states([*GOOD, *of_target(OTHER, GOOD)]) == [PASSED] * 5
    assert states([*GOOD, *of_target(OTHER, GOOD[:1])]) == [PASSED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]


def test_a_target_that_was_only_skipped_does_not_count() -> None:
    skipped = of_target(OTHER, [record.model_copy(update={"outcome": Outcome.SKIPPED}) for record in GOOD])
    assert states([*GOOD, *skipped]) == [PASSED] * 5
    assert states(skipped) == [UNKNOWN] * 5
    assert set(fold_by_target([*GOOD, *skipped])) == {"gguf-q4_k_m-cpu"}


def test_foreign_gate_ids_are_matched_by_their_first_token() -> None:
    assert fold([a_record("G0-PULL-001", Outcome.FALSIFIED)])[Gateway.G0] is FAILED
    assert fold([a_record("F-G1-X", Outcome.FALSIFIED)])[Gateway.G1] is UNKNOWN
    assert fold([a_record("G2", Outcome.CORROBORATED, target=None)])[Gateway.G2] is PASSED
