"""What an engine's result comes to: outcome, verdict and everything that a record keeps of it.

Knows nothing of pytest and starts nothing.
"""

from __future__ import annotations

from pytest_aprqa.core import (
    EDGE_GATE,
    Case,
    Completion,
    EngineCrashed,
    EngineError,
    EngineOutOfMemory,
    EngineTimeout,
    EngineUnavailable,
    OracleSpec,
    Outcome,
)
from pytest_aprqa.engines import Result
from pytest_aprqa.evidence import GARBAGE, Observed
from pytest_aprqa.oracles import judge, oracles_for, question_of
from pytest_aprqa.playbook import Playbook

_GARBAGE_ORACLE = OracleSpec("garbage")


def outcome_of_error(error: EngineError) -> Observed:
    """What an engine's failure comes to; a missing dependency is a skip, everything else a failure.

    >>> outcome_of_error(EngineTimeout("answering", after_ms=10))["outcome"]
    <Outcome.TIMEOUT: 'timeout'>
    """
    match error:
        case EngineUnavailable():
            return Observed(outcome=Outcome.SKIPPED, reason=str(error))
        case EngineTimeout():
            return Observed(outcome=Outcome.TIMEOUT, reason=str(error))
        case EngineCrashed():
            return Observed(
                outcome=Outcome.CRASHED,
                reason=str(error),
                stderr_tail=error.stderr_tail,
                exit_code=error.exit_code,
            )
        case EngineOutOfMemory():
            return Observed(outcome=Outcome.CRASHED, reason=f"out of memory: {error}")
        case _:
            return Observed(outcome=Outcome.FALSIFIED, reason=str(error))


def outcome_of_result(playbook: Playbook, case: Case, result: Result) -> Observed:
    """Judges what came back for a case.

    Garbage is noted for gateway G4 whatever the oracles say, except where the prompt was hostile: garbage in answer to
    garbage is no evidence against the model.
    """
    if isinstance(result, EngineError):
        return outcome_of_error(result)
    question = question_of(case.scenario)
    verdict = judge(oracles_for(case.scenario.oracles, playbook.oracles, question), question, result)
    seen = Observed(outcome=verdict.outcome, reason=verdict.reason, verdict=verdict, completion=result)
    if case.gate is not EDGE_GATE:
        seen["details"] = {GARBAGE: is_garbage(case, result)}
    return seen


def is_garbage(case: Case, completion: Completion) -> bool:
    """Whether the garbage oracle refuses an answer of the completion."""
    return judge([_GARBAGE_ORACLE], question_of(case.scenario), completion).outcome is Outcome.FALSIFIED
