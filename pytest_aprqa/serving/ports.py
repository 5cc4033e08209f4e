"""TCP ports of this machine: a free one, and whether something listens on one."""

from __future__ import annotations

import contextlib
import errno
import socket

LOOPBACK = "127.0.0.1"
_CONNECT_S = 1.0


def free_port() -> int:
    """A port that nobody used a moment ago; somebody may use it in the next."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether a server could not listen on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as exc:
            return exc.errno == errno.EADDRINUSE
    return False


def is_open(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=_CONNECT_S) as connection:
        # A connection to a free port of the system's own range may meet itself.
        return bool(connection.getsockname() != connection.getpeername())
    return False
