"""The processes of a server: all that share the session of its guard, the guard itself left out.

A session and not a group, since a shell that runs jobs gives each a group of its own. Knows nothing of servers.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

import psutil


def members(leader: int) -> tuple[psutil.Process, ...]:
    """The processes of the session that `leader` began, without `leader` and without those that are dead."""
    return tuple(process for pid in psutil.pids() if pid != leader and (process := _member(pid, leader)) is not None)


def rss_bytes(leader: int) -> int | None:
    """Their resident sets together, pages that they share counted once for each; None where there is none."""
    return _sum(members(leader), lambda process: int(process.memory_info().rss))


def descriptors(leader: int) -> int | None:
    """Their open file descriptors together; None where there is none, or the system does not tell."""
    return _sum(members(leader), lambda process: int(process.num_fds()))


def listens(leader: int, port: int) -> bool:
    """Whether one of them listens on a TCP port; True as well where the system does not tell."""
    try:
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for process in members(leader)
            for connection in process.net_connections(kind="tcp")
        )
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def kill(leader: int) -> None:
    """SIGKILL to the group and to everyone of the session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    for process in members(leader):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _member(pid: int, leader: int) -> psutil.Process | None:
    try:
        if os.getsid(pid) != leader:
            return None
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except (OSError, psutil.Error):  # gone, or another user's
        return None


def _sum(processes: Iterable[psutil.Process], count: Callable[[psutil.Process], int]) -> int | None:
    counted: list[int] = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            counted.append(count(process))
    return sum(counted) if counted else None
