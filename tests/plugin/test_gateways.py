"""Each gateway seen to fail on a planted defect, naming itself in what it ends; serially and on two workers."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pytest_aprqa.core import Gateway, GatewayState, Outcome
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.scoring import fold
from tests.plugin.conftest import Project

GARBAGE = "A2A2A2A2A2A2A2A2A2A2A2A2A2A2A2A2A2A2"


def plant_nan(project: Project) -> None:
    """One weight that is no number."""
    path = project.model / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if tensors[name].ndim == 2)
    tensors[name] = tensors[name].copy()
    tensors[name][0, 0] = np.nan
    save_file(tensors, path, metadata={"format": "pt"})


def states(evidence: Evidence) -> dict[Gateway, GatewayState]:
    """The gateways that are not passed."""
    return {gateway: state for gateway, state in fold(evidence.records).items() if state is not GatewayState.PASSED}


def failing(evidence: Evidence) -> list[Gateway]:
    """The gateways that failed."""
    return [gateway for gateway, state in states(evidence).items() if state is GatewayState.FAILED]


def plant(project: Project, gateway: Gateway) -> None:
    """A defect that makes exactly this gateway fail."""
    match gateway:
        case Gateway.G0:
            plant_nan(project)
        case Gateway.G1:
            project.script(load="refuse")
        case Gateway.G2:
            project.script(answers={"^What is 2\\+2\\?$": " "})
        case Gateway.G3:
            project.script(answers={"3\\*3": {"crash": "SIGSEGV"}})
        case Gateway.G4:
            project.script(answers={"[39]": GARBAGE, "France": GARBAGE})


@pytest.mark.parametrize("gateway", list(Gateway))
def test_a_planted_defect_fails_exactly_its_gateway(project: Project, gateway: Gateway) -> None:
    plant(project, gateway)
    result = project.run(project.playbook(failure_policy="collect-all"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    evidence = project.evidence()
    assert failing(evidence) == [gateway]
    assert isinstance(evidence.mqs, dict)
    assert evidence.mqs["mqs"] == 0
    assert evidence.mqs["status"] == "BLOCKED"
    result.stdout.fnmatch_lines([f"*{gateway}_{gateway.word}*"])


@pytest.mark.parametrize("gateway", [Gateway.G0, Gateway.G1, Gateway.G2])
def test_what_depends_on_a_failed_gateway_is_skipped_and_names_it(project: Project, gateway: Gateway) -> None:
    plant(project, gateway)
    project.run(project.playbook(failure_policy="collect-all"))
    cases = [record for record in project.evidence().records if record.modality is not None]
    assert len(cases) == 6
    assert {record.outcome for record in cases} == {Outcome.SKIPPED}
    assert all(record.reason.startswith(f"{gateway} failed: ") for record in cases)


def test_one_case_alone_fails_where_its_gateway_does(serial: Project) -> None:
    plant(serial, Gateway.G0)
    result = serial.run(f"{serial.playbook().name}::run[safetensors-cpu-capital]")
    result.assert_outcomes(errors=1)
    assert failing(serial.evidence()) == [Gateway.G0]


def test_a_gateway_that_is_switched_off_is_reported_but_ends_nothing(serial: Project) -> None:
    plant(serial, Gateway.G4)
    serial.run(serial.playbook(gates={"g4_output_quality": False}))
    evidence = serial.evidence()
    assert failing(evidence) == [Gateway.G4]
    assert "G4 is switched off" in evidence.run.selection_reason
