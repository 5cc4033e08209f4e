"""What a tested hypothesis can come to, and the verdict that says so.

Only `Outcome.CORROBORATED` counts as a pass. A verdict that compared nothing cannot be corroborated: the
constructor functions below refuse it, so that no judge can forget the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A plain JSON value: what may cross a process or be written down."""


class Outcome(StrEnum):
    """What became of a case."""

    CORROBORATED = "corroborated"
    """It was tried to refute the hypothesis, and that failed: the only pass."""
    FALSIFIED = "falsified"
    """The hypothesis was refuted."""
    TIMEOUT = "timeout"
    """The deadline passed."""
    CRASHED = "crashed"
    """The engine's process died."""
    SKIPPED = "skipped"
    """Not applicable here; the reason says why. Neither pass nor fail."""
    INCONCLUSIVE = "inconclusive"
    """It ran, but nothing could be judged. Neither pass nor fail."""

    @property
    def passed(self) -> bool:
        """True for corroborated alone."""
        return self is Outcome.CORROBORATED

    @property
    def failed(self) -> bool:
        """True for falsified, timeout and crashed."""
        return self in (Outcome.FALSIFIED, Outcome.TIMEOUT, Outcome.CRASHED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of one answer; make it with `corroborated`, `falsified` or `inconclusive`."""

    outcome: Outcome
    """corroborated, falsified or inconclusive; a judge never says another."""
    reason: str
    """One sentence, no full stop: what was seen, with the numbers it rests on."""
    compared: int
    """How many items were compared (answers, numbers, tensors, ids); 0 only when inconclusive."""
    details: Mapping[str, Json] = field(default_factory=dict)
    """Numbers and excerpts behind the reason, as plain JSON."""


def corroborated(reason: str, *, compared: int, **details: Json) -> Verdict:
    """The hypothesis stood; with nothing compared the verdict is inconclusive instead.

    >>> corroborated("all equal", compared=0).outcome
    <Outcome.INCONCLUSIVE: 'inconclusive'>
    """
    if compared < 1:
        return inconclusive(f"nothing was compared ({reason})", **details)
    return Verdict(Outcome.CORROBORATED, reason, compared, details)


def falsified(reason: str, *, compared: int = 1, **details: Json) -> Verdict:
    """The hypothesis was refuted."""
    return Verdict(Outcome.FALSIFIED, reason, compared, details)


def inconclusive(reason: str, **details: Json) -> Verdict:
    """Nothing could be judged."""
    return Verdict(Outcome.INCONCLUSIVE, reason, 0, details)
