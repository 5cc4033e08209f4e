"""The five gateways of one target: what is looked at, and what each gate says of it.

Knows nothing of pytest; what a failing gateway ends is the examiner's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytest_aprqa.core import (
    GATES,
    ArtefactError,
    EngineError,
    EngineUnavailable,
    Gate,
    Gateway,
    Json,
    Outcome,
    Target,
    Verdict,
    WeightsUnavailable,
    corroborated,
    falsified,
)
from pytest_aprqa.evidence import Observed
from pytest_aprqa.gates import Finding, Observation, judge_inference, judge_quality, judge_stability
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite.bench import Bench
from pytest_aprqa.suite.facts import engine_fact, weights_fact
from pytest_aprqa.suite.outcomes import outcome_of_error

_FILES = GATES["G0-INTEGRITY-SHARDS"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What one gateway's gates say, and what was learned on the way."""

    seen: Sequence[tuple[Gate, Observed]]
    facts: Sequence[dict[str, Json]] = field(default=())


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a gateway is judged from."""

    bench: Bench
    playbook: Playbook
    target: Target
    observations: Sequence[Observation]
    """What the target's cases have shown so far, in this process."""
    together: bool
    """Whether that is all there will be."""


def examine(gateway: Gateway, bearer: Bearer) -> Examined:
    """Judges one gateway of a target; never raises for what the model, its files or its engine did."""
    return _EXAMS[gateway](bearer)


def _integrity(bearer: Bearer) -> Examined:
    try:
        weights = bearer.bench.shelf.weights(bearer.playbook, bearer.target)
        findings = bearer.bench.shelf.findings(bearer.playbook, bearer.target)
    except (WeightsUnavailable, EngineUnavailable) as missing:
        return Examined([(_FILES, Observed(outcome=Outcome.SKIPPED, reason=str(missing)))])
    except ArtefactError as broken:
        return Examined([(_FILES, _observed(falsified(str(broken))))])
    return Examined([_of_finding(finding) for finding in findings], [weights_fact(bearer.target, weights)])


def _load(bearer: Bearer) -> Examined:
    gate = GATES["G1-LOAD"]
    try:
        facts = bearer.bench.engine(bearer.playbook, bearer.target).facts
    except EngineError as error:
        return Examined([(gate, outcome_of_error(error))])
    size = f"{facts.parameters} parameters" if facts.parameters else "the model"
    verdict = corroborated(f"{facts.name} loaded {size} in {facts.dtype} on {facts.device}", compared=1)
    return Examined([(gate, _observed(verdict))], [engine_fact(bearer.target, facts)])


def _inference(bearer: Bearer) -> Examined:
    gate = GATES["G2-INFER"]
    result = bearer.bench.first_answer(bearer.playbook, bearer.target)
    if isinstance(result, EngineError):
        return Examined([(gate, outcome_of_error(result))])
    seen = _observed(judge_inference(result))
    seen["completion"] = result
    return Examined([(gate, seen)])


def _stability(bearer: Bearer) -> Examined:
    return _from_observations(bearer, GATES["G3-STABLE"], judge_stability)


def _quality(bearer: Bearer) -> Examined:
    return _from_observations(bearer, GATES["G4-QUALITY"], judge_quality)


def _from_observations(bearer: Bearer, gate: Gate, judge: Callable[[Sequence[Observation]], Verdict]) -> Examined:
    verdict = judge(bearer.observations)
    if verdict.outcome is Outcome.CORROBORATED and not bearer.together:
        reason = (
            "the target's cases were spread over several workers; leave --dist to this plugin to judge them together"
        )
        return Examined([(gate, Observed(outcome=Outcome.INCONCLUSIVE, reason=reason))])
    return Examined([(gate, _observed(verdict))])


def _of_finding(finding: Finding) -> tuple[Gate, Observed]:
    return finding.gate, _observed(finding.verdict)


def _observed(verdict: Verdict) -> Observed:
    return Observed(outcome=verdict.outcome, reason=verdict.reason, verdict=verdict)


_EXAMS: dict[Gateway, Callable[[Bearer], Examined]] = {
    Gateway.G0: _integrity,
    Gateway.G1: _load,
    Gateway.G2: _inference,
    Gateway.G3: _stability,
    Gateway.G4: _quality,
}
