"""A script, and no module: pytest, whose whole process group ends with the process that started it.

Called as ``python guarded.py FD ...`` by `process`. Imports nothing of this package by name: pytest must be the first
to do that, else it warns that it cannot rewrite the package's assertions.
"""

from __future__ import annotations

import importlib.util
import runpy
import signal
import sys
from pathlib import Path


def main() -> None:
    """Ties this process to the other end of the pipe, then is ``python -m pytest`` with the other words."""
    lifeline = importlib.util.spec_from_file_location(
        "_aprqa_lifeline", Path(__file__).resolve().parents[1] / "engines" / "lifeline.py"
    )
    assert lifeline is not None
    assert lifeline.loader is not None
    module = importlib.util.module_from_spec(lifeline)
    lifeline.loader.exec_module(module)
    module.arm(int(sys.argv.pop(1)))
    try:
        # A shell's job in the background ignores the signal, and what it starts would, too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # held back by `process` until it can be answered
        _run_pytest()
    except KeyboardInterrupt:  # while pytest and its plugins are imported; in its session pytest answers it
        sys.exit("interrupted")


def _run_pytest() -> None:
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd())  # as `python -m` has it, instead of this script's folder
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
