"""What a run left on the disk, read and scored: the value that reports, tickets and the registry are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_aprqa.evidence import Evidence
from pytest_aprqa.scoring import Mqs


@dataclass(frozen=True, slots=True)
class Scored:
    """One run."""

    file: Path
    """The evidence file."""
    sha256: str
    """Of its bytes, 64 hex digits."""
    evidence: Evidence
    mqs: Mqs
    at: datetime
    """When it was scored."""
