"""What tests of a server's life share: rogue servers by their faults, and what is left of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from pytest_aprqa.core import Backend, Format, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving.group import members
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.server import Server, ServeWish

TARGET = Target("org/model", Format.SAFETENSORS, None, Backend.CPU)
NOWHERE = Weights(folder=Path("/nowhere/model"), files=(), source="test")
LIMITS = Limits(threads=1)
ROGUE = Path(__file__).with_name("rogue_server.py")


def rogue_command(fault: str = "", *more: str) -> str:
    return " ".join([sys.executable, str(ROGUE), "--port {port}", f"--fault={fault}", *more])


def open_rogue(
    fault: str = "", *more: str, ready_timeout_ms: int = 90_000, api_key: str | None = None, model: str | None = None
) -> Server:
    wish = ServeWish(
        command=rogue_command(fault, *more), ready_timeout_ms=ready_timeout_ms, api_key=api_key, model=model
    )
    return open_server(TARGET, NOWHERE, LIMITS, wish)


def pid_of(server: Server) -> int:
    assert server.pid is not None
    return server.pid


def soon(true: Callable[[], bool], within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def nothing_left(leader: int) -> bool:
    return not members(leader)
