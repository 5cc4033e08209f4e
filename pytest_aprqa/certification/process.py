"""pytest as a child in a process group of its own: signals are passed on, and nothing of it outlives this process.

Knows nothing of playbooks or of what the run is for.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

_GUARDED: Final = Path(__file__).with_name("guarded.py")
_POLL_S: Final = 0.05
_GRACE_S: Final = 30.0
"""Time that an interrupted pytest has to close its engines and write its evidence."""
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of pytest ended."""

    code: int
    """pytest's exit code; negative when a signal killed it."""
    signal: int | None = None
    """The signal that this process was sent meanwhile, and passed on."""

    @property
    def interrupted(self) -> bool:
        """True when the user, or the system, ended it."""
        return self.signal is not None


def command_line(arguments: Sequence[str]) -> str:
    """The command that a user would type.

    >>> command_line(["a b.playbook.yaml", "-n", "2"])
    "pytest 'a b.playbook.yaml' -n 2"
    """
    return shlex.join(("pytest", *arguments))


def run_pytest(arguments: Sequence[str], *, folder: Path | None = None, quiet: bool = False) -> Ended:
    """Runs pytest to its end.

    Args:
        arguments: its command line.
        folder: its working folder; None for this process's own.
        quiet: everything that it prints goes to standard error, so that standard output stays ours.
    """
    ours, theirs = os.pipe()  # `ours` is read by the child; nothing is ever written: `theirs` closes when we die
    command = (sys.executable, str(_GUARDED), str(ours), *arguments)
    try:
        with _held_back(signal.SIGINT):
            child = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=sys.__stderr__ if quiet else None,
                pass_fds=(ours,),
                process_group=0,
            )
        os.close(ours)
        return _await(child)
    finally:
        os.close(theirs)


@dataclass(slots=True)
class _Passing:
    """Passes this process's signals on to the child."""

    child: subprocess.Popen[bytes]
    seen: list[int] = field(default_factory=list)
    deadline: float | None = None

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """The first asks pytest to close its run; a second one ends it."""
        first = not self.seen
        self.seen.append(number)
        if first:
            self.deadline = time.monotonic() + _GRACE_S
            with suppress(ProcessLookupError):
                self.child.send_signal(signal.SIGINT)  # the one signal after which pytest still writes its reports
        else:
            _kill_group(self.child.pid)


def _await(child: subprocess.Popen[bytes]) -> Ended:
    passing = _Passing(child)
    try:
        with _handled(passing):
            while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                if passing.deadline is not None and time.monotonic() > passing.deadline:
                    break
                time.sleep(_POLL_S)
    finally:
        _kill_group(child.pid)  # not reaped yet, so that the number is still its own
        code = child.wait()
    return Ended(code, passing.seen[0] if passing.seen else None)


@contextmanager
def _handled(passing: _Passing) -> Iterator[None]:
    """Signals can be handled in the main thread only; elsewhere they stay with whoever has them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, passing.handle) for number in _PASSED_ON}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """A process that is started meanwhile gets the signal when it is ready to: the interpreter itself is not."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
