"""The child process: loads one model, then answers order after order until its parent is gone.

Run by the supervisor as ``python -m pytest_aprqa.engines.worker ORDERS_FD REPLIES_FD``. It imports nothing heavy
itself; the loader that the first order names does. An error that nobody foresaw ends the process, as a crash should.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pytest_aprqa.core import EngineError, EngineOutOfMemory
from pytest_aprqa.engines import lifeline
from pytest_aprqa.engines.measuring import measure
from pytest_aprqa.engines.memory import is_out_of_memory
from pytest_aprqa.engines.orders import Generate, Load, Measure
from pytest_aprqa.engines.protocol import LoadResident, Resident
from pytest_aprqa.engines.wire import Answered, Failed, Loaded, Reply, decode_order, encode_reply

_OOM_SCORE = "500"
"""Where the kernel has to choose, it should kill this process and not pytest (-1000 to 1000, 0 is usual)."""


def main(arguments: Sequence[str]) -> None:
    """Serves the orders that arrive on the descriptor `arguments[0]`, replying on `arguments[1]`."""
    orders_fd, replies_fd = (int(argument) for argument in arguments)
    for fd in (orders_fd, replies_fd):
        os.set_inheritable(fd, False)
    lifeline.arm(_take_standard_input())
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    with os.fdopen(orders_fd, "rb") as orders, os.fdopen(replies_fd, "wb") as replies:
        _serve(orders, replies)


def _take_standard_input() -> int:
    """Moves the lifeline off descriptor 0, where a library might read from it or hand it on."""
    fd = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return fd


def _serve(orders: BinaryIO, replies: BinaryIO) -> None:
    resident: Resident | None = None
    for line in orders:
        order = decode_order(line)
        if isinstance(order, Load):
            reply, resident = _load(order)
        else:
            reply = _obey(order, resident)
        replies.write(encode_reply(reply))
        replies.flush()


def _load(order: Load) -> tuple[Reply, Resident | None]:
    module, _, name = order.loader.partition(":")
    try:
        load: LoadResident = getattr(importlib.import_module(module), name)
        resident = load(order.target, order.weights, order.limits)
    except EngineError as error:
        return Failed(error), None
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return Failed(_out_of_memory(error, "loading")), None
    return Loaded(resident.facts), resident


def _obey(order: Generate | Measure, resident: Resident | None) -> Reply:
    if resident is None:
        raise ValueError("asked before a model was loaded")
    try:
        return Answered(resident.generate(order.requests)) if isinstance(order, Generate) else measure(order, resident)
    except EngineError as error:
        return Failed(error)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return Failed(_out_of_memory(error, "generating" if isinstance(order, Generate) else "measuring"))


def _out_of_memory(error: Exception, doing: str) -> EngineOutOfMemory:
    lines = str(error).splitlines()
    return EngineOutOfMemory(f"out of memory while {doing}: {lines[0] if lines else type(error).__name__}")


if __name__ == "__main__":
    main(sys.argv[1:])
