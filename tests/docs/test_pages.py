"""What the pages show works: examples compute, engines load, files parse."""

from __future__ import annotations

import doctest
import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pytest_aprqa.core import Answer, Completion, Finish, Metrics, Outcome
from pytest_aprqa.evidence import read_evidence
from tests.docs.pages import PAGES, ROOT, blocks
from tests.tiny import make_tiny

EXTENDING = ROOT / "docs" / "extending.md"


@pytest.mark.parametrize("page", [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")], ids=str)
def test_examples_compute_what_the_page_says(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize(("kind", "parse"), [("yaml", yaml.safe_load), ("toml", tomllib.loads), ("json", json.loads)])
def test_every_block_of_data_parses(kind: str, parse: object) -> None:
    assert callable(parse)
    found = [block for page in PAGES for block in blocks(page, kind)]
    assert found
    for block in found:
        assert parse(block.text) is not None, f"{block.page}:{block.line}"


def test_the_engine_of_the_page_is_found_loaded_and_asked(tmp_path: Path) -> None:
    (tmp_path / "adder.py").write_text(blocks(EXTENDING, "python")[0].text)
    entry = tomllib.loads(blocks(EXTENDING, "toml")[0].text)["project"]["entry-points"]["pytest_aprqa.engines"]
    info = tmp_path / "adder-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adder\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pytest_aprqa.engines]\nadder = {entry['adder']}\n")
    make_tiny(tmp_path / "model")
    playbook = {
        "name": "added",
        "version": "1.0.0",
        "model": {"hf_repo": "acme/tiny", "formats": ["safetensors"], "local_path": "model"},
        "test_matrix": {"modalities": ["run"], "backends": ["cpu"]},
        "scenarios": [
            {"name": "sum", "prompt": "What is 2+2?", "oracle": "arithmetic", "expected": 4},
            {"name": "product", "prompt": "What is 2*3?", "oracle": "arithmetic", "expected": 6},
        ],
        "failure_policy": "collect-all",
        "metadata": {"tier": "smoke"},
    }
    (tmp_path / "added.playbook.yaml").write_text(yaml.safe_dump(playbook))
    words = ["-m", "pytest", "added.playbook.yaml", "--aprqa-engine", "adder", "--aprqa-output", "out", "-q"]
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin"}, timeout=120,
    )  # fmt: skip
    evidence = read_evidence(tmp_path / "out" / "acme--tiny" / "evidence.json")
    outcomes = {record.scenario: record.outcome for record in evidence.records if record.scenario}
    assert outcomes == {"sum": Outcome.CORROBORATED, "product": Outcome.FALSIFIED}, done.stdout
    assert [engine.name for engine in evidence.engines] == ["adder"]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("PARIS", Outcome.CORROBORATED), ("Paris", Outcome.FALSIFIED), ("42", Outcome.INCONCLUSIVE)],
)
def test_the_oracle_of_the_page_says_each_verdict(tmp_path: Path, text: str, outcome: Outcome) -> None:
    file = tmp_path / "shout.py"
    file.write_text(blocks(EXTENDING, "python")[1].text)
    spec = importlib.util.spec_from_file_location("shout", file)
    assert spec is not None
    assert spec.loader is not None
    shout = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shout)
    answer = Answer(text, (1,), Finish.STOP, prompt_tokens=1)
    completion = Completion("one", (answer,), Metrics(duration_ms=1, prompt_tokens=1, generated_tokens=1, batch_size=1))
    assert shout.judge_shout(None, completion, {}).outcome is outcome
