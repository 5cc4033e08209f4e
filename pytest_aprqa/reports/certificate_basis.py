"""What a certificate or a statement may rest on: evidence that says which bytes were tested, and its own score.

A paper about unknown files certifies nothing, so it is refused rather than printed with gaps. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pytest_aprqa.core import EvidenceError, Outcome, visible
from pytest_aprqa.evidence import Dialect, Evidence, WeightsInfo
from pytest_aprqa.scoring import Mqs, score_evidence

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN: Final = 3


def refusal(evidence: Evidence) -> str:
    """Why no certificate and no statement can be made of the evidence, and what to do; empty when they can.

    Judges only whether the evidence says what was tested, not how the test came out.
    """
    if evidence.dialect is not Dialect.APRQA:
        return (
            f"evidence of another tool (form {evidence.dialect!s}) does not say which files were tested; "
            "run the model's playbook with pytest to get evidence that does"
        )
    if not _is_sha256(evidence.playbook.sha256):
        return "the evidence holds no digest of its playbook; run the playbook again"
    nameless = [target for target in _tested_targets(evidence) if not _has_digests(evidence.weights, target)]
    if nameless:
        shown = ", ".join(map(visible, nameless[:_SHOWN]))
        return f"the evidence holds no digests of the weights of {shown}; run the playbook again, to its end"
    if not evidence.weights:
        return "nothing was tested: the evidence names no weights; get the weights and run the playbook"
    broken = [
        f"{weights.target}/{file}"
        for weights in evidence.weights
        for file, digest in weights.digests.items()
        if not _is_sha256(digest)
    ]
    return f"not a SHA-256 digest: {', '.join(map(visible, broken[:_SHOWN]))}" if broken else ""


def check_basis(evidence: Evidence, mqs: Mqs, *, evidence_sha256: str) -> Mqs:
    """The evidence's own score, by the tier that it names and with nothing said before.

    Args:
        evidence: the run.
        mqs: the score that the caller means to state.
        evidence_sha256: digest of the evidence file.

    Raises:
        EvidenceError: the evidence does not say what was tested, or the score is not its own.
    """
    problem = refusal(evidence)
    if not problem and not _is_sha256(evidence_sha256):
        problem = "the digest of the evidence file is not a SHA-256 in 64 lower-case hex digits"
    own = score_evidence(evidence)
    if not problem and (own.mqs, own.gateways, own.tier.tier) != (mqs.mqs, mqs.gateways, mqs.tier.tier):
        problem = "the score is not that of this evidence and its tier; score it again"
    if problem:
        raise EvidenceError(f"{visible(evidence.playbook.model)}: no certificate: {problem}")
    return own


def _tested_targets(evidence: Evidence) -> Iterable[str]:
    return dict.fromkeys(
        record.target_id
        for record in evidence.records
        if record.target_id is not None and record.outcome is not Outcome.SKIPPED
    )


def _has_digests(weights: Iterable[WeightsInfo], target: str) -> bool:
    return any(one.digests for one in weights if one.target == target)


def _is_sha256(text: str) -> bool:
    return _SHA256.fullmatch(text) is not None
