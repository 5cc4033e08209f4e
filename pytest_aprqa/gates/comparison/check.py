"""What a comparison is: a gate, the formats it is about, the judge, and the gates that must stand before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pytest_aprqa.core import Format, Verdict
from pytest_aprqa.gates.comparison.pair import Pair


class Kind(StrEnum):
    """What a comparison rests on; a playbook switches comparisons by it."""

    CONTRACT = "contract"
    """The files, and the contract's five invariants."""
    PARITY = "parity"
    """What the engines compute from the same text and the same ids."""
    CONVERSION = "conversion"
    """Further conversions, made in a scratch folder."""


@dataclass(frozen=True, slots=True)
class Check:
    """One gate's judge."""

    gate_id: str
    kind: Kind
    formats: frozenset[Format]
    """Formats of the artefact that the gate is about."""
    judge: Callable[[Pair], Verdict]
    after: tuple[str, ...] = ()
    """Gates without which this one would only repeat their news: when one is falsified, this one is not checked."""
