"""McNemar's exact test: did as many cases break as were fixed, or more? Pure arithmetic of whole numbers.

Only cases that changed between pass and fail tell anything; were nothing changed in the model, each of them would be
as likely to have gone the one way as the other, which is a fair coin. Source: Q. McNemar, Psychometrika 12 (1947),
153-157; the exact form is the sign test of W. J. Dixon and A. M. Mood, JASA 41 (1946), 557-566.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class McNemar:
    """The test of one group of pairs."""

    broke: int
    """Pairs that passed before and failed after."""
    fixed: int
    """Pairs that failed before and passed after."""
    p_worse: float
    """Chance of so many or more broken ones, were each change as likely to be for the better; 0.0-1.0."""
    p_two_sided: float
    """Chance of a difference so large in either direction; 0.0-1.0."""


def mcnemar(broke: int, fixed: int) -> McNemar:
    """The exact test; nothing that changed is no evidence at all.

    >>> mcnemar(5, 0).p_worse, mcnemar(5, 0).p_two_sided
    (0.03125, 0.0625)
    >>> mcnemar(0, 0).p_worse
    1.0
    """
    changed = broke + fixed
    at_least = upper_tail(broke, changed)
    extreme = upper_tail(max(broke, fixed), changed)
    return McNemar(broke, fixed, at_least, min(1.0, 2 * extreme))


def upper_tail(hits: int, trials: int) -> float:
    """Chance that a fair coin shows heads `hits` times or more in `trials` throws.

    Exact: one sum of whole numbers, divided once.

    >>> upper_tail(2, 2), upper_tail(0, 7)
    (0.25, 1.0)
    """
    ways, total = 1, 0
    for heads in range(trials, hits - 1, -1):
        total += ways
        ways = ways * heads // (trials - heads + 1)
    return total / (1 << trials)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The same values, made larger for having been tried together.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.

    >>> holm([0.01, 0.5, 0.04])
    (0.03, 0.5, 0.08)
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = largest
    return tuple(adjusted)
