"""A number against its limit, and the verdict of all that a gate claims; the second measurement is called for here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_aprqa.core import Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.speed.measurement import Measurement, again, measurement
from pytest_aprqa.gates.speed.numbers import plain
from pytest_aprqa.gates.speed.plain_speed import speed_of
from pytest_aprqa.gates.speed.timing import Timing
from pytest_aprqa.parity import Estimate


@dataclass(frozen=True, slots=True)
class Claim:
    """That a number keeps to a limit."""

    what: str
    """Such as ``decoding``."""
    estimate: Estimate
    limit: float
    floor: bool
    """True where the number must not be below the limit, False where not above."""
    unit: str
    """Such as ``tok/s``; empty for a ratio."""
    observed: str
    """What the interval rests on, such as ``10 answers``."""
    compared: int
    source: str
    """Who asks for it."""

    @property
    def stands(self) -> bool | None:
        """Whether the whole interval keeps to the limit; None where the limit lies inside it."""
        low, high = self.estimate.low, self.estimate.high
        if self.floor:
            return True if low >= self.limit else False if high < self.limit else None
        return True if high <= self.limit else False if low > self.limit else None

    def __str__(self) -> str:
        side = "floor" if self.floor else "ceiling"
        return (
            f"{self.what}: {_amount(self.estimate.value, self.unit)} ({self._interval}), "
            f"{side} {_amount(self.limit, self.unit)} by {self.source}"
        )

    @property
    def _interval(self) -> str:
        low, high = self.estimate.low, self.estimate.high
        if not math.isfinite(high):
            return f"{self.observed}: too few for an interval"
        return f"95 % interval {low:.4g} to {high:.4g}, {self.observed}"

    def to_json(self) -> dict[str, Json]:
        """Plain JSON; an end of the interval that is not known is null."""
        return {
            "what": self.what,
            "unit": self.unit,
            "value": plain(self.estimate.value),
            "low": plain(self.estimate.low),
            "high": plain(self.estimate.high),
            "floor" if self.floor else "ceiling": plain(self.limit),
            "source": self.source,
        }


def settle(timing: Timing, claims: Callable[[Measurement], Sequence[Claim]], *, doubt: bool = False) -> Verdict:
    """The verdict on what a gate claims of a measurement: all must stand, and one refuted refutes.

    Where a limit lies inside an interval, one more measurement is added, once for all gates of the target.

    Args:
        timing: the target under its clock.
        claims: what the gate claims of a measurement.
        doubt: whether one more is added before anything is refuted, too: against an earlier run an interval knows
            nothing of what else the machine did in either minute.
    """
    found = measurement(timing)
    made = claims(found)
    if found.rounds == 1 and (_is_open(made) or (doubt and not all(claim.stands for claim in made))):
        found = again(timing)
        made = claims(found)
    words = "; ".join(map(str, made))
    compared = min((claim.compared for claim in made), default=0)
    details: dict[str, Json] = {"speed": speed_of(timing, found), "claims": [claim.to_json() for claim in made]}
    if refuted := [claim for claim in made if claim.stands is False]:
        return falsified("; ".join(map(str, refuted)), compared=compared, **details)
    if _is_open(made):
        return inconclusive(f"the limit lies inside the interval, measured twice: {words}", **details)
    return corroborated(words, compared=compared, **details)


def _is_open(claims: Sequence[Claim]) -> bool:
    standings = [claim.stands for claim in claims]
    return None in standings and False not in standings


def _amount(number: float, unit: str) -> str:
    return f"{number:.4g} {unit}".rstrip()
