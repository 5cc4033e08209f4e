"""What checks are judged on: a gpu target beside its cpu target, which the fake engine can be anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, Format, Outcome, Target
from pytest_aprqa.engines import Limits
from pytest_aprqa.gates import SPEED_CHECKS, by_gate
from pytest_aprqa.suite import Bench, BenchSetup, Servers, Shelf, Subjects, plan_playbook
from pytest_aprqa.weights import Search
from tests.tiny import make_tiny

PLAYBOOK = """
name: two-backends
version: "1.0.0"
model: {hf_repo: acme/tiny, local_path: model, formats: [safetensors]}
test_matrix: {modalities: [run], backends: [cpu, gpu], prompts: ["What is 2+2?"]}
profile_ci: {warmup: 0, measure: 4, tokens: 4, assertions: {min_gpu_ratio: RATIO}}
metadata: {tier: smoke}
"""
GPU = Target("acme/tiny", Format.SAFETENSORS, None, Backend.GPU)


@pytest.fixture
def subjects(tmp_path: Path) -> Iterator[Subjects]:
    make_tiny(tmp_path / "model")
    (tmp_path / "model" / "fake-engine.json").write_text(json.dumps({"token_ms": 5}))
    shelf = Shelf(Search(None, os.environ, download=False))
    made = Bench(BenchSetup(Limits(threads=1), engine="fake"), shelf)
    found = Subjects(made, Servers(made, os.environ))
    yield found
    found.close()
    made.close()


@pytest.mark.parametrize(("ratio", "outcome"), [("0.1", Outcome.CORROBORATED), ("50", Outcome.FALSIFIED)])
def test_a_gpu_is_held_against_a_cpu_that_nobody_has_measured_yet(
    tmp_path: Path, subjects: Subjects, ratio: str, outcome: Outcome
) -> None:
    path = tmp_path / "two.playbook.yaml"
    path.write_text(PLAYBOOK.replace("RATIO", ratio))
    playbook = plan_playbook(path, {}, strict=True, unavailable={}).playbook
    seen = subjects.judge(by_gate(SPEED_CHECKS)["F-PERF-003"], playbook, GPU)
    assert seen["outcome"] is outcome, seen["reason"]
