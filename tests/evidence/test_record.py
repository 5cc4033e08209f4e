"""Records: what they carry, and that they never claim a pass that compared nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_aprqa.core import GATES, EvidenceError, Outcome, Request, corroborated, falsified
from pytest_aprqa.evidence import GARBAGE, MetricsRecord, Record, record_of_case, record_of_gate, untimed_record
from tests.evidence.samples import TARGET, a_case, a_completion, a_record


def test_a_case_record_says_what_was_asked_and_answered() -> None:
    record = record_of_case(
        a_case(),
        playbook="p",
        index=3,
        outcome=Outcome.CORROBORATED,
        reason="4 is 4",
        verdict=corroborated("4 is 4", compared=1, found=4),
        completion=a_completion(),
        notes=("another",),
    )
    assert (record.case_id, record.index, record.gate_id) == ("chat[gguf-q4_k_m-cpu-two_plus_two]", 3, "F-A3-001")
    assert (record.turns, record.system, record.expected) == (("What is 2+2?",), "Be brief.", 4)
    assert (record.oracles, record.details, record.compared) == (("arithmetic",), {"found": 4}, 1)
    assert [answer.text for answer in record.answers] == ["4"]
    assert record.notes == ("a note", "another")
    assert (record.target_id, record.cell_id) == (TARGET.id, f"chat[{TARGET.id}]")


def test_a_gate_record_has_a_target_but_no_modality() -> None:
    record = record_of_gate(
        GATES["G2-INFER"],
        TARGET,
        playbook="p",
        index=0,
        request=Request("q", ("Hello",), max_tokens=8),
        outcome=Outcome.FALSIFIED,
        reason="no token",
        verdict=falsified("no token"),
    )
    assert (record.case_id, record.cell_id, record.modality) == ("G2-INFER[gguf-q4_k_m-cpu]", None, None)
    assert (record.turns, record.max_tokens) == (("Hello",), 8)


def test_corroborated_without_a_comparison_becomes_inconclusive() -> None:
    record = record_of_gate(
        GATES["G1-LOAD"], TARGET, playbook="p", index=0, outcome=Outcome.CORROBORATED, reason="it looked fine"
    )
    assert record.outcome is Outcome.INCONCLUSIVE
    assert record.reason == "nothing was compared (it looked fine)"


def test_a_written_pass_that_compared_nothing_is_refused() -> None:
    plain = {**a_record().to_json(), "compared": 0}
    with pytest.raises(EvidenceError, match="compared nothing"):
        Record.from_json(plain)


def test_json_round_trip_is_exact_and_plain() -> None:
    record = record_of_case(
        a_case(),
        playbook="p",
        index=0,
        outcome=Outcome.FALSIFIED,
        reason="half a pair \ud800",
        verdict=falsified("no", nan=float("nan"), deep={"a": [1, None]}),
        completion=a_completion("control \x00 and \udfff"),
        exit_code=-11,
    )
    text = json.dumps(record.to_json(), allow_nan=False)
    text.encode("utf-8")
    assert Record.from_json(json.loads(text)) == record


def test_foreign_objects_in_details_become_text() -> None:
    record = record_of_gate(
        GATES["G1-LOAD"],
        TARGET,
        playbook="p",
        index=0,
        outcome=Outcome.FALSIFIED,
        reason="r",
        details={"path": Path("a/b")},  # type: ignore[dict-item]  # what a careless judge does
    )
    assert record.details == {"path": "a/b"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("index", "3"),
        ("index", -1),
        ("outcome", "Corroborated"),
        ("resumed", "true"),
        ("turns", "one text"),
        ("metrics", {"duration_ms": 1}),
        ("unknown", 1),
        ("format", "onnx"),
        ("temperature", None.__class__.__name__),
    ],
)
def test_wrong_fields_are_refused_by_name(field: str, value: object) -> None:
    plain = {**a_record().to_json(), field: value}
    with pytest.raises(EvidenceError, match=rf"here: not a valid Record: {field}"):
        Record.from_json(plain, where="here")  # type: ignore[arg-type]  # wrong on purpose


def test_nan_and_absurd_depth_are_refused() -> None:
    with pytest.raises(EvidenceError, match="not plain JSON"):
        Record.from_json({**a_record().to_json(), "duration_ms": float("nan")})
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EvidenceError):
        Record.from_json({**a_record().to_json(), "details": deep})  # type: ignore[dict-item]  # wrong on purpose


def test_records_are_frozen() -> None:
    record = a_record()
    with pytest.raises(ValidationError):
        record.reason = "another"  # type: ignore[misc]  # frozen


def test_infinite_measurements_are_not_measurements() -> None:
    assert MetricsRecord(duration_ms=1.0, prompt_tokens=1, generated_tokens=0, batch_size=1).ttft_ms is None
    with pytest.raises(ValidationError):
        MetricsRecord(duration_ms=float("inf"), prompt_tokens=1, generated_tokens=0, batch_size=1)


def test_garbage_is_what_the_details_say() -> None:
    assert a_record(texts=("x",), details={GARBAGE: True}).garbage
    assert not a_record(texts=("x",), details={GARBAGE: False}).garbage
    assert not a_record(texts=("x",)).garbage
    assert a_record(texts=("",)).generated
    assert not a_record().generated


def test_untimed_forgets_times_and_nothing_else() -> None:
    slow, fast = (
        record_of_case(
            a_case(),
            playbook="p",
            index=0,
            outcome=Outcome.FALSIFIED,
            reason="r",
            completion=a_completion(text, duration_ms=duration_ms, batch_size=batch_size),
            started_at=started_at,
            duration_ms=duration_ms,
        )
        for text, duration_ms, batch_size, started_at in [("4", 9.0, 1, "2026-01-01"), ("4", 1.0, 8, "2026-02-02")]
    )
    assert slow != fast
    assert untimed_record(slow) == untimed_record(fast)
    other = slow.model_copy(update={"seed": 8})
    assert untimed_record(other) != untimed_record(slow)
    assert untimed_record(slow)["metrics"] == {"prompt_tokens": 17, "generated_tokens": 2}


def test_every_field_of_every_model_is_documented() -> None:
    for model in (Record, MetricsRecord):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("gate_id", "item"),
    [
        ("F-A1-001", "the case"),
        ("G0-VALIDATE-001", f"G0_integrity[{TARGET.id}]"),
        ("G2-INFER", f"G2_inference[{TARGET.id}]"),
        ("G4-QUALITY", None),
    ],
)
def test_a_record_names_the_item_that_judges_it_again(gate_id: str, item: str | None) -> None:
    record = a_record().model_copy(update={"case_id": "the case", "gate_id": gate_id})
    assert record.item == item
