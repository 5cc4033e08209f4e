"""Keeps the end of what a process prints, and drains the rest, so that it never blocks on a full pipe."""

from __future__ import annotations

import contextlib
import os
import select
import threading

TAIL_BYTES = 64 * 2**10
_CHUNK_BYTES = 64 * 2**10
_TICK_MS = 200
"""How often the reader looks whether it should end."""
_ENDING_S = 2.0


class Printed:
    """The end of what comes out of a pipe, read by a thread of its own until the pipe's writers are gone.

    Args:
        fd: the pipe's reading end; it is closed by the thread.
    """

    def __init__(self, fd: int) -> None:
        self._tail = bytearray()
        self._lock = threading.Lock()
        self._enough = threading.Event()
        # The thread holds no reference to this object: it would keep the server's finalizer from running.
        self._thread = threading.Thread(
            target=_drain, args=(fd, self._tail, self._lock, self._enough), name="server log", daemon=True
        )
        self._thread.start()

    @property
    def tail(self) -> str:
        """The last 64 KiB so far."""
        with self._lock:
            return self._tail.decode("utf-8", errors="replace")

    def finish(self) -> None:
        """Takes what is there and ends, even where a process that escaped still holds the pipe."""
        self._enough.set()
        self._thread.join(_ENDING_S)


def _drain(fd: int, tail: bytearray, lock: threading.Lock, enough: threading.Event) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    try:
        while True:
            if not poll.poll(_TICK_MS):
                if enough.is_set():
                    return
                continue
            chunk = b""
            with contextlib.suppress(OSError):
                chunk = os.read(fd, _CHUNK_BYTES)
            if not chunk:
                return
            with lock:
                tail += chunk
                del tail[:-TAIL_BYTES]
    finally:
        os.close(fd)
