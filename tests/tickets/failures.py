"""Failures of known causes, as runs write them down."""

from __future__ import annotations

from pytest_aprqa.core import Outcome, Target
from pytest_aprqa.evidence import Record
from tests.reports.samples import GGUF, record

FAILED, PASSED, SKIPPED, OPEN = Outcome.FALSIFIED, Outcome.CORROBORATED, Outcome.SKIPPED, Outcome.INCONCLUSIVE


def diagnosed(
    gate_id: str, family: str, confidence: float = 0.9, target: Target = GGUF, sentence: str = "as measured"
) -> Record:
    """A falsified comparison with its probable cause."""
    cause = {"family": family, "confidence": confidence, "sentence": sentence}
    return record(gate_id, target, FAILED, details={"probable_cause": cause}, reason=f"{gate_id} is refuted")


def served(gate_id: str, outcome: Outcome = FAILED, target: Target = GGUF, **fields: object) -> Record:
    """A record of a server gate."""
    return record(gate_id, target, outcome, case_id=f"server[{target.id}-{gate_id}]", **fields)
