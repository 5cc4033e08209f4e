"""A registry, a playbook and a pytest that are quick to make."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_aprqa.certification import Ended
from pytest_aprqa.evidence import Evidence, output_folder, write_evidence
from pytest_aprqa.registry import COLUMNS, Registry, Row

TINY = "aprqa/aprqa-tiny"
CODER = "Qwen/Qwen2.5-Coder-1.5B-Instruct"

PLAYBOOK = """\
name: {name}
model:
  hf_repo: {model}
  formats: [safetensors]
test_matrix:
  modalities: [run]
  backends: [cpu, gpu]
scenarios:
  - {{ name: sum, prompt: "What is 2+2?", oracle: arithmetic, expected: 4, max_tokens: 16 }}
metadata:
  tier: {tier}
"""


def playbook(folder: Path, *, model: str = TINY, tier: str = "smoke") -> Path:
    """A playbook of one question, in a folder of playbooks."""
    name = f"{model.rpartition('/')[2].lower()}-{tier}"
    path = folder / f"{name}.playbook.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(PLAYBOOK.format(name=name, model=model, tier=tier))
    return path


def registry(path: Path, *rows: Row) -> Registry:
    """Two models, or the given ones, that were never measured."""
    return Registry(
        path, COLUMNS, rows or (Row(TINY, "aprqa", "2M", "tiny"), Row(CODER, "qwen-coder", "1.5B", "small"))
    )


def pytest_that_leaves(output: Path, evidence: Evidence | None, ended: Ended = Ended(0)) -> Callable[..., Ended]:  # noqa: B008 - a value
    """Stands in for pytest: writes evidence as a run would, and ends as told."""

    def run(_arguments: Sequence[str], *, quiet: bool = False) -> Ended:
        _ = quiet
        if evidence is not None:
            write_evidence(output_folder(output, evidence.playbook.model), evidence)
        return ended

    return run


def fake_pytest(folder: Path, code: str) -> Path:
    """A folder with a module ``pytest`` that is this code; put it first in PYTHONPATH."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pytest.py").write_text(textwrap.dedent(code))
    return folder
