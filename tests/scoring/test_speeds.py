"""Speeds from records: the registry's columns, and a baseline by target."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, Format, Json, Outcome, Quantization, Target
from pytest_aprqa.evidence import Record, read_evidence, write_evidence
from pytest_aprqa.scoring.speeds import speeds_of, tps_columns
from tests.evidence.samples import MODEL, a_record, an_evidence

Q4, Q8, F16 = Quantization.Q4_K_M, Quantization.Q8_0, Quantization.F16
GGUF_Q4 = Target(MODEL, Format.GGUF, Q4, Backend.CPU)
GGUF_Q8 = Target(MODEL, Format.GGUF, Q8, Backend.CPU)
COLUMNS = ["tps_gguf_cpu", "tps_gguf_gpu", "tps_apr_cpu", "tps_apr_gpu", "tps_st_cpu", "tps_st_gpu"]


def a_speed(rate: Json, **more: Json) -> dict[str, Json]:
    return {"decode_tok_per_s": {"value": rate, "low": 1.0, "high": None}, "answers": 10, **more}


def measured(
    target: Target | None, speed: Json, *, gate_id: str = "F-PROFILE-CI-001", outcome: Outcome = Outcome.CORROBORATED
) -> Record:
    return a_record(gate_id, outcome, target=target, details={"speed": speed})


def test_the_columns_are_the_registrys_in_its_order_and_empty_when_nothing_was_measured() -> None:
    columns = tps_columns([a_record()])
    assert list(columns) == COLUMNS
    assert set(columns.values()) == {None}


def test_each_format_and_backend_has_its_column() -> None:
    targets = [
        Target(MODEL, format, None if format is Format.SAFETENSORS else F16, backend)
        for format in (Format.GGUF, Format.APR, Format.SAFETENSORS)
        for backend in Backend
    ]
    records = [measured(target, a_speed(10.0 + place)) for place, target in enumerate(targets)]
    assert list(tps_columns(records).values()) == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]


def test_of_several_quantizations_the_fastest_counts_with_one_decimal() -> None:
    records = [measured(GGUF_Q4, a_speed(40.04)), measured(GGUF_Q8, a_speed(71.26))]
    assert tps_columns(records)["tps_gguf_cpu"] == tps_columns(records[::-1])["tps_gguf_cpu"] == 71.3


@pytest.mark.parametrize("outcome", [Outcome.FALSIFIED, Outcome.INCONCLUSIVE])
@pytest.mark.parametrize("gate_id", ["F-PROFILE-CI-001", "F-PERF-006", "F-PROFILE-007"])
def test_what_was_measured_counts_whatever_the_gate_came_to(gate_id: str, outcome: Outcome) -> None:
    assert tps_columns([measured(GGUF_Q4, a_speed(1.0), gate_id=gate_id, outcome=outcome)])["tps_gguf_cpu"] == 1.0


def test_a_repeated_measurement_takes_the_place_of_the_one_that_it_holds() -> None:
    first, both = a_speed(90.0), a_speed(50.0, answers=20)
    records = [measured(GGUF_Q4, first), measured(GGUF_Q4, both), measured(GGUF_Q4, first)]
    assert tps_columns(records)["tps_gguf_cpu"] == 50.0
    assert speeds_of(an_evidence(*records)) == {GGUF_Q4.id: both}


@pytest.mark.parametrize("rate", [None, 0, 0.0, -3, True, "12", "nan", [1]])
def test_what_is_no_rate_is_no_speed(rate: Json) -> None:
    assert tps_columns([measured(GGUF_Q4, a_speed(rate))])["tps_gguf_cpu"] is None


@pytest.mark.parametrize("speed", ["fast", 12, None, [], {}, {"decode_tok_per_s": 12}, {"answers": "ten"}])
def test_foreign_details_under_the_same_name_are_no_speed(speed: Json) -> None:
    assert set(tps_columns([measured(GGUF_Q4, speed)]).values()) == {None}


def test_only_gates_on_speed_tell_a_speed_and_only_of_a_target() -> None:
    records = [measured(GGUF_Q4, a_speed(5.0), gate_id="F-A3-001"), measured(None, a_speed(5.0))]
    assert set(tps_columns(records).values()) == {None}
    assert speeds_of(an_evidence(*records)) == {}


def test_a_baseline_comes_back_from_the_evidence_file_by_target(tmp_path: Path) -> None:
    q4, q8 = a_speed(40.0, samples={"decode_tok_per_s": [39.0, 41.0]}), a_speed(70.0)
    path = write_evidence(tmp_path, an_evidence(measured(GGUF_Q4, q4), measured(GGUF_Q8, q8), a_record(index=3)))
    assert speeds_of(read_evidence(path)) == {GGUF_Q4.id: q4, GGUF_Q8.id: q8}
