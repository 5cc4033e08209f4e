"""When one failure ends other cases: the failure policy and the latch that every process of a run can see.

The latch is a file in the run's shared folder, one for each model, or one for the session under ``fail-fast``: it
holds the sentence that later cases are skipped with. It is written once and never changed, so readers need no lock.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pytest_aprqa.core import GATES, Outcome, Severity
from pytest_aprqa.playbook import FailurePolicy


def stops_line(policy: FailurePolicy, outcome: Outcome, gate_id: str) -> bool:
    """Whether this outcome of this gate ends the model's other cases.

    A crash is P0 whatever the gate says, except at the edge gate, where the request was hostile.

    >>> stops_line(FailurePolicy.STOP_ON_P0, Outcome.FALSIFIED, "G1-LOAD")
    True
    >>> stops_line(FailurePolicy.STOP_ON_P0, Outcome.FALSIFIED, "F-A1-001")
    False
    """
    if not outcome.failed or policy is FailurePolicy.COLLECT_ALL:
        return False
    if policy is FailurePolicy.STOP_ON_P0:
        crashed = outcome is Outcome.CRASHED and gate_id != "F-EDGE-001"
        return crashed or GATES[gate_id].severity is Severity.P0
    return True


class Scope(StrEnum):
    """What one failure may end, and so what must run in one process, in order, for the same outcome everywhere."""

    TARGET = "target"
    MODEL = "model"
    SESSION = "session"


def scope_of(policy: FailurePolicy) -> Scope:
    """Under ``collect-all`` a shut gateway still ends its own target.

    >>> scope_of(FailurePolicy.STOP_ON_P0)
    <Scope.MODEL: 'model'>
    """
    match policy:
        case FailurePolicy.COLLECT_ALL:
            return Scope.TARGET
        case FailurePolicy.FAIL_FAST:
            return Scope.SESSION
        case FailurePolicy.STOP_ON_FIRST | FailurePolicy.STOP_ON_P0:
            return Scope.MODEL


@dataclass(frozen=True, slots=True)
class Latch:
    """One file for each model that must stop."""

    folder: Path
    """Shared by all processes of the run."""

    def close(self, policy: FailurePolicy, model: str, reason: str) -> None:
        """Stops the model (the session under ``fail-fast``); the first reason stays."""
        path = self._path("*" if scope_of(policy) is Scope.SESSION else model)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(reason, encoding="utf-8")
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()

    def reason(self, model: str) -> str | None:
        """Why this model's cases must not run, None when they may."""
        for name in ("*", model):
            with suppress(FileNotFoundError):
                return self._path(name).read_text(encoding="utf-8")
        return None

    def _path(self, name: str) -> Path:
        return self.folder / f"stop-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
