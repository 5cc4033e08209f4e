"""The five tiers as templates: what a playbook of each has besides its cells, which are those of the tier's plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Tier
from pytest_aprqa.playbook import FailurePolicy


@dataclass(frozen=True, slots=True)
class Template:
    """One tier's."""

    words: str
    """What it is for, as the description says it."""
    listed: int
    """Scenarios that are written down; drawn ones fill up to the tier's number."""
    policy: FailurePolicy
    warmup: int
    """Unmeasured answers before the speed is taken; nothing is measured where `measure` is 0."""
    measure: int
    invariants: tuple[str, ...]
    """Of ``contract_tests``."""


_POLICY: Final = FailurePolicy
_ALL: Final = ("I-2", "I-3", "I-4", "I-5")

TEMPLATES: Final[Mapping[Tier, Template]] = {
    Tier.SMOKE: Template("Smoke test", 5, _POLICY.STOP_ON_P0, 0, 0, ()),
    Tier.MVP: Template("Minimum viable qualification", 12, _POLICY.COLLECT_ALL, 1, 3, _ALL),
    Tier.QUICK: Template("Quick check while developing", 14, _POLICY.STOP_ON_P0, 1, 3, _ALL),
    Tier.STANDARD: Template("Qualification for continuous integration", 18, _POLICY.COLLECT_ALL, 2, 5, _ALL),
    Tier.DEEP: Template("Full qualification", 40, _POLICY.STOP_ON_P0, 3, 10, _ALL),
}
"""Tier to its template."""
