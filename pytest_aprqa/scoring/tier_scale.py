"""The older scale that turns a pass rate into a score, a status and a grade; shown beside the MQS, never instead of it.

Its words MVP and FULL are scales, not tiers of a playbook: every tier but mvp is measured on FULL.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, assert_never

from pytest_aprqa.scoring.grades import cert_grade
from pytest_aprqa.scoring.status import Status

_MVP_PASSES: Final = 0.90
_FULL_PASSES: Final = 0.95
_FAILED_BELOW: Final = 699
"""A failed run's score is its pass rate's share of this."""


class TierScale(StrEnum):
    """Which scale a pass rate is read on."""

    MVP = "mvp"
    FULL = "full"

    @classmethod
    def of(cls, tier: str | None) -> TierScale:
        """The scale of a playbook's tier.

        >>> TierScale.of("mvp").value, TierScale.of("smoke").value
        ('mvp', 'full')
        """
        return cls.MVP if tier == cls.MVP else cls.FULL


def score_from_tier(scale: TierScale, pass_rate: float, *, p0: bool = False) -> int:
    """Score (0-1000) of a pass rate (0.0-1.0).

    Args:
        scale: the scale.
        pass_rate: corroborated cases over all cases.
        p0: whether a P0 gate failed, which fails the run whatever its rate.

    >>> score_from_tier(TierScale.MVP, 0.9), score_from_tier(TierScale.FULL, 27 / 28)
    (800, 964)
    >>> score_from_tier(TierScale.FULL, 0.99, p0=True)
    692
    """
    if p0 or pass_rate < _MVP_PASSES:
        return min(_FAILED_BELOW, int(_clamp(pass_rate, 1) * _FAILED_BELOW))
    match scale:
        case TierScale.MVP:
            return 800
        case TierScale.FULL if pass_rate >= _FULL_PASSES:
            return 950 + int(_clamp((pass_rate - _FULL_PASSES) * 1000, 50))
        case TierScale.FULL:
            return 800 + int(_clamp((pass_rate - _MVP_PASSES) / 0.05 * 99, 99))
        case _:
            assert_never(scale)


def status_from_tier(scale: TierScale, pass_rate: float, *, p0: bool = False) -> Status:
    """Status word of a pass rate (0.0-1.0); arguments as `score_from_tier`.

    >>> status_from_tier(TierScale.MVP, 1.0).value, status_from_tier(TierScale.FULL, 1.0).value
    ('PROVISIONAL', 'CERTIFIED')
    """
    if p0 or pass_rate < _MVP_PASSES:
        return Status.BLOCKED
    if scale is TierScale.FULL and pass_rate >= _FULL_PASSES:
        return Status.CERTIFIED
    return Status.PROVISIONAL


def grade_from_tier(scale: TierScale, pass_rate: float, *, p0: bool = False) -> str:
    """Certification grade of `score_from_tier`.

    >>> grade_from_tier(TierScale.FULL, 0.98), grade_from_tier(TierScale.MVP, 0.85)
    ('A+', 'F')
    """
    return cert_grade(score_from_tier(scale, pass_rate, p0=p0))


def _clamp(number: float, high: float) -> float:
    return min(high, max(0.0, number))
