"""What all models of one call need, looked at before the first of them is run."""

from __future__ import annotations

from pathlib import Path

from pytest_aprqa.certification.errors import CertificationError
from pytest_aprqa.certification.settle import Desk
from pytest_aprqa.core import PlaybookError
from pytest_aprqa.evidence.writable import unwritable
from pytest_aprqa.playbook import read_lock


def check_desk(desk: Desk) -> None:
    """Refuses places that results could not be written to.

    Raises:
        CertificationError: the folder of the results, or that of the registry, cannot be made or written.
    """
    _check_folder(desk.output, "-o")
    if desk.registry is not None:
        _check_folder(desk.registry.parent, "--registry")


def _check_folder(folder: Path, option: str) -> None:
    if problem := unwritable(folder):
        raise CertificationError(
            f"{folder}: expected a folder that can be made and written; found that {problem}; "
            f"choose another with {option}"
        )


def check_lock(lock: Path) -> None:
    """Refuses a lock file that is there and is none.

    Raises:
        CertificationError: it cannot be read.
    """
    if not lock.exists():
        return  # what that means depends on the playbook
    try:
        read_lock(lock)
    except PlaybookError as problem:
        raise CertificationError(f"the lock cannot be used: {problem}") from problem
