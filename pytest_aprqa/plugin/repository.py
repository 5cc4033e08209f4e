"""The git repository that a playbook lies in, asked in bounded time; what cannot be found out is null."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Json

_TIMEOUT_S: Final = 5
# A repository may configure a program that `status` starts.
_SAFE: Final = ("-c", "core.fsmonitor=false")


def repository_of(file: Path) -> dict[str, Json]:
    """``commit``, ``branch`` and ``dirty`` of the repository that holds a file.

    A repository is dirty when a tracked file has changes, or the file itself is not tracked.
    """
    commit = _git(file, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return {"commit": None, "branch": None, "dirty": None}
    changed = _git(file, "status", "--porcelain", "--untracked-files=no")
    own = _git(file, "status", "--porcelain", "--ignored", "--", file.name)
    known = changed is not None and own is not None
    return {
        "commit": commit,
        "branch": _git(file, "symbolic-ref", "--short", "--quiet", "HEAD"),
        "dirty": bool(changed or own) if known else None,
    }


def _git(file: Path, *words: str) -> str | None:
    """What git says in the file's folder; None where it is missing, refuses or hangs."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        said = subprocess.run(
            [git, *_SAFE, *words],
            cwd=file.parent,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
