"""Comparisons as a user meets them: items of a playbook, on files that only pytest and the converters touch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Format, Outcome, Quantization
from tests.defects.conversion.library import plant_in
from tests.plugin.conftest import Project

CONTRACT = {"invariants": ["I-2", "I-3", "I-4"]}


def playbook(project: Project, *, files: dict[str, str] | None = None, g0: bool = True) -> Path:
    """A playbook that compares a GGUF or APR file with the project's model."""
    model = {"formats": ["safetensors", *(files or {"gguf": ""})], "files": files or {}, "quantizations": ["f32"]}
    matrix = {"modalities": ["run"], "backends": ["cpu"]}
    gates = {"g0_integrity": g0}
    return project.playbook(model=model, test_matrix=matrix, contract_tests=CONTRACT, gates=gates)


def made(project: Project, format: Format) -> Path:
    """A healthy artefact of the project's model, out of the model's folder."""
    quantization = Quantization.F32 if format is Format.GGUF else None
    return convert(project.model, project.pytester.path / str(format), format=format, quantization=quantization).path


def test_what_the_user_does_not_have_is_made_in_the_cache_and_compared(project: Project) -> None:
    before = sorted(project.model.iterdir())
    result = project.run(playbook(project), "-m", "contract", "--aprqa-conversions=made")
    result.assert_outcomes(passed=3)
    assert sorted(project.model.iterdir()) == before
    weights = next(it for it in project.evidence().weights if it.target == "gguf-f32-cpu")
    assert "converted by pytest-aprqa" in weights.source
    assert Path(weights.folder).is_relative_to(project.pytester.path / "made")


def test_a_planted_defect_in_the_users_file_is_refuted_with_its_probable_cause(project: Project) -> None:
    artefact = made(project, Format.GGUF)
    plant_in(artefact, "tensor_doubled")
    result = project.run(playbook(project, files={"gguf": str(artefact)}), "-m", "contract")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    record = project.record("contract[gguf-f32-cpu-F-CONTRACT-I4-001]")
    assert record.outcome is Outcome.FALSIFIED
    assert record.details["probable_cause"]
    assert "probably" in record.reason
    result.stdout.fnmatch_lines(["*falsified F-CONTRACT-I4-001: *"])


def test_a_refuted_comparison_of_severity_p0_ends_the_models_cases(serial: Project) -> None:
    artefact = made(serial, Format.APR)
    plant_in(artefact, "tensor_dropped")
    files = {"apr": str(artefact)}
    serial.run(playbook(serial, files=files, g0=False), "-k", "apr and (contract or run)")
    cases = [record for record in serial.evidence().records if record.modality is not None]
    assert {record.outcome for record in cases} == {Outcome.SKIPPED}
    assert all("F-CONTRACT-I2-001 failed" in record.reason for record in cases)


def test_a_file_that_the_user_does_not_have_is_a_skip_that_says_where_it_should_be(serial: Project) -> None:
    result = serial.run(playbook(serial, files={"gguf": "nowhere.gguf"}), "-k", "gguf")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    reasons = {record.reason.partition("\n")[0] for record in serial.evidence().records}
    assert any("acme/tiny" in reason for reason in reasons)
    assert all(record.outcome is Outcome.SKIPPED for record in serial.evidence().records)
    result.stdout.fnmatch_lines(["*correct model.files in the playbook*"])


def test_the_ground_truth_can_be_the_users_own_file_dequantized(serial: Project) -> None:
    artefact = made(serial, Format.GGUF)
    for file in serial.model.glob("*.safetensors"):
        file.unlink()
    path = playbook(serial, files={"gguf": str(artefact)})
    content = path.read_text().replace("  local_path: model\n", "  ground_truth: dequantized\n")
    path.write_text(content)
    result = serial.run(path, "-m", "contract", "--aprqa-conversions=made")
    result.assert_outcomes(passed=3)


def test_every_record_of_a_comparison_says_what_it_rests_on(serial: Project) -> None:
    serial.run(playbook(serial), "-m", "contract", "--aprqa-conversions=made")
    records = [record for record in serial.evidence().records if record.case_id.startswith("contract")]
    assert [record.gate_id for record in records] == ["F-CONTRACT-I2-001", "F-CONTRACT-I3-001", "F-CONTRACT-I4-001"]
    assert all(record.compared and record.duration_ms is not None for record in records)
    json.dumps([record.to_json() for record in records], allow_nan=False)
