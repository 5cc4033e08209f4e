"""Golden vectors: categories, points, normalization, grades, the pass-rate scale, intervals and severities."""

from __future__ import annotations

import math

import pytest

from pytest_aprqa.core import GATES
from pytest_aprqa.scoring import (
    Status,
    TierScale,
    category_by_rule,
    category_of,
    cert_grade,
    gateway_of,
    grade,
    grade_from_tier,
    normalized,
    points,
    score_from_tier,
    severity_of,
    status_from_tier,
    wilson,
)


@pytest.mark.parametrize(
    ("gate_id", "category"),
    [
        ("F-CONV-RT-002", "REGR"),
        ("F-CONV-IDEM-001", "REGR"),
        ("F-CONV-COM-001", "REGR"),
        ("F-CONV-G-A", "COMP"),
        ("F-CONV-CONFIG-001", "COMP"),
        ("F-CONTRACT-I4-001", "COMP"),
        ("G0-PULL-001", "STAB"),
        ("f-perf-1", "PERF"),
        ("UNKNOWN", "QUAL"),
        ("", "QUAL"),
        ("G2-BASIC", "QUAL"),
        ("F-LAYOUT-CONTRACT-001", "QUAL"),
        ("f-conv-x", "QUAL"),
    ],
)
def test_category_of_a_foreign_gate_id(gate_id: str, category: str) -> None:
    assert category_by_rule(gate_id) == category


def test_the_gate_table_wins_over_the_rules() -> None:
    assert category_by_rule("G2-INFER") == "QUAL"
    assert category_of("G2-INFER") == "STAB"
    for gate in GATES.values():
        assert (category_of(gate.id), gateway_of(gate.id)) == (gate.category, gate.gateway)


@pytest.mark.parametrize(
    ("passed", "total", "maximum", "expected"),
    [(10, 10, 200, 200), (5, 10, 200, 100), (0, 10, 200, 0), (3, 4, 150, 113), (1, 4, 150, 38), (2, 3, 200, 133)],
)
def test_points_round_half_away_from_zero(passed: int, total: int, maximum: int, expected: int) -> None:
    assert points(passed, total, maximum) == expected


def test_points_agree_with_floating_point_where_that_is_exact() -> None:
    for total in range(1, 130):
        for passed in range(total + 1):
            exact = (passed * 150) % total * 2 == total
            if not exact:
                assert points(passed, total, 150) == math.floor(passed / total * 150 + 0.5)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (0, 0.0),
        (200, 44.716),
        (446, 70.018),
        (500, 74.036),
        (772, 90.026),
        (800, 91.381),
        (900, 95.904),
        (925, 96.965),
        (926, 97.007),
        (950, 98.0),
        (1000, 100.0),
    ],
)
def test_normalized_score(raw: int, expected: float) -> None:
    assert round(normalized(raw), 3) == expected


@pytest.mark.parametrize(
    ("letter", "least"),
    [
        ("A+", 926),
        ("A", 835),
        ("A-", 772),
        ("B+", 713),
        ("B", 641),
        ("B-", 590),
        ("C+", 544),
        ("C", 486),
        ("C-", 446),
        ("D+", 409),
        ("D", 363),
        ("D-", 332),
    ],
)
def test_smallest_mqs_of_each_grade(letter: str, least: int) -> None:
    assert grade(normalized(least)) == letter
    assert grade(normalized(least - 1)) != letter


@pytest.mark.parametrize(("least", "letter"), [(950, "A+"), (900, "A"), (850, "B+"), (800, "B"), (700, "C"), (0, "F")])
def test_smallest_mqs_of_each_certification_grade(least: int, letter: str) -> None:
    assert cert_grade(least) == letter
    assert cert_grade(least - 1) != letter or least == 0


MVP, FULL = TierScale.MVP, TierScale.FULL


@pytest.mark.parametrize(
    ("scale", "rate", "p0", "expected"),
    [
        (MVP, 1.0, False, (800, "B", "PROVISIONAL")),
        (MVP, 0.98, False, (800, "B", "PROVISIONAL")),
        (MVP, 0.90, False, (800, "B", "PROVISIONAL")),
        (MVP, 0.8999, False, (629, "F", "BLOCKED")),
        (MVP, 0.85, False, (594, "F", "BLOCKED")),
        (MVP, 0.99, True, (692, "F", "BLOCKED")),
        (FULL, 1.0, False, (1000, "A+", "CERTIFIED")),
        (FULL, 0.98, False, (980, "A+", "CERTIFIED")),
        (FULL, 27 / 28, False, (964, "A+", "CERTIFIED")),
        (FULL, 0.95, False, (950, "A+", "CERTIFIED")),
        (FULL, 18 / 19, False, (893, "B+", "PROVISIONAL")),
        (FULL, 25 / 27, False, (851, "B+", "PROVISIONAL")),
        (FULL, 0.92, False, (839, "B", "PROVISIONAL")),
        (FULL, 0.90, False, (800, "B", "PROVISIONAL")),
        (FULL, 0.8999, False, (629, "F", "BLOCKED")),
        (FULL, 0.50, False, (349, "F", "BLOCKED")),
        (FULL, 0.99, True, (692, "F", "BLOCKED")),
        (FULL, -1.0, False, (0, "F", "BLOCKED")),
        (FULL, 2.0, True, (699, "F", "BLOCKED")),
    ],
)
def test_pass_rate_scale(scale: TierScale, rate: float, p0: bool, expected: tuple[int, str, str]) -> None:
    found = (
        score_from_tier(scale, rate, p0=p0),
        grade_from_tier(scale, rate, p0=p0),
        status_from_tier(scale, rate, p0=p0),
    )
    assert found == (expected[0], expected[1], Status(expected[2]))


@pytest.mark.parametrize(("tier", "scale"), [("mvp", MVP), ("smoke", FULL), ("deep", FULL), (None, FULL)])
def test_every_tier_but_mvp_is_on_the_full_scale(tier: str | None, scale: TierScale) -> None:
    assert TierScale.of(tier) is scale


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [(27, 27, 0.875441, 1.0), (6, 8, 0.409270, 0.928522), (0, 10, 0.0, 0.277540), (0, 0, 0.0, 1.0)],
)
def test_wilson_interval(passed: int, total: int, low: float, high: float) -> None:
    found = wilson(passed, total)
    assert (round(found.low, 6), round(found.high, 6)) == (low, high)


@pytest.mark.parametrize(
    ("gate_id", "severity"),
    [
        ("F-X-P0-001", 5),
        ("G1-LOAD", 5),
        ("F-QUAL-P1-001", 4),
        ("F-QUAL-P2-001", 3),
        ("F-EDGE-001", 3),
        ("F-STAB-1", 3),
        ("F-PERF-001", 2),
        ("F-OTHER-001", 1),
    ],
)
def test_severity_of_a_gate_id(gate_id: str, severity: int) -> None:
    assert severity_of(gate_id) == severity
