"""Memory of an engine's processes: how much they hold, and whether an error means that there was too little.

Knows nothing of models. A limit on the address space would be simpler, but torch reserves far more than it uses.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import psutil

_REFRESH_S = 1.0
"""How often the list of processes is renewed; their memory is read each time."""

_TEXTS = (
    "DefaultCPUAllocator: can't allocate memory",  # torch on the CPU
    "DefaultCPUAllocator: not enough memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "std::bad_alloc",
    "Cannot allocate memory",
)


class GroupMemory:
    """The resident set of a process and all its descendants.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int) -> None:
        self._leader = psutil.Process(pid)
        self._members: tuple[psutil.Process, ...] = (self._leader,)
        self._renew_at = 0.0

    def rss_bytes(self) -> int:
        """Sum over the processes that are alive; 0 when none is. Pages that they share count once for each."""
        if time.monotonic() >= self._renew_at:
            self._members = self._list()
            self._renew_at = time.monotonic() + _REFRESH_S
        return sum(_rss_bytes(member) for member in self._members)

    def _list(self) -> tuple[psutil.Process, ...]:
        try:
            return (self._leader, *self._leader.children(recursive=True))
        except psutil.Error:
            return (self._leader,)


def is_zombie(pid: int) -> bool:
    """Whether the process is dead and only waits to be reaped, or is gone."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library's error says that memory, of the host or of the device, did not suffice.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(text in str(error) for text in _TEXTS)
    )


def peak_rss_bytes() -> int:
    """Largest resident set of this process so far.

    Linux's ``ru_maxrss`` starts from what the parent held when it forked, so that the process's own mark is preferred.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes


def _rss_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
