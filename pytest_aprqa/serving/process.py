"""A server's process: started below a guard, its log drained, ended with everything that it started.

Knows nothing of models and HTTP.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence

from pytest_aprqa.engines.memory import is_zombie
from pytest_aprqa.serving import group
from pytest_aprqa.serving.ports import is_open
from pytest_aprqa.serving.printed import Printed
from pytest_aprqa.serving.server import Stopped

_TICK_S = 0.01
_FOLLOWING_S = 2.0
"""How long the processes that a server started may take to end after it."""


class ServerProcess:
    """A running command that will listen on a port.

    Args:
        command: program and arguments; no shell.
        environment: of the command.
        address: host and port where it will listen.
        python_path: its ``PYTHONPATH``, empty for none; None takes the environment's.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        address: tuple[str, int],
        python_path: str | None = None,
    ) -> None:
        self._address = address
        self._owner_pid = os.getpid()
        reading, printing = os.pipe()
        self._process = subprocess.Popen(
            _guarded(command, python_path),
            stdin=subprocess.PIPE,  # the lifeline: never written, closed by our death
            stdout=printing,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        os.close(printing)
        self._printed = Printed(reading)
        self._lock = threading.Lock()
        self._stopped: Stopped | None = None
        self._kill = weakref.finalize(self, _end, self._process, self._printed, self._owner_pid)

    @property
    def pid(self) -> int:
        """The guard's process id: leader of the group and of the session."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        # Not by `poll`, which would free the process id for another group while ours may still have members.
        return self._kill.alive and not is_zombie(self.pid)

    @property
    def log_tail(self) -> str:
        """The end of what it printed."""
        return self._printed.tail

    def rss_bytes(self) -> int | None:
        """Resident set of all its processes, without the guard's."""
        return group.rss_bytes(self.pid) if self._kill.alive else None

    def descriptors(self) -> int | None:
        """Open file descriptors of all its processes, without the guard's."""
        return group.descriptors(self.pid) if self._kill.alive else None

    def listens(self) -> bool:
        """Whether it is one of its processes that listens on the port."""
        return self._kill.alive and group.listens(self.pid, self._address[1])

    def stop(self, *, term_ms: int = 10_000) -> Stopped | None:
        """As `Server.stop`; None in a forked copy of the process that started it, which leaves it alone."""
        if os.getpid() != self._owner_pid:
            return None
        with self._lock:
            if self._stopped is None:
                self._stopped = self._stop(term_ms / 1000)
            return self._stopped

    def _stop(self, term_s: float) -> Stopped:
        started = time.perf_counter()
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
        ended = _becomes(lambda: not self.alive, term_s)
        took_s = time.perf_counter() - started
        if ended:
            _becomes(lambda: not group.members(self.pid), min(_FOLLOWING_S, term_s - took_s))
        survivors, port_open = len(group.members(self.pid)), is_open(*self._address)
        self._kill()
        _becomes(lambda: not group.members(self.pid), _FOLLOWING_S)
        return Stopped(
            exit_code=self._process.returncode,
            took_ms=took_s * 1000,
            killed=not ended,
            survivors=survivors,
            port_open=port_open,
        )


def _guarded(command: Sequence[str], python_path: str | None) -> tuple[str, ...]:
    option = () if python_path is None else ("--python-path", python_path)
    return (sys.executable, "-P", "-m", "pytest_aprqa.engines.guard", *option, "--", *command)


def _becomes(true: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not (done := true()) and time.monotonic() < deadline:
        time.sleep(_TICK_S)
    return done


def _end(process: subprocess.Popen[bytes], printed: Printed, owner_pid: int) -> None:
    """Kills the group and reaps its leader; a forked copy of the parent leaves both alone."""
    if os.getpid() != owner_pid:
        return
    group.kill(process.pid)
    process.wait()
    printed.finish()
    if process.stdin is not None:
        process.stdin.close()
