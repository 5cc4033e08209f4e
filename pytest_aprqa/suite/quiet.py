"""Quiet on the machine: what is measured runs alone, whatever processes share the work.

A lock of readers and writers made of two files that `flock` locks: the ``room``, shared by ordinary work and taken
alone by a measurement, and before it a ``turnstile``. Who wants the room holds the turnstile until it has the room; so
those who come after a waiting measurement wait behind it, and it is not starved. The kernel gives both up when a
process dies, however it dies. POSIX systems only; knows nothing of what is run.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.core import AprqaError

_ROOM: Final = "quiet.room"
_TURNSTILE: Final = "quiet.turnstile"
_HELD: Final[set[Path]] = set()
"""Folders whose room this process is in or waits for: a second wish would wait for itself for ever."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """The lock in a folder; every process that uses the folder shares it, one thread of each."""

    folder: Path
    """Made where it is missing."""

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Beside others, never beside one who is alone; waits as long as it takes."""
        with self._once(), _opened(self.folder / _ROOM) as room:
            with _opened(self.folder / _TURNSTILE) as turnstile:
                fcntl.flock(turnstile, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_SH)
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Beside nobody; waits as long as it takes."""
        with self._once(), _opened(self.folder / _ROOM) as room:
            with _opened(self.folder / _TURNSTILE) as turnstile:
                fcntl.flock(turnstile, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _once(self) -> Iterator[None]:
        place = self.folder.resolve()
        if place in _HELD:
            raise RuntimeError(f"this process holds or awaits the lock of {place} already")
        _HELD.add(place)
        try:
            yield
        finally:
            _HELD.discard(place)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of a lock file; closing it gives its lock up. A child that is started does not inherit it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise AprqaError(f"{path}: cannot be opened for locking: {exc.strerror}; choose another folder") from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)
