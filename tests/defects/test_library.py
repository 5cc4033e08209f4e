from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.core import GATES, Gateway, Outcome, Weights
from pytest_aprqa.gates import check_integrity
from tests.defects import DEFECTS, plant
from tests.tiny import make_tiny

G0 = [gate_id for gate_id, gate in GATES.items() if gate.gateway is Gateway.G0]

# What may be left open when a gate is falsified, because it rests on it.
RESTS_ON = {
    "G0-INTEGRITY-CONFIG": {*G0} - {"G0-INTEGRITY-SHARDS", "G0-VALIDATE-001", "G0-INTEGRITY-TOKENIZER"},
    "G0-INTEGRITY-SHARDS": {*G0} - {"G0-INTEGRITY-CONFIG"},
    "G0-INTEGRITY-LAYERS": {"G0-TENSOR-001"},
    "G0-INTEGRITY-HIDDEN": {"G0-TENSOR-001"},
    "G0-INTEGRITY-VOCAB": {"G0-TENSOR-001"},
}


@pytest.fixture(params=["tiny", "embedded"])
def healthy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a sound model: one with a head of its own, and one whose head is tied."""
    folder = tmp_path / "model"
    if request.param == "tiny":
        make_tiny(folder)
    else:
        shutil.copytree(embedded.folder(), folder)
    return folder


def outcomes(folder: Path) -> dict[str, Outcome]:
    findings = check_integrity(Weights(folder, (), "test"))
    return {finding.gate.id: finding.verdict.outcome for finding in findings}


def test_a_healthy_model_passes_every_gate(healthy: Path) -> None:
    assert outcomes(healthy) == dict.fromkeys(G0, Outcome.CORROBORATED)


@pytest.mark.parametrize("name", [name for name, defect in DEFECTS.items() if defect.gateway is Gateway.G0])
def test_a_defect_of_the_files_fails_exactly_its_gate(healthy: Path, name: str) -> None:
    plant(name, healthy)
    gate_id = DEFECTS[name].gate_id
    found = outcomes(healthy)
    assert [id for id, outcome in found.items() if outcome is Outcome.FALSIFIED] == [gate_id]
    left_open = {id for id, outcome in found.items() if outcome is Outcome.INCONCLUSIVE}
    assert left_open <= RESTS_ON.get(gate_id, set())


@pytest.mark.parametrize("name", [name for name, defect in DEFECTS.items() if defect.gateway is not Gateway.G0])
def test_a_defect_for_a_later_gateway_passes_this_one(healthy: Path, name: str) -> None:
    before = (healthy / "model.safetensors").read_bytes(), (healthy / "config.json").read_bytes()
    plant(name, healthy)
    assert outcomes(healthy) == dict.fromkeys(G0, Outcome.CORROBORATED)
    assert before != ((healthy / "model.safetensors").read_bytes(), (healthy / "config.json").read_bytes())


def test_every_gate_of_the_files_has_a_defect() -> None:
    assert {defect.gate_id for defect in DEFECTS.values() if defect.gate_id} == {*G0}
