"""What came of certifying one model: a value, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pytest_aprqa.core import Json, Tier
from pytest_aprqa.scoring import Mqs


class Ending(StrEnum):
    """How it ended."""

    PASSED = "passed"
    """The tier was passed."""
    NOT_PASSED = "not passed"
    NOT_MEASURED = "not measured"
    """Nothing could be judged: the weights, or an engine, are not here; the registry stays as it was."""
    NOT_RUN = "not run"
    """No playbook, a lock that does not hold, or an end before its turn."""
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Settled:
    """One model's result."""

    model: str
    tier: Tier | None
    ending: Ending
    reasons: tuple[str, ...] = ()
    """Why it did not pass, one sentence each."""
    status: str = "PENDING"
    """What the registry says now; without a row there, what the run alone would earn."""
    mqs: Mqs | None = None
    """None where there is no evidence of this run."""
    playbook: Path | None = None
    pytest_code: int | None = None
    files: tuple[Path, ...] = ()
    """Evidence first, then the reports."""
    tickets: tuple[Path, ...] = ()
    gh_commands: tuple[str, ...] = ()
    """Commands that would file the tickets; nothing is filed here."""
    remarks: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True when the tier was passed."""
        return self.ending is Ending.PASSED

    @property
    def clean(self) -> bool:
        """True when not one test failed."""
        return self.passed and self.pytest_code == 0

    def to_json(self) -> dict[str, Json]:
        """Plain JSON."""
        mqs = self.mqs
        return {
            "model": self.model,
            "tier": None if self.tier is None else str(self.tier),
            "ending": str(self.ending),
            "passed": self.passed,
            "reasons": list(self.reasons),
            "status": self.status,
            "mqs": None if mqs is None else mqs.mqs,
            "mqs_ceiling": None if mqs is None else mqs.mqs_ceiling,
            "cert_grade": None if mqs is None else mqs.cert_grade,
            "scoped_score": None if mqs is None else mqs.tier.scoped_score,
            "pass_mark": None if mqs is None else mqs.tier.pass_mark,
            "gateways": None if mqs is None else {str(it): str(state) for it, state in mqs.gateways.items()},
            "playbook": None if self.playbook is None else str(self.playbook),
            "pytest_exit_code": self.pytest_code,
            "files": [str(path) for path in self.files],
            "tickets": [str(path) for path in self.tickets],
            "gh_commands": list(self.gh_commands),
            "remarks": list(self.remarks),
        }
