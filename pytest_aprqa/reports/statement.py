"""The run as an in-toto Statement v1 with the test-result predicate v0.1, over the digests of the tested files.

Unsigned: who signs it, and with what, is not this package's to know. The predicate has no word for a case that was not
run, so skipped cases are in none of its lists, and their number stands among the annotations of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from pytest_aprqa.core import Json, Outcome, visible
from pytest_aprqa.evidence import EVIDENCE_NAME, Evidence, Record, portable
from pytest_aprqa.reports.certificate_basis import check_basis
from pytest_aprqa.reports.junit_file import unique_names
from pytest_aprqa.scoring import Mqs, coverage_of

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://in-toto.io/attestation/test-result/v0.1"


def statement_of(evidence: Evidence, mqs: Mqs, *, evidence_sha256: str, now: datetime) -> dict[str, Json]:
    """The statement.

    ``PASSED`` when the tier was passed and nothing was refuted or left open; ``WARNED`` when it was passed all the
    same; ``FAILED`` when it was not.

    Args:
        evidence: the run.
        mqs: its score.
        evidence_sha256: digest of the evidence file's bytes, 64 hex digits.
        now: when it is stated.

    Raises:
        EvidenceError: the evidence does not say which files were tested, or the score is not its own.
    """
    own = check_basis(evidence, mqs, evidence_sha256=evidence_sha256)
    evidence = portable(evidence)
    failed = _names(evidence.records, lambda outcome: outcome.failed)
    opened = _names(evidence.records, lambda outcome: outcome is Outcome.INCONCLUSIVE)
    return {
        "_type": STATEMENT_TYPE,
        "subject": _subjects(evidence),
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": _result(own, clean=not failed and not opened),
            "configuration": [_playbook(evidence), _evidence(evidence, own, evidence_sha256, now)],
            "passedTests": _names(evidence.records, lambda outcome: outcome.passed),
            "warnedTests": opened,
            "failedTests": failed,
        },
    }


def _result(mqs: Mqs, *, clean: bool) -> str:
    if not mqs.tier.passed:
        return "FAILED"
    return "PASSED" if clean else "WARNED"


def _subjects(evidence: Evidence) -> list[Json]:
    """Each tested file once; two targets may share it."""
    found: dict[tuple[str, str, str], str] = {}
    for weights in evidence.weights:
        for file, digest in sorted(weights.digests.items()):
            found.setdefault((weights.folder, file, digest), f"{visible(weights.target)}/{visible(file)}")
    names = unique_names(found.values())
    return [{"name": name, "digest": {"sha256": digest}} for name, (_, _, digest) in zip(names, found, strict=True)]


def _playbook(evidence: Evidence) -> Json:
    playbook = evidence.playbook
    return {
        "name": visible(playbook.path or playbook.name),
        "digest": {"sha256": playbook.sha256},
        "mediaType": "application/yaml",
    }


def _evidence(evidence: Evidence, mqs: Mqs, digest: str, now: datetime) -> Json:
    coverage = coverage_of(evidence)
    qualification: dict[str, Json] = {
        "model": visible(evidence.playbook.model),
        "tier": evidence.playbook.tier,
        "status": mqs.status,
        "mqs": mqs.mqs,
        "mqsCeiling": mqs.mqs_ceiling,
        "gateways": {str(gateway): str(state) for gateway, state in mqs.gateways.items()},
        "selection": evidence.run.selection,
        "judgedCases": coverage.judged,
        "plannedCases": coverage.planned,
        "skippedTests": mqs.outcomes[Outcome.SKIPPED],
        "statedAt": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "aprqaVersion": evidence.run.aprqa_version,
    }
    return {
        "name": EVIDENCE_NAME,
        "digest": {"sha256": digest},
        "mediaType": "application/json",
        "annotations": {"qualification": qualification},
    }


def _names(records: Sequence[Record], belongs: Callable[[Outcome], bool]) -> list[Json]:
    names = unique_names(visible(record.case_id) for record in records)
    return [name for name, record in zip(names, records, strict=True) if belongs(record.outcome)]
