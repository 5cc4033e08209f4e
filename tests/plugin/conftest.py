"""A project as a user would have it: a model folder, a script for the fake engine, and a playbook that names both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pytest_aprqa.evidence import Evidence, Record, read_evidence
from tests.tiny import make_tiny

MODEL = "acme/tiny"
FOLDER = "acme--tiny"

SCENARIOS: list[dict[str, object]] = [
    {"name": "two_plus_two", "prompt": "What is 2+2?", "oracle": "arithmetic", "expected": 4},
    {"name": "three_times_three", "prompt": "What is 3*3?", "oracle": "arithmetic", "expected": 9},
    {"name": "capital", "prompt": "capital of France?", "oracle": {"type": "contains", "config": {"any": ["Paris"]}}},
]
ANSWERS: dict[str, object] = {"capital of France": "The capital of France is Paris."}


@dataclass(frozen=True, slots=True)
class Project:
    """Writes files and runs pytest on them."""

    pytester: pytest.Pytester
    workers: tuple[str, ...] = ()

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.pytester.path / "model"

    def script(self, **script: object) -> None:
        """Writes what the fake engine does; ``answers`` come before the usual ones."""
        answers = {**(script.pop("answers", None) or {}), **ANSWERS}  # type: ignore[dict-item]
        (self.model / "fake-engine.json").write_text(json.dumps({**script, "answers": answers}))

    def playbook(self, name: str = "tiny", **changes: object) -> Path:
        """Writes a playbook; `changes` replace its top-level keys, a mapping is merged into its own."""
        content: dict[str, object] = {
            "name": name,
            "version": "1.0.0",
            "model": {"hf_repo": MODEL, "formats": ["safetensors"], "local_path": "model"},
            "test_matrix": {"modalities": ["run", "chat"], "backends": ["cpu"], "timeout_ms": 10_000},
            "scenarios": SCENARIOS,
            "metadata": {"tier": "smoke"},
        }
        for key, value in changes.items():
            old = content.get(key)
            content[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, Mapping) else value
        path = self.pytester.path / f"{name}.playbook.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def run(self, *args: str | Path, engine: str = "fake", workers: Sequence[str] | None = None) -> pytest.RunResult:
        """Runs pytest; in this process where there are no workers, because that is faster."""
        chosen = self.workers if workers is None else workers
        if "-n" in chosen:
            pytest.importorskip("xdist", reason="needs pip install pytest-aprqa[xdist]")
        start = self.pytester.runpytest_subprocess if chosen else self.pytester.runpytest_inprocess
        # The page takes longer than everything else of such a run; its own tests ask for it.
        return start(f"--aprqa-engine={engine}", "--aprqa-report=none", *chosen, *args)

    def evidence(self, *below: str) -> Evidence:
        """What the last run wrote."""
        return read_evidence(self.pytester.path.joinpath("certifications", FOLDER, *below, "evidence.json"))

    def record(self, case_id: str) -> Record:
        """One record of the last run, by the start of its case id."""
        found = [record for record in self.evidence().records if record.case_id.startswith(case_id)]
        assert len(found) == 1, [record.case_id for record in self.evidence().records]
        return found[0]


@pytest.fixture(params=[(), ("-n", "2")], ids=["serial", "n2"])
def project(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> Project:
    """A healthy project; every test that takes it runs serially and on two workers."""
    made = Project(pytester, request.param)
    make_tiny(made.model)
    made.script()
    return made


@pytest.fixture
def serial(pytester: pytest.Pytester) -> Project:
    """A healthy project for tests in which workers make no difference."""
    made = Project(pytester)
    make_tiny(made.model)
    made.script()
    return made
