"""Verdicts on files and on what was observed: the gateways.

Reads model files; runs nothing. Knows no engine and no oracle, only what they have said.
"""

from pytest_aprqa.gates.finding import Finding
from pytest_aprqa.gates.gateways import (
    MAX_GARBAGE,
    Observation,
    judge_inference,
    judge_quality,
    judge_stability,
)
from pytest_aprqa.gates.integrity import check_integrity

__all__ = [
    "MAX_GARBAGE",
    "Finding",
    "Observation",
    "check_integrity",
    "judge_inference",
    "judge_quality",
    "judge_stability",
]
