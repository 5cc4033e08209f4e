"""What ``--aprqa-baseline`` names: the speeds of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_aprqa.core import EvidenceError, Json
from pytest_aprqa.evidence import read_evidence
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
