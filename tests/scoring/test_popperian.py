"""The Popperian score's worked examples."""

from __future__ import annotations

from pytest_aprqa.core import Outcome
from pytest_aprqa.scoring import popperian
from tests.evidence.samples import a_record


def test_ten_different_failures_are_not_reproducible() -> None:
    passed = [a_record(f"F-QUAL-{n:03}") for n in range(90)]
    failed = [a_record(f"F-QUAL-{n:03}", Outcome.FALSIFIED) for n in range(90, 100)]
    found = popperian([*passed, *failed])
    assert (found.corroboration_ratio, found.black_swan_count, found.reproducibility_index) == (0.9, 0, 0.0)
    assert len(found.falsifications) == 10
    assert not found.is_strongly_corroborated


def test_all_passed() -> None:
    found = popperian([a_record("F-QUAL-001")] * 27)
    assert round(found.confidence_level, 6) == 0.875441
    assert (found.reproducibility_index, found.is_strongly_corroborated) == (1.0, True)


def test_a_crash_is_a_black_swan() -> None:
    found = popperian([*[a_record("F-QUAL-001")] * 99, a_record("F-QUAL-002", Outcome.CRASHED)])
    assert (found.black_swan_count, found.is_strongly_corroborated) == (1, False)
    assert found.falsifications[0].is_black_swan


def test_skips_weigh_in_the_denominator() -> None:
    found = popperian(
        [
            *[a_record("F-A1-001")] * 4,
            *[a_record("G0-A")] * 2,
            *[a_record("G2-BASIC", Outcome.FALSIFIED, reason="first")] * 2,
            *[a_record("F-A1-001", Outcome.SKIPPED)] * 12,
        ]
    )
    assert (found.corroboration_ratio, found.inconclusive, found.hypotheses_tested) == (0.75, 12, 8)
    assert round(found.severity_weighted_score, 6) == round(10 / 28, 6)
    assert (round(found.confidence_level, 6), found.reproducibility_index) == (0.409270, 1.0)
    assert found.black_swan_count == 2
    only = found.falsifications[0]
    assert (only.gate_id, only.reason, only.severity, only.occurrences) == ("G2-BASIC", "first", 5, 2)


def test_nothing_tested_is_zero() -> None:
    found = popperian([a_record(outcome=Outcome.TIMEOUT)])
    assert (found.hypotheses_tested, found.corroboration_ratio, found.confidence_level) == (0, 0.0, 0.0)
    empty = popperian([])
    assert (empty.severity_weighted_score, empty.reproducibility_index) == (0.0, 1.0)
