"""The process above each server: ties the server's life to ours, hands SIGTERM on, and ends as the server ended.

Run as ``python -P -m pytest_aprqa.engines.guard [--python-path PATH] -- COMMAND ...`` in a session of its own, with the
lifeline as standard input: once the other end of that pipe is closed, the whole group is killed. Between us and the
server, because a server is anyone's program and knows no lifeline.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pytest_aprqa.engines import lifeline

CANNOT_RUN = 127
"""Exit code where the command cannot be run at all, as a shell gives it."""
_OOM_SCORE = "500"
"""Where the kernel has to choose, it should kill a server and not pytest (-1000 to 1000, 0 is usual)."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Runs the server until it ends."""
    lifeline.arm(sys.stdin.fileno())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    options, command = list(arguments[: arguments.index("--")]), list(arguments[arguments.index("--") + 1 :])
    _end_as(_run(command, _environment(options)))


def _environment(options: Sequence[str]) -> Mapping[str, str]:
    environment = dict(os.environ)
    if options:
        environment.pop("PYTHONPATH", None)
        if options[1]:
            environment["PYTHONPATH"] = options[1]
    return environment


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    asked = False
    server: subprocess.Popen[bytes] | None = None

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        if server is not None:
            server.terminate()

    signal.signal(signal.SIGTERM, hand_on)
    try:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
    except OSError as exc:
        sys.stderr.write(f"cannot run {command[0]}: {exc}\n")
        return CANNOT_RUN
    if asked:  # while the process was being made
        server.terminate()
    return server.wait()


def _end_as(exit_code: int) -> NoReturn:
    """Ends with the server's exit code, or by the signal that ended it."""
    if exit_code < 0:
        number = -exit_code
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(exit_code)


if __name__ == "__main__":
    main(sys.argv[1:])
