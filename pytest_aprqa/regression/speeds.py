"""How fast the later run was by the earlier one's measure: ratios with 95 % intervals. Pure.

Only where both measured the same work in the same place; a version of an engine may differ, it is on trial.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aprqa.evidence import Evidence
from pytest_aprqa.scoring import speeds_of


@dataclass(frozen=True, slots=True)
class SpeedRatio:
    """One quantity, after over before."""

    name: str
    """``decode_tok_per_s``, ``ttft_ms`` or ``between_tokens_p50_ms``."""
    words: str
    """The same in plain words."""
    is_rate: bool
    """True where more is better, False for a time."""
    ratio: float
    low: float
    """Lower end of the 95 % interval."""
    high: float | None
    """Upper end; None where there are too few answers to know it."""


@dataclass(frozen=True, slots=True)
class SpeedDelta:
    """One target's speed in both runs."""

    target_id: str
    ratios: tuple[SpeedRatio, ...]
    """Empty where the two cannot be compared."""
    problem: str
    """Why they cannot be; empty where they can."""


def speed_deltas(before: Evidence, after: Evidence) -> tuple[SpeedDelta, ...]:
    """One for each target that both runs measured."""
    then, now = speeds_of(before), speeds_of(after)
    both = sorted(set(then) & set(now))
    if not both:
        return ()
    # What measures speeds brings all of its room with it, which whoever only shows a comparison need not wait for.
    from pytest_aprqa.regression.ratios import delta_of

    return tuple(delta_of(target_id, then[target_id], now[target_id]) for target_id in both)
