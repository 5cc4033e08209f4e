"""A finding: a gate and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aprqa.core import Gate, Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to."""

    gate: Gate
    verdict: Verdict
