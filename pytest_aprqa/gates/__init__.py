"""Verdicts: on files and on what was observed (the gateways), and on how an artefact differs from the ground truth.

Reads model files and asks engines; `EnginePool` opens them for commands. Knows no oracle, only what they have said.
"""

from pytest_aprqa.gates.comparison import (
    COMPARISONS,
    Check,
    Kind,
    Options,
    Pair,
    Side,
    diagnose_pair,
    judge_check,
    judge_gate,
    word_of,
)
from pytest_aprqa.gates.contract import INVARIANTS, ContractReport, diagnose_conversion, validate_contract
from pytest_aprqa.gates.engine_pool import EnginePool
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
    "COMPARISONS",
    "INVARIANTS",
    "MAX_GARBAGE",
    "Check",
    "ContractReport",
    "EnginePool",
    "Finding",
    "Kind",
    "Observation",
    "Options",
    "Pair",
    "Side",
    "check_integrity",
    "diagnose_conversion",
    "diagnose_pair",
    "judge_check",
    "judge_gate",
    "judge_inference",
    "judge_quality",
    "judge_stability",
    "validate_contract",
    "word_of",
]
