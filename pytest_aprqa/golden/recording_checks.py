"""Numbers of one recording held against each other: damage shows here even where every digest fits.

Pure; knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from pytest_aprqa.golden.corpus import GoldenCorpus, Recording
from pytest_aprqa.golden.record import TIE

_SUM_TOLERANCE: Final = 4e-3
"""How far float16 lets the probabilities be from 1: a relative error of |v| / 2048, weighted by exp(v)."""

_TIE: Final = 2 * TIE
"""A tie as recorded, and float16's rounding of it."""


def check_recording(recording: Recording, corpus: GoldenCorpus) -> tuple[str, ...]:
    """What is wrong with a recording, one phrase for each check that it fails.

    Args:
        recording: any arrays.
        corpus: says how many logits and ids there are.
    """
    if misfit := _shapes(recording, corpus):
        return (misfit,)
    return tuple(what for check in _CHECKS if (what := check(recording, corpus)))


def _finite(recording: Recording, _corpus: GoldenCorpus) -> str:
    wrong = [name for name, array in recording.arrays().items() if not np.isfinite(array).all()]
    return f"not finite: {', '.join(wrong)}" if wrong else ""


def _shapes(recording: Recording, corpus: GoldenCorpus) -> str:
    positions = len(recording.token_ids) + len(recording.continuation) - 1
    flat = (recording.largest, recording.log_total, recording.log_rest, recording.variance)
    good = (
        recording.top.shape == recording.top_ids.shape == (positions, corpus.top_k)
        and all(array.shape == (positions,) for array in flat)
        and recording.margins.shape == recording.continuation.shape
        and min(len(recording.token_ids), len(recording.continuation)) > 0
    )
    return "" if good else f"the arrays do not have {positions} positions of {corpus.top_k} logits"


def _known_ids(recording: Recording, corpus: GoldenCorpus) -> str:
    for name in ("token_ids", "continuation", "top_ids"):
        ids = getattr(recording, name)
        if ids.min(initial=0) < 0 or ids.max(initial=0) >= corpus.vocabulary:
            return f"{name} has ids outside the vocabulary of {corpus.vocabulary}"
    repeated = (np.diff(np.sort(recording.top_ids, axis=1), axis=1) == 0).any(axis=1)
    return f"an id is twice among the likeliest at position {int(repeated.argmax())}" if repeated.any() else ""


def _sorted(recording: Recording, _corpus: GoldenCorpus) -> str:
    rising = (np.diff(recording.top.astype(np.float32), axis=1) > 0).any(axis=1) | (recording.top[:, 0] != 0)
    return f"the likeliest are not in order at position {int(rising.argmax())}" if rising.any() else ""


def _sums(recording: Recording, _corpus: GoldenCorpus) -> str:
    logs = recording.top.astype(np.float64) - recording.log_total[:, None]
    with np.errstate(over="ignore"):
        total = np.exp(logs).sum(axis=1) + np.exp(recording.log_rest.astype(np.float64))
    off = np.abs(total - 1)
    worst = int(off.argmax())
    if off[worst] <= _SUM_TOLERANCE:
        return ""
    return f"probabilities at position {worst} sum to {total[worst]:.6g}, not to 1"


def _follows(recording: Recording, _corpus: GoldenCorpus) -> str:
    """The continuation is what its own logits say."""
    start = len(recording.token_ids) - 1
    for step, token in enumerate(recording.continuation.tolist()):
        ids, values = recording.top_ids[start + step], recording.top[start + step]
        place = np.flatnonzero(ids == token)
        if not place.size or values[place[0]] < -_TIE:
            return f"token {step} of the continuation is not the likeliest one of its logits"
        if abs(float(recording.margins[step]) + float(values[min(1, len(values) - 1)])) > 0.01 * (
            1 + abs(float(recording.margins[step]))
        ):
            return f"the margin of token {step} of the continuation is not that of its logits"
    return ""


_CHECKS: Final[tuple[Callable[[Recording, GoldenCorpus], str], ...]] = (_finite, _known_ids, _sorted, _sums, _follows)
"""Checks of a recording whose shapes fit; each says what is wrong, or nothing."""
