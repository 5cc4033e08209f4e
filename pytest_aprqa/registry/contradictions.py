"""What published evidence says against a published row: for rows that nobody here measured. Pure.

The evidence is judged by our rules: a gateway without evidence is not passed, what was not tested gives no points, and
a pass that compared nothing is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_aprqa.core import Gateway, GatewayState
from pytest_aprqa.evidence import Evidence, Record
from pytest_aprqa.registry.evidence_files import EvidenceFile
from pytest_aprqa.registry.finding import Finding, Rule
from pytest_aprqa.registry.row import Row
from pytest_aprqa.registry.settle import gates_of
from pytest_aprqa.registry.vacuity import empty_passes
from pytest_aprqa.scoring import Mqs, Status, gateway_of, score_evidence, score_upstream


def contradictions(row: Row, files: Sequence[EvidenceFile]) -> tuple[Finding, ...]:
    """Everything in a model's evidence that its row does not agree with.

    Args:
        row: of a published registry.
        files: the evidence about its model; may be none.
    """
    if not files:
        missing = Finding(row.model_id, Rule.EVIDENCE, f"{row.status}, and there is no evidence of it")
        return (missing,) if row.awarded else ()
    scored = [(file, score_evidence(file.evidence)) for file in files]
    problems = [
        *(problem for file, mqs in scored for problem in _of_file(row, file, mqs)),
        *_score(row, scored),
    ]
    return tuple(Finding(row.model_id, rule, problem) for rule, problem in problems)


def _of_file(row: Row, file: EvidenceFile, mqs: Mqs) -> Iterator[tuple[Rule, str]]:
    name = file.path.name
    if row.status == Status.PENDING and mqs.total:
        yield Rule.STATUS, f"{name}: PENDING, although {mqs.passed} of {mqs.total} checks passed in it"
    if row.awarded:
        for gateway, state in mqs.gateways.items():
            if state is GatewayState.FAILED:
                yield Rule.GATEWAYS, f"{name}: {gateway} failed in its evidence: {_why(file.evidence, gateway)}"
        unknown = [gateway.value for gateway, state in mqs.gateways.items() if state is GatewayState.UNKNOWN]
        if unknown:
            yield Rule.GATEWAYS, f"{name}: no evidence for {', '.join(unknown)}"
    claimed = [gate for gate, passed in row.gates.items() if passed and not gates_of(mqs.gateways)[gate]]
    if claimed:
        told = ", ".join(f"{gate} ({mqs.gateways[Gateway(gate.upper())]})" for gate in claimed)
        yield Rule.GATEWAYS, f"{name}: the row says passed, the evidence not: {told}"
    if row.status != Status.PENDING and (problems := tuple(empty_passes(file.evidence))):
        yield Rule.ANSWERS, f"{name}: {'; '.join(problems)}"


def _score(row: Row, scored: Sequence[tuple[EvidenceFile, Mqs]]) -> Iterator[tuple[Rule, str]]:
    if row.mqs_score is None or row.status == Status.PENDING or any(mqs.mqs == row.mqs_score for _, mqs in scored):
        return
    told = "; ".join(
        f"{file.path.name} gives {mqs.mqs}, by the published formula {score_upstream(file.evidence.records).raw_score}"
        for file, mqs in scored
    )
    yield Rule.SCORE, f"the row says {row.mqs_score}: {told}"


def _why(evidence: Evidence, gateway: Gateway) -> str:
    failed = [record for record in evidence.records if record.outcome.failed and gateway_of(record.gate_id) is gateway]
    if not failed:
        return "by its other records"
    reasons = dict.fromkeys(_told(record) for record in failed)
    return f"{len(failed)} records, first {next(iter(reasons))}"


def _told(record: Record) -> str:
    where = "/".join(str(part) for part in (record.modality, record.format, record.backend) if part)
    return f"{record.gate_id} ({where})" if where else record.gate_id
