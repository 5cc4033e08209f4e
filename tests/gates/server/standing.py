"""Services of stand-ins, in threads and as processes, for judges of bad requests, of several clients and of ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from pytest_aprqa.core import Backend, Format
from pytest_aprqa.gates.server.service import Service, Spoken
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.server import Server, ServeWish
from tests.gates.server.planted import Plant
from tests.serving.opened import LIMITS, NOWHERE, TARGET
from tests.serving.standin_model import CONTEXT_TOKENS
from tests.serving.standin_server import StandinServer

PATIENT_MS = 30_000
HASTY_MS = 1_500
"""Where a request is never answered."""


@contextmanager
def standing(
    *faults: str,
    timeout_ms: int = PATIENT_MS,
    context_tokens: int | None = CONTEXT_TOKENS,
    chat_template: bool = True,
    ours: bool = True,
    token_delay_ms: float = 0.0,
) -> Iterator[Service]:
    """A stand-in in a thread; it calls itself ours by having a process id."""

    def start() -> Server:
        server = StandinServer(*faults, token_delay_ms=token_delay_ms)
        server.pid = os.getpid() if ours else None
        return server

    spoken = Spoken((), context_tokens=context_tokens, chat_template=chat_template)
    yield from _kept(start, spoken, timeout_ms)


def planted(plant: Plant) -> AbstractContextManager[Service]:
    """A stand-in with a plant's fault, such that its gate can judge it."""
    return standing(
        plant.fault,
        timeout_ms=HASTY_MS if plant.hangs else PATIENT_MS,
        token_delay_ms=plant.token_delay_ms,
    )


@contextmanager
def process(*faults: str, ready_timeout_ms: int = 300_000) -> Iterator[Service]:
    """A stand-in that is a process of its own."""
    command = [sys.executable, "-m tests.serving.standin --port {port} --token-delay-ms 5"]
    wish = ServeWish(
        command=" ".join([*command, *(f"--fault {fault}" for fault in faults)]), ready_timeout_ms=ready_timeout_ms
    )
    yield from _kept(lambda: open_server(TARGET, NOWHERE, LIMITS, wish), Spoken(()), PATIENT_MS)


def _kept(start: Callable[[], Server], spoken: Spoken, timeout_ms: int) -> Iterator[Service]:
    """Started on first use, and again after a server that was stopped or died; all are stopped at the end."""
    started: list[Server] = []

    def server() -> Server:
        if not started or not started[-1].alive:
            started.append(start())
        return started[-1]

    try:
        yield Service(Format.SAFETENSORS, Backend.CPU, server, lambda: spoken, timeout_ms)
    finally:
        for one in started:
            one.stop(term_ms=100)
