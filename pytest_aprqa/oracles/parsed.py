"""What a parser says of a piece of code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parsed:
    """One of three: code that holds, a problem, or a parser that is not there."""

    problem: str | None
    """What is wrong with the code; None when nothing is."""
    missing: str | None = None
    """What to install; None when the parser ran."""

    @property
    def holds(self) -> bool:
        """True when the code was parsed and is code."""
        return self.problem is None and self.missing is None
