"""Does a run pass its tier? The scoped score: points over the categories that the tier requires, scaled to 1000."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Category, GatewayState
from pytest_aprqa.scoring.points import TOTAL_POINTS, points
from pytest_aprqa.scoring.status import Rules
from pytest_aprqa.scoring.tally import CategoryScore

_NAMED: Final = 5
"""Gates that a sentence names."""


@dataclass(frozen=True, slots=True)
class TierVerdict:
    """Whether the tier was passed, and how surely."""

    tier: str | None
    passed: bool
    scoped_score: int
    """0-1000, penalties taken off."""
    pass_mark: int
    """Scoped score that the tier asks for."""
    scoped_low: int
    """The scoped score at the lower ends of the categories' 95 % intervals, 0-1000."""
    confident: bool
    """True when `scoped_low` too reaches the mark."""
    reasons: tuple[str, ...]
    """Why it was not passed; when it was, what to bear in mind."""


def tier_verdict(
    categories: Mapping[Category, CategoryScore],
    gateways: Sequence[GatewayState],
    rules: Rules,
    *,
    penalty: int,
    refuted_p0: Sequence[str] = (),
    too_slow: Sequence[str] = (),
) -> TierVerdict:
    """Judges a run by its tier.

    Args:
        categories: how each came out.
        gateways: state of each gateway.
        rules: the tier.
        penalty: points taken off for crashes and timeouts.
        refuted_p0: refuted gates of severity P0.
        too_slow: targets that decode below the playbook's floor.
    """
    required = [categories[category] for category in rules.required]
    maximum = sum(category.max_points for category in required)
    scoped = max(0, _scaled(sum(category.points for category in required), maximum) - penalty)
    low = max(0, _scaled(sum(category.points_low for category in required), maximum) - penalty)
    mark = rules.pass_mark
    problems = _problems(required, gateways, rules)
    if refuted_p0:
        problems.append(f"refuted at severity P0: {', '.join(refuted_p0[:_NAMED])}{_more(refuted_p0)}")
    if too_slow:
        problems.append(f"decoding below the playbook's floor: {', '.join(too_slow)}")
    if scoped < mark:
        problems.append(f"the scoped score {scoped} is below {mark}")
    confident = low >= mark
    remarks = [] if problems or confident else [f"at the lower ends of the 95 % intervals it would be {low}"]
    return TierVerdict(rules.tier, not problems, scoped, mark, low, confident, (*problems, *remarks))


def _more(gates: Sequence[str]) -> str:
    return f" and {len(gates) - _NAMED} more" if len(gates) > _NAMED else ""


def _problems(required: Sequence[CategoryScore], gateways: Sequence[GatewayState], rules: Rules) -> list[str]:
    found = []
    if any(state is not GatewayState.PASSED for state in gateways):
        found.append("not all gateways passed")
    missing = [category.category for category in required if category.total == 0]
    if missing:
        found.append(f"no evidence for {', '.join(missing)}")
    if rules.partial_selection:
        found.append("some cases were not run")
    return found


def _scaled(number: int, maximum: int) -> int:
    return points(number, maximum, TOTAL_POINTS)
