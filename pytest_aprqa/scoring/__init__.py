"""From records to a score: gateways, points, intervals, grades, status, and the published formula. Pure.

Knows nothing of files, engines or pytest.
"""

from pytest_aprqa.scoring.beside import Beside, beside_ground_truth
from pytest_aprqa.scoring.gate_ids import category_by_rule, category_of, gateway_of, severity_of_gate
from pytest_aprqa.scoring.gateways import fold, fold_by_target
from pytest_aprqa.scoring.grades import cert_grade, grade
from pytest_aprqa.scoring.headline import Coverage, blockers_of, coverage_of, full_headline, headline, shows_letters
from pytest_aprqa.scoring.intervals import Interval, wilson
from pytest_aprqa.scoring.mqs import Mqs, RateVerdict, score
from pytest_aprqa.scoring.of_evidence import score_evidence
from pytest_aprqa.scoring.points import MAX_POINTS, normalized, points
from pytest_aprqa.scoring.popperian import Falsification, Popperian, popperian, severity_of
from pytest_aprqa.scoring.speeds import speeds_of, tps_columns
from pytest_aprqa.scoring.status import Findings, Rules, Status, award_of, status_of
from pytest_aprqa.scoring.tally import CategoryScore, Penalty
from pytest_aprqa.scoring.tier import TierVerdict
from pytest_aprqa.scoring.tier_scale import TierScale, grade_from_tier, score_from_tier, status_from_tier
from pytest_aprqa.scoring.upstream import Tally, UpstreamMqs, score_upstream

__all__ = [
    "MAX_POINTS",
    "Beside",
    "CategoryScore",
    "Coverage",
    "Falsification",
    "Findings",
    "Interval",
    "Mqs",
    "Penalty",
    "Popperian",
    "RateVerdict",
    "Rules",
    "Status",
    "Tally",
    "TierScale",
    "TierVerdict",
    "UpstreamMqs",
    "award_of",
    "beside_ground_truth",
    "blockers_of",
    "category_by_rule",
    "category_of",
    "cert_grade",
    "coverage_of",
    "fold",
    "fold_by_target",
    "full_headline",
    "gateway_of",
    "grade",
    "grade_from_tier",
    "headline",
    "normalized",
    "points",
    "popperian",
    "score",
    "score_evidence",
    "score_from_tier",
    "score_upstream",
    "severity_of",
    "severity_of_gate",
    "shows_letters",
    "speeds_of",
    "status_from_tier",
    "status_of",
    "tps_columns",
    "wilson",
]
