"""Ties the child's life to its parent's: a ``kill -9`` of pytest leaves no orphan.

The parent holds the other end of a pipe on which nothing is ever written, so that only its death can close it. On
Linux the kernel itself then kills the child's whole process group, even while native code hangs with Python's lock
held; elsewhere, and for a parent that died before this was armed, a thread does it.

``PR_SET_PDEATHSIG`` would fire when the *thread* that started the child ends, which is no death of the parent.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading


def arm(fd: int) -> None:
    """Kills this process's group once the other end of the pipe `fd` is closed."""
    if sys.platform == "linux":
        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_die_with_parent, args=(fd,), name="lifeline", daemon=True).start()


def _die_with_parent(fd: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # else it may wait here while the main thread sleeps
    while os.read(fd, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)
