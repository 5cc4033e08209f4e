"""What ``--aprqa-baseline`` names: the speeds of an earlier run, which must be of the model that is tested."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_aprqa.core import EvidenceError, Json, PlaybookError
from pytest_aprqa.evidence import read_evidence
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.scoring import speeds_of


def read_baseline(path: Path | None) -> Mapping[str, Mapping[str, Json]] | None:
    """Target id → what the evidence file says of its speed; None for None.

    Raises:
        pytest.UsageError: it cannot be read, or nothing was measured in it.
    """
    if path is None:
        return None
    try:
        speeds = speeds_of(read_evidence(path))
    except EvidenceError as problem:
        raise pytest.UsageError(f"--aprqa-baseline: {problem}") from None
    if not speeds:
        raise pytest.UsageError(f"--aprqa-baseline: {path}: no speed was measured in that run")
    return speeds


def check_baseline(speeds: Mapping[str, Mapping[str, Json]], playbook: Playbook) -> None:
    """Refuses the speeds of other models: nothing would be compared.

    Raises:
        PlaybookError: none of them is of the playbook's model.
    """
    models = {str(speed.get("model")) for speed in speeds.values()}
    if playbook.model.hf_repo not in models:
        raise PlaybookError(
            "--aprqa-baseline has no speed of the playbook's model",
            path=playbook.path,
            line=playbook.line_of("model.hf_repo"),
            column=1,
            field="model.hf_repo",
            expected=" or ".join(sorted(models)),
            found=playbook.model.hf_repo,
        )
