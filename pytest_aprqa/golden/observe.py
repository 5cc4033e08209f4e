"""What other logits are worth against a recording, position by position, and the numbers that limits are held against.

Pure: arrays in, numbers out. The same code judges engines and the planted faults of the self-check.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.golden.coarse import Floats, coarse_kl, coarse_nmse, golden_log_probabilities, log_probabilities
from pytest_aprqa.golden.corpus import ROUNDING_NMSE, Recording
from pytest_aprqa.parity import (
    NEAR_TIE,
    Estimate,
    GreedyComparison,
    Limit,
    Quantity,
    compare_greedy,
    limit_for,
    mean_estimate,
    share_estimate,
)

UNDECIDABLE: Final = 700.0
"""Nats of a token that is not among the recorded ones, at least: see `parting`."""

_EXACT: Final = "f32"


@dataclass(frozen=True, slots=True)
class Observation:
    """Other logits on one recording's row."""

    kl: Floats
    """(positions,): nats, on the coarse alphabet."""
    nmse: Floats
    """(positions,)."""
    agreed: int
    """Positions with the same likeliest token."""
    ties: int
    """Positions without, where the recorded two likeliest are nearly equal."""


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity held against its limit."""

    quantity: Quantity
    measured: Estimate
    limit: Limit

    @property
    def holds(self) -> bool:
        """The measured value is within the limit."""
        return self.limit.holds(self.measured.value)

    def __str__(self) -> str:
        return f"{self.quantity} {self.measured.value:.3g} is {'' if self.holds else 'not '}{self.limit}"


def unusable(recording: Recording, logits: NDArray[Any]) -> str:
    """Why logits cannot be compared with a recording; empty when they can."""
    positions = len(recording.top)
    if logits.ndim != 2 or len(logits) != positions:
        return f"{list(logits.shape)} logits for {positions} positions"
    if int(recording.top_ids.max()) >= logits.shape[1]:
        return f"only {logits.shape[1]} logits; the recorded ids reach {int(recording.top_ids.max())}"
    # Minus infinity is how engines mask padding; on a recorded token it costs what it should.
    bad = ~np.isfinite(logits.max(axis=1))
    return f"logits are NaN or infinite at position {int(bad.argmax())}" if bad.any() else ""


def observe(recording: Recording, logits: NDArray[Any]) -> Observation:
    """Compares logits (positions, vocabulary) that are not `unusable`."""
    golden = golden_log_probabilities(recording)
    other = log_probabilities(logits, recording.top_ids)
    same = logits.argmax(axis=1) == recording.top_ids[:, 0]
    tie = recording.top[:, 1].astype(np.float64) > -NEAR_TIE
    return Observation(
        kl=coarse_kl(golden, other),
        nmse=coarse_nmse(golden[:, :-1], other[:, :-1], recording.variance.astype(np.float64)),
        agreed=int(same.sum()),
        ties=int((~same & tie).sum()),
    )


def parting(recording: Recording, continuation: Sequence[int]) -> GreedyComparison:
    """Where another greedy continuation parts from the recorded one."""
    return compare_greedy(recording.continuation.tolist(), continuation)


def margin_at(recording: Recording, parted: GreedyComparison) -> float:
    """Nats that the recording holds between its own token and the other's where they part; 0.0 where they do not.

    A token that is not among the recorded ones counts as impossible.
    """
    if parted.first is None:
        return 0.0
    place = np.flatnonzero(recording.top_ids[_position(recording, parted.first)] == parted.other_token)
    return -float(recording.top[_position(recording, parted.first), place[0]]) if place.size else UNDECIDABLE


def own_margin_at(recording: Recording, parted: GreedyComparison, logits: NDArray[Any]) -> float:
    """The same by the other's own logits: about 0.0 where it generates what its logits say, as it must.

    Up to where they part both have seen the same row, so the logits of that row are those it should have chosen by. A
    large number means that generation sees something else than the row, as with a broken cache.
    """
    if parted.first is None or parted.other_token is None or not 0 <= parted.other_token < logits.shape[1]:
        return 0.0 if parted.first is None else UNDECIDABLE
    at = logits[_position(recording, parted.first)].astype(np.float64)
    return min(float(at.max() - at[parted.other_token]), UNDECIDABLE)


def _position(recording: Recording, step: int) -> int:
    """Where in the row the logits are that choose a token of the continuation."""
    return len(recording.token_ids) - 1 + step


def checks_of(
    observations: Sequence[Observation],
    margins: Sequence[float],
    word: str,
    overrides: Mapping[str, float] | None = None,
    *,
    parameters: int | None = None,
    intervals: bool = True,
) -> tuple[Check, ...]:
    """The quantities of all observations together, each with its limit.

    Args:
        observations: at least one.
        margins: of each prompt whose continuation was compared, the smaller of `margin_at` and `own_margin_at`.
        word: stored type or quantization that the limits are for.
        overrides: limits of the playbook's own, by quantity.
        parameters: size of the model.
        intervals: whether the means get theirs, which takes a hundred times as long as the means.
    """
    mean = mean_estimate if intervals else _bare_mean
    kl = np.concatenate([each.kl for each in observations])
    nmse = np.concatenate([each.nmse for each in observations])
    agreed, ties = sum(each.agreed for each in observations), sum(each.ties for each in observations)
    measured = {
        Quantity.GOLDEN_KL: mean(kl),
        Quantity.LOGIT_NMSE: mean(nmse),
    }
    if kl.size > ties:
        measured[Quantity.TOP1] = share_estimate(agreed, kl.size - ties)
    if margins:
        measured[Quantity.GREEDY_MARGIN] = Estimate(max(margins), max(margins), max(margins))
    return tuple(
        Check(quantity, estimate, _limit(word, quantity, overrides, parameters))
        for quantity, estimate in measured.items()
    )


def _bare_mean(samples: Floats) -> Estimate:
    return Estimate(float(samples.mean()), math.nan, math.nan)


def _limit(word: str, quantity: Quantity, overrides: Mapping[str, float] | None, parameters: int | None) -> Limit:
    """The table's limit, with what is different here: float16's rounding, and answers held against own logits."""
    limit = limit_for(word, quantity, overrides, parameters=parameters)
    if not {quantity.value, f"{word.lower()}.{quantity.value}"}.isdisjoint(overrides or {}):
        return limit
    if quantity is Quantity.LOGIT_NMSE:
        return Limit(limit.value + ROUNDING_NMSE, f"{limit.source} + float16 rounding", limit.at_most)
    if quantity is Quantity.GREEDY_MARGIN:
        # Whatever type the weights are stored in, an engine generates by the logits that it shows.
        return limit_for(_EXACT, quantity, parameters=parameters)
    return limit
