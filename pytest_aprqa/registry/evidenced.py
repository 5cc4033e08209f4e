"""Does a row follow from the evidence that its record names? Reads that evidence, and nothing else of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_aprqa.core import EvidenceError, GatewayState
from pytest_aprqa.evidence import Selection, provenance_problems
from pytest_aprqa.registry.awards import Award
from pytest_aprqa.registry.evidence_files import EvidenceFile, read_evidence_file, sha256_of
from pytest_aprqa.registry.finding import Finding, Rule
from pytest_aprqa.registry.moments import moment_of
from pytest_aprqa.registry.row import Row
from pytest_aprqa.registry.settle import gates_of, settled_status
from pytest_aprqa.scoring import Mqs, score_evidence, tps_columns


def evidence_problems(row: Row, award: Award, *, root: Path) -> Iterator[Finding]:
    """Everything that the recorded evidence contradicts.

    Args:
        row: the row.
        award: its record, of a run of this package.
        root: the csv's folder, from which the record names its evidence.
    """
    if award.status != row.status:
        yield Finding(row.model_id, Rule.STATUS, f"its record says {award.status or 'nothing'}, not {row.status}")
    if not award.evidence:
        yield Finding(row.model_id, Rule.EVIDENCE, "its record names no evidence")
        return
    path = root / award.evidence
    try:
        file = read_evidence_file(path)
    except EvidenceError as exc:
        yield Finding(row.model_id, Rule.EVIDENCE, str(exc))
        return
    if file.sha256 != award.evidence_sha256:
        recorded = award.evidence_sha256[:12] or "none"
        yield Finding(
            row.model_id, Rule.EVIDENCE, f"{path}: its digest is {file.sha256[:12]}…, recorded is {recorded}…"
        )
    mqs = score_evidence(file.evidence)
    for rule, problem in (
        *_identity(row, award, file),
        *_numbers(row, file, mqs),
        *_playbook(row, award, file),
        *_provenance(row, file),
    ):
        yield Finding(row.model_id, rule, problem)


def run_problems(model: str, run: Award, *, root: Path) -> Iterator[Finding]:
    """Whether the evidence of a run that left the row alone is still what was recorded."""
    path = root / run.evidence
    if not run.evidence or not path.is_file():
        yield Finding(model, Rule.EVIDENCE, f"{path}: the evidence of the last {run.tier} run is not there")
    elif (found := sha256_of(path)) != run.evidence_sha256:
        recorded = run.evidence_sha256[:12] or "none"
        yield Finding(model, Rule.EVIDENCE, f"{path}: its digest is {found[:12]}…, recorded is {recorded}…")


def _identity(row: Row, award: Award, file: EvidenceFile) -> Iterator[tuple[Rule, str]]:
    if file.model.lower() != row.model_id.lower():
        yield Rule.EVIDENCE, f"{file.path}: is about {file.model}"
    if not file.ours:
        yield Rule.EVIDENCE, f"{file.path}: recorded as measured here, but written by another tool"
    if row.awarded and file.evidence.run.selection is Selection.PARTIAL:
        yield Rule.EVIDENCE, f"{file.path}: a partial run awards nothing: {file.evidence.run.selection_reason}"
    tier = file.evidence.playbook.tier
    if tier != award.tier or (row.awarded and tier != row.certified_tier):
        yield (
            Rule.TIER,
            f"the evidence is of the tier {tier}, the row says {row.certified_tier}, its record {award.tier}",
        )
    at = moment_of(row.last_certified)
    if at is not None and file.at is not None and at > file.at.replace(microsecond=999_999):
        yield Rule.DATE, f"the row says {row.last_certified}, its evidence was measured at {file.at:%Y-%m-%dT%H:%M:%SZ}"


def _numbers(row: Row, file: EvidenceFile, mqs: Mqs) -> Iterator[tuple[Rule, str]]:
    not_passed = [gateway for gateway, state in mqs.gateways.items() if state is not GatewayState.PASSED]
    if row.awarded and not_passed:
        told = ", ".join(f"{gateway} is {mqs.gateways[gateway]}" for gateway in not_passed)
        yield Rule.GATEWAYS, f"in its evidence {told}"
    if dict(row.gates) != gates_of(mqs.gateways):
        yield Rule.GATEWAYS, "g1 to g4 are not those of its evidence"
    if row.mqs_score != mqs.mqs:
        yield Rule.SCORE, f"its evidence gives the score {mqs.mqs}, the row says {row.mqs_score}"
    earned = settled_status(file.evidence, mqs)
    if earned is None or earned.value != row.status:
        yield Rule.STATUS, f"its evidence gives {earned or 'no status'}, the row says {row.status}"
    if dict(row.tps) != tps_columns(file.evidence.records):
        yield Rule.SCORE, "the speeds are not those of its evidence"


def _playbook(row: Row, award: Award, file: EvidenceFile) -> Iterator[tuple[Rule, str]]:
    recorded = file.evidence.playbook.sha256
    if award.playbook_sha256 != recorded or (row.awarded and not recorded):
        yield Rule.PLAYBOOK, f"its record says {award.playbook_sha256[:12] or 'none'}…, the evidence {recorded[:12]}…"
        return
    path = Path(file.evidence.playbook.path)
    # The evidence may come from another machine: a playbook that is not here contradicts nothing.
    if recorded and path.is_file():
        try:
            now = sha256_of(path)
        except EvidenceError:
            return
        if now != recorded:
            yield Rule.PLAYBOOK, f"{path} has changed since: it was {recorded[:12]}…, it is {now[:12]}…"


def _provenance(row: Row, file: EvidenceFile) -> Iterator[tuple[Rule, str]]:
    problems = provenance_problems(file.evidence)
    if row.provenance_verified and problems:
        yield Rule.PROVENANCE, f"provenance_verified, although {problems[0]}"
    elif row.awarded:
        for problem in problems:
            yield Rule.PROVENANCE, problem
