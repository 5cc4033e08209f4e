"""Whether a playbook is the one that the lock file knows, asked before a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Award
from pytest_aprqa.playbook import LOCK_NAME, Playbook, read_lock, verify
from pytest_aprqa.scoring import Rules

_VERIFIED: Final = "verified"


@dataclass(frozen=True, slots=True)
class LockState:
    """What the lock says of one playbook."""

    word: str
    """``verified``, ``differs``, ``no lock`` or ``not checked``."""
    problems: tuple[str, ...] = ()
    """What is wrong, one sentence each; the run is refused."""
    remark: str = ""
    """What the user should know where nothing is refused."""

    @property
    def verified(self) -> bool:
        """True when the playbook is the one that the lock holds."""
        return self.word == _VERIFIED

    @property
    def holds(self) -> bool:
        """True when the playbook may be run."""
        return not self.problems


def nearest_lock(playbook: Path) -> Path | None:
    """The lock file of the playbook's folder, or of the nearest folder above that has one."""
    folders = playbook.absolute().parents
    return next((path for folder in folders if (path := folder / LOCK_NAME).is_file()), None)


def lock_state(playbook: Playbook, lock: Path | None, *, check: bool = True, awards: bool = True) -> LockState:
    """Holds a playbook against a lock file.

    Args:
        playbook: as it was read.
        lock: the lock file, if any.
        check: False when the user wants no check.
        awards: whether the run may award something: what awards is refused without a lock file.

    Raises:
        PlaybookError: the lock file cannot be read.
    """
    if not check:
        return LockState("not checked", remark="the playbook was not held against its lock: --no-integrity-check")
    if lock is None or not lock.is_file():
        what = f"there is no lock file{f' {lock}' if lock else ''}; write it with: apr-qa lock-playbooks"
        if not awards or Rules(playbook.tier).award is Award.NONE:
            return LockState("no lock", remark=what)
        return LockState("no lock", (f"tier {playbook.tier} awards a status, and {what}",))
    problems = tuple(verify(playbook, read_lock(lock)))
    return LockState("differs", problems) if problems else LockState(_VERIFIED)
