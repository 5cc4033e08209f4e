"""Where two greedy continuations part, and whether the reference was undecided there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pytest_aprqa.parity.logits import log_softmax, margins


@dataclass(frozen=True, slots=True)
class GreedyComparison:
    """Two continuations of one prompt."""

    compared: int
    """Tokens compared: up to and with the first that differs. Zero where either side generated nothing."""
    equal: bool
    """One is the other, or the beginning of it."""
    first: int | None
    """Index of the first token that differs, in the continuation."""
    reference_token: int | None
    other_token: int | None
    margin: float | None
    """Nats between the reference's likeliest token and the one the other chose there; None without logits."""
    shorter: bool
    """One side ended before the other; what it has is equal."""

    def nearly_undecided(self, nats: float) -> bool:
        """They part only where the reference itself holds both tokens nearly equally likely."""
        return self.margin is not None and self.margin <= nats


def compare_greedy(
    reference: Sequence[int], other: Sequence[int], *, logits: NDArray[Any] | None = None
) -> GreedyComparison:
    """Compares two greedy continuations of the same prompt.

    Args:
        reference: continuation ids of the reference.
        other: those of the other model.
        logits: the reference's logits (steps, vocab) while it generated: row i chose ``reference[i]``.

    >>> compare_greedy([5, 6, 7], [5, 6, 8]).first
    2
    """
    length = min(len(reference), len(other))
    first = next((index for index in range(length) if reference[index] != other[index]), None)
    if first is None:
        return GreedyComparison(length, length > 0, None, None, None, None, len(reference) != len(other))
    margin = None if logits is None else _margin(logits, first, other[first])
    return GreedyComparison(first + 1, False, first, reference[first], other[first], margin, shorter=False)


def _margin(logits: NDArray[Any], row: int, token: int) -> float | None:
    if row >= len(logits) or not 0 <= token < logits.shape[1]:
        return None
    log_probabilities = log_softmax(logits[row])
    return float(log_probabilities.max() - log_probabilities[token])


def first_margin(logits: NDArray[Any]) -> float:
    """Nats between the two likeliest tokens of the last row."""
    return float(margins(log_softmax(logits[-1:]))[0])
