"""The status word of a run, the tier's verdict, and what each tier requires and may award."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_aprqa.core import TIERS, Award, Category, GatewayState, Tier, TierPlan

PROVISIONAL_FROM: Final = 700
"""MQS of an award; to certify a run needs its tier's pass mark, and the deep tier alone certifies."""
STALE_AFTER_DAYS: Final = 90
"""An award is to be renewed after so many days."""


class Status(StrEnum):
    """What a registry row may say of a model."""

    PENDING = "PENDING"
    """Never measured, also after a run that could not get the weights."""
    BLOCKED = "BLOCKED"
    """A gateway failed, a gate of severity P0 was refuted, a target decodes too slowly, or the score is below 700."""
    PARTIAL = "PARTIAL"
    """Evidence is missing that an award needs."""
    PROVISIONAL = "PROVISIONAL"
    CERTIFIED = "CERTIFIED"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the score is measured against."""

    tier: str | None = None
    """``smoke``, ``mvp``, ``quick``, ``standard`` or ``deep``; None, as any other word, never awards."""
    partial_selection: bool = False
    """True when some of the playbook's cases were not run: deselected, or after an interruption."""
    previous: Status | None = None
    """What the registry says so far; a tier that never awards leaves it."""

    @property
    def required(self) -> tuple[Category, ...]:
        """Categories that must have evidence; all six where the tier is unknown."""
        return tuple(Category) if self.plan is None else self.plan.required

    @property
    def pass_mark(self) -> int:
        """Scoped score (0-1000) from which the tier is passed."""
        return PROVISIONAL_FROM if self.plan is None else self.plan.pass_mark

    @property
    def award(self) -> Award:
        """The best status that the tier may give; none where it is unknown."""
        return Award.NONE if self.plan is None else self.plan.award

    @property
    def plan(self) -> TierPlan | None:
        """The tier's row; None for a word that names none."""
        return TIERS[Tier(self.tier)] if self.tier in tuple(Tier) else None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a status rests on."""

    judged: int
    """Records that were judged: neither skipped nor inconclusive."""
    gateways: tuple[GatewayState, ...]
    """State of each gateway, folded over the targets."""
    missing: tuple[Category, ...]
    """Required categories without evidence."""
    mqs: int
    """0-1000."""
    refuted_p0: tuple[str, ...] = ()
    """Refuted gates of severity P0; no average of other gates outweighs one."""
    too_slow: tuple[str, ...] = ()
    """Targets that decode below the playbook's floor."""


def status_of(findings: Findings, rules: Rules) -> Status:
    """The status that a run has earned, the first that applies.

    Nothing judged → PENDING; a gateway failed, a P0 gate was refuted or a target is too slow → BLOCKED; evidence
    missing (a required category, a gateway, deselected cases) → PARTIAL; a tier that never awards → what was before;
    else by the score, capped by the tier.
    """
    if findings.judged == 0:
        return Status.PENDING
    if GatewayState.FAILED in findings.gateways or findings.refuted_p0 or findings.too_slow:
        return Status.BLOCKED
    if findings.missing or rules.partial_selection or GatewayState.UNKNOWN in findings.gateways:
        return Status.PARTIAL
    return award_of(findings.mqs, rules)


def award_of(mqs: int, rules: Rules) -> Status:
    """The status by the score alone, capped by the tier.

    >>> award_of(1000, Rules("mvp")).value, award_of(1000, Rules("smoke")).value
    ('PROVISIONAL', 'PENDING')
    >>> [award_of(mqs, Rules("deep")).value for mqs in (699, 899, 900)]
    ['BLOCKED', 'PROVISIONAL', 'CERTIFIED']
    """
    if rules.award is Award.NONE:
        return rules.previous or Status.PENDING
    if mqs < PROVISIONAL_FROM:
        return Status.BLOCKED
    if rules.award is Award.CERTIFIED and mqs >= rules.pass_mark:
        return Status.CERTIFIED
    return Status.PROVISIONAL
