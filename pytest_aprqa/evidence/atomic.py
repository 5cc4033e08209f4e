"""Writes a file in one step: a reader sees the old bytes or the new ones, never half of them."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_aprqa.core import EvidenceError


def write_atomically(path: Path, content: bytes) -> None:
    """Writes to a temporary file beside `path`, forces it to the disk and renames it.

    Raises:
        EvidenceError: the folder cannot be made or written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        _discard(part)
        raise EvidenceError(
            f"{path}: cannot be written: {exc.strerror}; choose another output folder or free some space"
        ) from exc


def _discard(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself is what cannot be written; the first error says so
