from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Format
from tests.cli.running import apr_qa
from tests.defects.edits import edited_tensors

INVARIANTS = ["F-CONTRACT-I2-001", "F-CONTRACT-I3-001", "F-CONTRACT-I4-001"]


@pytest.fixture(scope="module")
def transposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file one of whose square matrices was transposed on the way, and one of whose norms was silenced."""
    home = tmp_path_factory.mktemp("transposed")
    source = Path(shutil.copytree(embedded.folder(), home / "source"))
    with edited_tensors(source) as tensors:
        name = "model.layers.1.self_attn.o_proj.weight"
        tensors[name] = np.ascontiguousarray(tensors[name].T)
        norm = "model.layers.2.input_layernorm.weight"
        tensors[norm] = np.zeros_like(tensors[norm])
    return convert(source, home / "made", format=Format.GGUF).path


def test_a_failure_hides_none_of_the_others_and_the_cause_is_named(transposed: Path) -> None:
    done = apr_qa("diagnose-conversion", transposed, "--against", embedded.folder(), "--no-engines", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    outcomes = {gate["gate"]: gate["outcome"] for gate in report["gates"]}
    assert list(outcomes)[:3] == INVARIANTS
    assert (outcomes["F-CONTRACT-I2-001"], outcomes["F-CONTRACT-I4-001"]) == ("corroborated", "falsified")
    assert outcomes["F-LAYOUT-002"] == "falsified"
    assert {"transposed", "zeroed"} <= {one["family"] for one in report["diagnoses"]}
    layout = next(gate for gate in report["gates"] if gate["gate"] == "F-LAYOUT-002")
    assert layout["details"]["probable_cause"]["family"] in ("transposed", "zeroed")
    assert "; probably: " in layout["reason"]
    assert report["left_out"] == ["F-CONTRACT-I1-001", "F-CONTRACT-I5-001"]


def test_a_healthy_file_is_0_and_nothing_is_blamed(tmp_path: Path) -> None:
    path = convert(embedded.folder(), tmp_path / "made", format=Format.APR).path
    done = apr_qa("diagnose-conversion", path, "--against", embedded.folder(), "--no-engines")
    assert (done.returncode, done.stderr) == (0, "")
    assert "probably" not in done.stdout
    assert done.stdout.splitlines()[-1] == "passed: 3 corroborated of 3 gates"


def test_a_broken_file_is_diagnosed_and_not_crashed_on(transposed: Path, tmp_path: Path) -> None:
    broken = tmp_path / "model.gguf"
    broken.write_bytes(transposed.read_bytes()[:-5000])
    done = apr_qa("diagnose-conversion", broken, "--against", embedded.folder(), "--no-engines", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert {gate["outcome"] for gate in report["gates"]} == {"falsified"}
    assert report["diagnoses"][0]["family"] == "truncated_file"


def test_the_ground_truth_itself_is_no_conversion() -> None:
    weights = embedded.folder() / "model.safetensors"
    done = apr_qa("diagnose-conversion", weights, "--against", embedded.folder(), "--no-engines")
    assert done.returncode == 2
    assert "no converted file" in done.stderr


def test_without_the_ground_truth_it_is_wrong_usage(transposed: Path) -> None:
    assert apr_qa("diagnose-conversion", transposed).returncode == 2
