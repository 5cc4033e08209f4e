"""Verdicts: on files and on what was observed (the gateways), on how an artefact differs from the ground truth, on
state, speed and servers.

Reads model files and asks engines; `EnginePool` opens them for commands. Knows no oracle, only what they have said.
"""

from pytest_aprqa.gates.check import Check, Judging, Kind, by_gate
from pytest_aprqa.gates.comparison import (
    COMPARISONS,
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
    Observation,
    judge_inference,
    judge_quality,
    judge_stability,
)
from pytest_aprqa.gates.integrity import check_integrity
from pytest_aprqa.gates.server import (
    KNOWN,
    SERVER_CHECKS,
    SERVER_ENDINGS,
    SERVER_START,
    Service,
    Spoken,
    judge_service,
    known_deviation,
    listen,
)
from pytest_aprqa.gates.speed import SPEED_CHECKS, Thresholds, Timing, asserted, judge_speed, thresholds_of
from pytest_aprqa.gates.state import STATE_CHECKS, Work, judge_state

__all__ = [
    "COMPARISONS",
    "INVARIANTS",
    "KNOWN",
    "SERVER_CHECKS",
    "SERVER_ENDINGS",
    "SERVER_START",
    "SPEED_CHECKS",
    "STATE_CHECKS",
    "Check",
    "ContractReport",
    "EnginePool",
    "Finding",
    "Judging",
    "Kind",
    "Observation",
    "Options",
    "Pair",
    "Service",
    "Side",
    "Spoken",
    "Thresholds",
    "Timing",
    "Work",
    "asserted",
    "by_gate",
    "check_integrity",
    "diagnose_conversion",
    "diagnose_pair",
    "judge_check",
    "judge_gate",
    "judge_inference",
    "judge_quality",
    "judge_service",
    "judge_speed",
    "judge_stability",
    "judge_state",
    "known_deviation",
    "listen",
    "thresholds_of",
    "validate_contract",
    "word_of",
]
