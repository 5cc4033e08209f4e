"""Published evidence: every shape is read, and nothing that it says is lost or invented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, EvidenceError, Format, Json, Modality, Outcome
from pytest_aprqa.evidence import Dialect, Evidence, read_evidence
from pytest_aprqa.evidence.foreign import read_foreign

RECORD: dict[str, Json] = {
    "id": "0001",
    "gate_id": "F-A1-001",
    "scenario": {
        "id": "m_run_cpu_gguf_0",
        "model": {"org": "acme", "name": "m", "variant": None},
        "modality": "run",
        "backend": "cpu",
        "format": "Gguf",
        "prompt": "What is 2+2?",
        "temperature": 0,
        "max_tokens": 32,
        "seed": 18446744073709551615,
        "trace_level": "none",
        "oracle_type": "garbage",
    },
    "outcome": "Corroborated",
    "reason": "Test passed",
    "output": "\u001b[1m4\u001b[0m \u0001",
    "stderr": None,
    "exit_code": 0,
    "metrics": {"duration_ms": 7, "memory_mb": 12},
    "timestamp": "2026-02-13T14:20:33.716554478Z",
    "host": {"hostname": "h", "os": "linux", "cpu": "c", "gpu": None, "apr_version": "1"},
    "metadata": {},
}


def test_a_published_record_keeps_everything() -> None:
    evidence = read_foreign([RECORD], where="f")
    record = evidence.records[0]
    assert (record.outcome, record.reason, record.compared) == (Outcome.CORROBORATED, "Test passed", None)
    assert (record.format, record.backend, record.modality) == (Format.GGUF, Backend.CPU, Modality.RUN)
    assert (record.turns, record.answers[0].text) == (("What is 2+2?",), "\x1b[1m4\x1b[0m \x01")
    assert (record.seed, record.exit_code, record.duration_ms) == (2**64 - 1, 0, 7.0)
    assert record.details["timestamp"] == "2026-02-13T14:20:33.716554478Z"
    assert record.details["metrics"] == {"duration_ms": 7, "memory_peak_mb": 12}
    assert (evidence.playbook.model, evidence.host.hostname) == ("acme/m", "h")


@pytest.mark.parametrize(
    ("root", "dialect"),
    [
        ([RECORD], Dialect.ARRAY),
        ({"evidence": [RECORD], "metadata": {"version": "1"}}, Dialect.DOCUMENTED),
        ({"$schema": "x", "evidence": [RECORD], "summary": {}, "model": {"hf_repo": "a/b"}}, Dialect.EXPORT),
        ({"evidence": [RECORD], "total_scenarios": 1, "passed": 1}, Dialect.RESULT),
    ],
)
def test_every_published_shape_is_read(root: Json, dialect: Dialect) -> None:
    evidence = read_foreign(root, where="f")
    assert (evidence.dialect, len(evidence.records)) == (dialect, 1)


@pytest.mark.parametrize(
    ("outcome", "expected", "reason"),
    [
        ("CRASHED", Outcome.CRASHED, "r"),
        ("skipped", Outcome.SKIPPED, "r"),
        ({"Falsified": {"reason": "tagged"}}, Outcome.FALSIFIED, "tagged"),
        ({"Timeout": None}, Outcome.TIMEOUT, "r"),
        ({"Crashed": {"exit_code": -11}}, Outcome.CRASHED, "r"),
    ],
)
def test_outcomes_in_any_spelling(outcome: Json, expected: Outcome, reason: str) -> None:
    item = {**RECORD, "outcome": outcome, "reason": None if reason == "tagged" else "r", "exit_code": None}
    record = read_foreign([item], where="f").records[0]
    assert (record.outcome, record.reason) == (expected, reason)
    assert record.exit_code == (-11 if outcome == {"Crashed": {"exit_code": -11}} else None)


def test_a_bare_record_is_enough() -> None:
    record = read_foreign([{"gate_id": "X", "outcome": "falsified"}], where="f").records[0]
    assert (record.case_id, record.model, record.target_id) == ("record-0", "unknown", None)


def test_a_placeholder_model_is_the_files_model() -> None:
    placeholder: Json = {**RECORD, "scenario": {"model": {"org": "conversion", "name": "test"}}}
    evidence = read_foreign([placeholder, RECORD], where="f")
    assert [record.model for record in evidence.records] == ["acme/m", "acme/m"]
    assert evidence.records[0].details["scenario"] == {"model": {"org": "conversion", "name": "test"}}


def test_unknown_words_are_kept_as_details() -> None:
    item: Json = {**RECORD, "scenario": {"format": "ONNX", "model_id": "a/b"}}
    record = read_foreign([item], where="f").records[0]
    assert (record.format, record.model) == (None, "a/b")
    assert record.details["scenario"] == {"format": "ONNX", "model": "a/b"}


def test_a_tools_report_is_not_generated_text() -> None:
    record = read_foreign([{**RECORD, "gate_id": "G0-PULL-001"}], where="f").records[0]
    assert (record.answers, record.details["output"]) == ((), RECORD["output"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"gate_id": None}, "record 0: gate_id is missing"),
        ({"gate_id": 5}, "record 0: gate_id: expected a text, found 5"),
        ({"outcome": "passed"}, "record 0: outcome: expected one of corroborated"),
        ({"outcome": ["Falsified"]}, "found an array of 1"),
        ({"outcome": {}}, "found an object with no keys"),
        ({"scenario": []}, "record 0.scenario: expected an object"),
        ({"scenario": {"prompt": 5}}, "prompt: expected a text"),
        ({"metrics": {"duration_ms": "7"}}, "duration_ms: expected a number"),
        ({"metrics": {"duration_ms": -7}}, "duration_ms"),
        ({"metrics": {"duration_ms": 10**400}}, "too large"),
        ({"exit_code": 1.5}, "exit_code: expected a whole number"),
        ({"output": {}}, "output: expected a text"),
    ],
)
def test_wrong_types_are_refused_by_record_and_field(change: dict[str, Json], problem: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_foreign([{**RECORD, **change}], where="f")
    assert problem in str(caught.value)


def test_equal_ids_stay_two_records() -> None:
    evidence = read_foreign([RECORD, RECORD], where="f")
    assert [record.case_id for record in evidence.records] == ["m_run_cpu_gguf_0"] * 2


@pytest.mark.parametrize("field", ["reason", "output", "stderr", "gate_id"])
def test_half_a_surrogate_pair_is_spelled_out(field: str) -> None:
    record = read_foreign([{**RECORD, field: "a\ud800b"}], where="f").records[0]
    assert "\\ud800" in json.dumps(record.to_json(), ensure_ascii=False)
    json.dumps(record.to_json(), ensure_ascii=False).encode()


def test_deep_leftovers_are_cut_where_they_become_too_deep() -> None:
    deep: Json = "x"
    for _ in range(150):
        deep = [deep]
    record = read_foreign([{**RECORD, "extra": deep}], where="f").records[0]
    assert "nested too deeply" in json.dumps(record.details)


def test_every_corpus_file_reads_and_loses_no_record(corpus: Path) -> None:
    files = sorted((corpus / "evidence").glob("*.json"))
    assert len(files) == 27
    for file in files:
        raw = json.loads(file.read_text())
        evidence = read_evidence(file)
        assert [record.gate_id for record in evidence.records] == [item["gate_id"] for item in raw]
        assert [record.outcome for record in evidence.records] == [item["outcome"].lower() for item in raw]
        assert Evidence.from_json(evidence.to_json()) == evidence


def test_corpus_models_are_those_of_the_expected_table(corpus: Path) -> None:
    for row in json.loads((corpus / "mqs_expected.json").read_text())["rows"]:
        evidence = read_evidence(corpus / "evidence" / f"{row['dir']}.json")
        assert evidence.playbook.model == row["model_id"]
