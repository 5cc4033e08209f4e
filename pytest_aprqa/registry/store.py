"""Changes the registry's files: one writer at a time, in one step each, and only what really changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pytest_aprqa.evidence.atomic import write_atomically
from pytest_aprqa.registry.awards import awards_path, read_awards, render_awards
from pytest_aprqa.registry.document import read_registry, render_registry
from pytest_aprqa.registry.errors import RegistryError
from pytest_aprqa.registry.table import Books, Registry

LOCK_TIMEOUT_S: Final = 60.0
"""How long a writer waits for another; seconds."""


def read_books(path: Path) -> Books:
    """The registry and its awards; both empty where the files are not there."""
    return Books(read_registry(path) if path.exists() else Registry(path), read_awards(path))


def update_registry(path: Path, change: Callable[[Registry], Registry]) -> Registry:
    """Changes the registry while no other writer may; a missing file is an empty registry.

    Raises:
        RegistryError: it cannot be read, or another writer does not end.
    """
    return update_books(path, lambda books: replace(books, registry=change(books.registry))).registry


def update_books(path: Path, change: Callable[[Books], Books]) -> Books:
    """Changes the registry and its awards; raises as `update_registry` does."""
    real = Path(os.path.realpath(path))  # a link stays a link
    lock = real.with_name(f".{real.name}.lock")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=LOCK_TIMEOUT_S):
            before = read_books(real)
            after = change(before)
            _write(real, before, after)
    except Timeout as exc:
        raise RegistryError(
            f"another process has held {lock} for {LOCK_TIMEOUT_S:.0f} s; wait for it to end", path=path
        ) from exc
    except OSError as exc:
        raise RegistryError(f"cannot be changed: {exc.strerror or exc}", path=path) from exc
    return after


def _write(path: Path, before: Books, after: Books) -> None:
    awards, registry = render_awards(after.awards), render_registry(after.registry)
    # The awards first: a row without its record would look like a claim that nothing supports.
    if after.awards != before.awards:
        _replace(awards_path(path), awards)
    if not path.exists() or registry != render_registry(before.registry):
        _replace(path, registry)


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode if path.exists() else None
    write_atomically(path, text.encode("utf-8"))
    if mode is not None:
        with suppress(OSError):
            path.chmod(mode)
