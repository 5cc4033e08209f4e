"""The published formula: its worked examples, and every row of the published evidence bit for bit."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import Category, Gateway, Outcome
from pytest_aprqa.evidence import Record, read_evidence
from pytest_aprqa.scoring import (
    Rules,
    Status,
    TierScale,
    grade_from_tier,
    popperian,
    score,
    score_from_tier,
    score_upstream,
    status_from_tier,
)
from tests.evidence.samples import a_record


def some(gate_id: str, passed: int, failed: int, outcome: Outcome = Outcome.FALSIFIED) -> list[Record]:
    return [a_record(gate_id, Outcome.CORROBORATED if n < passed else outcome) for n in range(passed + failed)]


@pytest.mark.parametrize(
    ("records", "raw", "normalized_score", "grade"),
    [
        ([], 1000, 100.0, "A+"),
        (some("F-QUAL-001", 2, 1), 933, 97.299, "A+"),
        (some("F-QUAL-001", 50, 0) + some("F-PERF-001", 0, 5, Outcome.TIMEOUT), 800, 91.381, "A-"),
        (some("F-QUAL-001", 0, 7), 800, 91.381, "A-"),
        (some("F-CONTRACT-I2-001", 1, 1), 925, 96.965, "A"),
        (some("G2-BASIC", 25, 2), 0, 0.0, "F"),
        (some("G0-PULL-001", 0, 1), 800, 91.381, "A-"),
    ],
)
def test_worked_examples(records: list[Record], raw: int, normalized_score: float, grade: str) -> None:
    found = score_upstream(records)
    assert (found.raw_score, round(found.normalized_score, 3), found.grade) == (raw, normalized_score, grade)


@pytest.mark.parametrize(
    ("total", "failing", "passes"), [(10, 10, False), (4, 1, True), (3, 1, False), (10, 3, False), (10, 2, True)]
)
def test_quality_gateway_divides_by_all_evidence(total: int, failing: int, passes: bool) -> None:
    records = some("F-A1-001", total - failing, 0) + some("G4-GARBAGE-001", 0, failing)
    assert score_upstream(records).gateways[Gateway.G4] is passes


@pytest.mark.parametrize(
    ("gate_id", "outcome", "failed"),
    [
        ("G0-INTEGRITY-VOCAB", Outcome.FALSIFIED, Gateway.G0),
        ("G0-PULL-001", Outcome.FALSIFIED, None),
        ("F-XG1-001", Outcome.TIMEOUT, Gateway.G1),
        ("G2-BASIC", Outcome.FALSIFIED, Gateway.G2),
        ("F-A1-001", Outcome.CRASHED, Gateway.G3),
    ],
)
def test_each_gateway_fails_by_its_own_rule(gate_id: str, outcome: Outcome, failed: Gateway | None) -> None:
    found = score_upstream([*some("F-A1-001", 9, 0), a_record(gate_id, outcome)])
    assert [gateway for gateway, passed in found.gateways.items() if not passed] == ([failed] if failed else [])
    assert (found.raw_score == 0) == (failed is not None)
    assert found.total_penalty == (1000 if failed else 0)
    assert found.gateways_passed == (failed is None)


def test_skipped_counts_as_passed_there_and_never_here() -> None:
    skipped = [a_record("F-A1-001", Outcome.SKIPPED)]
    assert (score_upstream(skipped).tests_passed, score_upstream(skipped).raw_score) == (1, 1000)
    assert score(skipped, Rules("deep")).mqs == 0


def test_it_is_plain_json() -> None:
    plain = score_upstream(some("F-QUAL-001", 2, 1)).to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["tallies"]["QUAL"] == [2, 3]  # type: ignore[index,call-overload]  # its shape is what is tested


def rows(corpus: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((corpus / "mqs_expected.json").read_text())["rows"]
    assert len(found) == 27
    return found


def test_every_published_row_is_reproduced(corpus: Path) -> None:
    for row in rows(corpus):
        records = read_evidence(corpus / "evidence" / f"{row['dir']}.json").records
        assert upstream_row(records) == row["mqs"], row["dir"]
        assert popperian_row(records) == row["popperian"], row["dir"]
        outcomes = Counter(record.outcome.capitalize() for record in records)
        assert dict(outcomes) == row["outcomes"], row["dir"]
        for scale, key in ((TierScale.MVP, "tier_mvp"), (TierScale.FULL, "tier_full")):
            assert tier_row(records, scale) == row[key], row["dir"]


def test_no_published_evidence_earns_an_award_here(corpus: Path) -> None:
    for row in rows(corpus):
        records = read_evidence(corpus / "evidence" / f"{row['dir']}.json").records
        mqs = score(records, Rules("deep"))
        assert mqs.status in (Status.BLOCKED, Status.PARTIAL), row["dir"]
        assert not mqs.tier.passed


def upstream_row(records: tuple[Record, ...]) -> dict[str, Any]:
    found = score_upstream(records)
    return {
        "raw_score": found.raw_score,
        "normalized_score": round(found.normalized_score, 4),
        "grade": found.grade,
        "gateways": dict(found.gateways),
        "gateways_passed": found.gateways_passed,
        "categories": dict(found.categories),
        "ungated_categories": dict(found.ungated_categories),
        "tallies": {category: list(found.tallies[category]) for category in Category},
        "ungated_raw": found.ungated_raw,
        "total_penalty": found.total_penalty,
        "total_tests": found.total_tests,
        "tests_passed": found.tests_passed,
        "tests_failed": found.tests_failed,
        "qualifies": found.qualifies,
        "production_ready": found.production_ready,
    }


def popperian_row(records: tuple[Record, ...]) -> dict[str, Any]:
    found = asdict(popperian(records))
    gates = len(found.pop("falsifications"))
    return {
        **{name: round(value, 6) if isinstance(value, float) else value for name, value in found.items()},
        "falsified_gates": gates,
    }


def tier_row(records: tuple[Record, ...], scale: TierScale) -> dict[str, Any]:
    rate = sum(record.outcome.passed for record in records) / len(records)
    return {
        "pass_rate": round(rate, 6),
        "score": score_from_tier(scale, rate),
        "grade": grade_from_tier(scale, rate),
        "status": status_from_tier(scale, rate),
    }
