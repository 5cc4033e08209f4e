"""Are the weights' values possible? NaN, infinity, all zero, one constant: the marks of a conversion that failed.

One pass over each tensor in blocks: its minimum and maximum say it all, since NaN makes both NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pytest_aprqa.core import ArtefactError, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.formats import TensorEntry, blocks, readable
from pytest_aprqa.gates.structure import excerpt, is_weight_type
from pytest_aprqa.gates.subject import Subject


class Range(NamedTuple):
    """The smallest and the largest value; NaN if there is one."""

    low: float
    high: float


def judge_values(subject: Subject) -> Verdict:
    """No weight is NaN or infinite; no matrix is all zero or one constant; no norm is all zero."""
    weights = [entry for entry in subject.weights.values() if entry.values and is_weight_type(entry)]
    scanned = [entry for entry in weights if readable(entry)]
    try:
        problems = [problem for entry in scanned if (problem := _problem(entry, subject))]
    except ArtefactError as exc:
        return inconclusive(f"the weights could not be read: {exc}")
    values, unread = sum(entry.values for entry in scanned), len(weights) - len(scanned)
    if problems:
        return falsified(
            f"{len(problems)} of {len(scanned)} weights cannot be: {problems[0]}",
            compared=len(scanned),
            problems=excerpt(problems),
            values=values,
        )
    note = f"; {unread} of a type that cannot be decoded here were not" if unread else ""
    return corroborated(
        f"{len(scanned)} weights of {values} values were scanned{note}", compared=len(scanned), values=values
    )


def _problem(entry: TensorEntry, subject: Subject) -> str | None:
    low, high = _range(entry)
    if not np.isfinite([low, high]).all():
        word = "NaN" if np.isnan(low) else "an infinite value"
        return f"{entry.name} has {word}"
    if low != high:
        return None
    matrix = len(entry.shape) > 1 and entry.values > 1
    if low == 0 and (matrix or _is_dead_norm(entry, subject)):
        return f"{entry.name} {list(entry.shape)} is all zero"
    return f"{entry.name} {list(entry.shape)} is {low:g} throughout" if matrix else None


def _is_dead_norm(entry: TensorEntry, subject: Subject) -> bool:
    """A norm of weight zero silences its layer, unless the architecture adds one to it."""
    known = subject.architecture
    return known is not None and not known.norm_adds_one and entry.name.endswith("norm.weight")


def _range(entry: TensorEntry) -> Range:
    ranges = [(float(block.min()), float(block.max())) for block in blocks(entry)]
    lows, highs = zip(*ranges, strict=True)
    return Range(float(np.min(lows)), float(np.max(highs)))
