"""Whether a folder can be written, asked before there is anything to write."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory


def unwritable(folder: Path) -> str:
    """Why a folder cannot be made or written; empty when it can. Nothing is left behind."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.is_symlink() or path.exists())
    except OSError as problem:  # a name that is too long, a folder that may not be looked into
        return f"it cannot be looked at ({problem.strerror})"
    if not there.is_dir():
        return f"{there} is no folder"
    try:
        with TemporaryDirectory(prefix=".aprqa-", dir=there):
            return ""
    except OSError as problem:
        return f"{there} cannot be written ({problem.strerror})"
