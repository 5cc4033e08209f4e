"""A measured number beside its limit, and the words for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_aprqa.core import AprqaError, Json
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.parity import Estimate, Limit, Quantity, limit_for


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity, its limit, and whether the limit holds."""

    name: str
    """Such as ``mean KL divergence``."""
    value: float
    limit: Limit
    interval: tuple[float, float] | None = None
    """95 % interval of the value, where it is an estimate."""

    @property
    def holds(self) -> bool:
        """The point estimate decides; NaN never holds."""
        return self.limit.holds(self.value)

    @property
    def undecided(self) -> bool:
        """The limit lies within the interval: another text could have decided otherwise."""
        return self.interval is not None and self.interval[0] <= self.limit.value <= self.interval[1]

    @property
    def sentence(self) -> str:
        """The number, its interval and its limit."""
        between = f" (95 % {number(self.interval[0])} to {number(self.interval[1])})" if self.interval else ""
        doubt = ", the limit lies inside the interval" if self.undecided else ""
        return f"{self.name} {number(self.value)}{between}, limit {self.limit}{doubt}"

    @property
    def details(self) -> dict[str, Json]:
        """As plain JSON; a number that is not finite becomes text, which JSON has no other word for."""
        low, high = self.interval or (math.nan, math.nan)
        interval: Json = [plain(low), plain(high)] if self.interval else None
        return {
            "value": plain(self.value),
            "interval": interval,
            "limit": plain(self.limit.value),
            "limit_source": self.limit.source,
        }


def measure(name: str, found: Estimate | float, limit: Limit) -> Measure:
    """A number or an estimate beside its limit."""
    if isinstance(found, Estimate):
        return Measure(name, found.value, limit, (found.low, found.high))
    return Measure(name, found, limit)


def limit_of(word: str, quantity: Quantity, overrides: Mapping[str, float], *, parameters: int | None = None) -> Limit:
    """The limit of a stored type; where there is none, nothing can be judged."""
    try:
        return limit_for(word, quantity, overrides, parameters=parameters)
    except AprqaError as exc:
        raise Unjudgeable(str(exc)) from exc


def number(value: float) -> str:
    """A number as reasons print it.

    >>> number(0.00012346), number(0.99999876), number(12.0)
    ('0.0001235', '0.99999876', '12')
    """
    # Cosines and agreements are told apart by what is missing to one.
    return f"{value:.8g}" if 0.99 < abs(value) < 1 else f"{value:.4g}"


def plain(value: float) -> Json:
    """A number that JSON can write."""
    return float(value) if math.isfinite(value) else str(value)
