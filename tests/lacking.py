"""For stand-ins of engines: the instruments that they do not have, missing as they are missing in a real engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from pytest_aprqa.core import EngineUnavailable
from pytest_aprqa.engines import ModuleTrace


class LacksProbes:
    """An engine that can be compared with another, and not be looked into."""

    def pace(self, row: Sequence[int], *, tokens: int) -> NoReturn:
        """As `Instruments.pace`, missing."""
        raise _missing("pace")

    def stepwise(self, row: Sequence[int], *, given: int) -> NoReturn:
        """As `Instruments.stepwise`, missing."""
        raise _missing("stepwise")

    def together(self, rows: Sequence[Sequence[int]]) -> NoReturn:
        """As `Instruments.together`, missing."""
        raise _missing("together")

    def sample(self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int) -> NoReturn:
        """As `Instruments.sample`, missing."""
        raise _missing("sample")

    def trace(self, row: Sequence[int]) -> tuple[ModuleTrace, ...]:
        """As `Instruments.trace`, missing."""
        raise _missing("trace")


def _missing(name: str) -> EngineUnavailable:
    return EngineUnavailable("stand-in", f"it has no instrument {name!r}", install="nothing")
