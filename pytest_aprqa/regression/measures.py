"""How far a measured divergence moved between two runs: KL, agreement, logits, perplexity. Pure.

A record of a comparison keeps its number under ``details`` with a 95 % interval and the limit of its stored type. The
interval of the difference is put together from the two (G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008),
1693-1702). Both runs mostly measure the same text, so that the true interval is narrower: what is found to differ
does, and what is not may.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.evidence import Record
from pytest_aprqa.regression.pairing import Pair, is_judged

_GOOD_WHEN_LARGE: Final = frozenset({"F-TOP1-001", "F-TOPK-001"})
"""Gates whose number is an agreement; of all others it is an error."""

MEASURED_GATES: Final = (
    "F-KL-MEAN-001",
    "F-KL-TAIL-001",
    "F-KL-MAX-001",
    "F-TOP1-001",
    "F-TOPK-001",
    "F-PPL-001",
    "F-LOGIT-NMSE-001",
    "F-LOGIT-LONG-001",
    "F-ROSETTA-INF-002",
)
"""Gates whose records hold one number with its limit."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One number as a record holds it."""

    value: float
    low: float | None
    """Lower end of its 95 % interval; None where it has none."""
    high: float | None
    limit: float | None
    """Of its stored type; None where the record names none."""
    word: str
    """The stored type; empty where it is not said."""


@dataclass(frozen=True, slots=True)
class MeasureDelta:
    """One quantity of one target, before and after."""

    target_id: str
    gate_id: str
    quantity: str
    """In words, such as ``mean KL divergence``."""
    good_when_large: bool
    before: Reading
    after: Reading
    delta: float
    """After less before."""
    low: float | None
    """Lower end of the 95 % interval of `delta`; None where one of the two has none."""
    high: float | None

    @property
    def worsening(self) -> float:
        """How much worse it became, whichever way worse is; negative where it became better."""
        return -self.delta if self.good_when_large else self.delta

    @property
    def surely_worse(self) -> bool:
        """Whether the whole interval of the difference lies on the worse side."""
        end = self.high if self.good_when_large else self.low
        return end is not None and (end < 0 if self.good_when_large else end > 0)

    @property
    def room(self) -> float | None:
        """How far the limit is from perfect; None where no limit is known."""
        limit = self.after.limit
        if limit is None:
            return None
        return abs(1 - limit) if self.good_when_large else abs(limit)


def measure_deltas(pairs: tuple[Pair, ...]) -> tuple[MeasureDelta, ...]:
    """One for each quantity that both runs measured, by target and in the order of `MEASURED_GATES`."""
    found = [made for pair in pairs if (made := _delta(pair)) is not None]
    return tuple(sorted(found, key=lambda one: (one.target_id, MEASURED_GATES.index(one.gate_id))))


def _delta(pair: Pair) -> MeasureDelta | None:
    if pair.before is None or pair.after is None or pair.record.gate_id not in MEASURED_GATES:
        return None
    then, now = pair.before.record, pair.after.record
    before, after = _reading(then), _reading(now)
    if before is None or after is None or then.gate_id != now.gate_id:
        return None
    delta = after.value - before.value
    low, high = _interval(before, after)
    quantity = now.details.get("quantity")
    return MeasureDelta(
        target_id=now.target_id or "",
        gate_id=now.gate_id,
        quantity=quantity if isinstance(quantity, str) else now.gate_id,
        good_when_large=now.gate_id in _GOOD_WHEN_LARGE,
        before=before,
        after=after,
        delta=delta,
        low=low,
        high=high,
    )


def _interval(before: Reading, after: Reading) -> tuple[float | None, float | None]:
    if None in (before.low, before.high, after.low, after.high):
        return None, None
    assert before.low is not None
    assert before.high is not None
    assert after.low is not None
    assert after.high is not None
    delta = after.value - before.value
    below = math.hypot(after.value - after.low, before.high - before.value)
    above = math.hypot(after.high - after.value, before.value - before.low)
    return delta - below, delta + above


def _reading(record: Record) -> Reading | None:
    details: Mapping[str, Json] = record.details
    value = _number(details.get("value"))
    if value is None or not is_judged(record):
        return None
    interval, word = details.get("interval"), details.get("word")
    ends = [_number(end) for end in interval] if isinstance(interval, list) and len(interval) == 2 else [None, None]
    return Reading(value, ends[0], ends[1], _number(details.get("limit")), word if isinstance(word, str) else "")


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
