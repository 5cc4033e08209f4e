"""Judges of the end: a server that is told to end ends by itself, and leaves no process and no open port.

These stop the server. Whoever asks next gets another one.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from pytest_aprqa.core import EngineError, Json, Verdict, corroborated, death_of, falsified
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.server.asking import LONG, PROBE, Voice, answered, voice
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.serving.server import Server, Stopped

CLEAN_EXITS: Final = frozenset({0, -signal.SIGTERM, 128 + signal.SIGTERM})
"""Exit codes of a server that ended as it was told to.

Dead of SIGTERM is one of them: uvicorn, and with it ``transformers serve``, closes everything in order and then raises
the signal again on itself, so that whoever watches sees why it ended; llama.cpp's server exits with 0. A server that
never minded the signal looks the same from outside, and loses nothing that can be seen: what it may leave behind, a
process or a port, is looked for.
"""
_CALLERS: Final = 3
"""Clients whose streams run while the server is told to end."""
_LOADED_TOKENS: Final = 64
"""Of each stream; a slow server that answers one after the other has to come to the last caller's in time."""
_ENDING_MS: Final = 10_000
"""How long a server may take to end, beside what it has begun to answer."""
_LEAVING_S: Final = 30.0
"""How long callers may take to notice that the server is gone."""


def judge_end(service: Service) -> Verdict:
    """F-HTTP-004: an idle server that has answered ends cleanly."""
    server = _ours(service)
    answered(voice(service).ask(PROBE))
    stopped = server.stop()
    return _verdict(_known(stopped), "told to end")


def judge_end_under_load(service: Service) -> Verdict:
    """F-SERVE-005: a server ends cleanly while streams run; what becomes of the streams is its own choice."""
    server = _ours(service)
    callers = [_Caller(voice(service)) for _ in range(_CALLERS)]
    for caller in callers:
        caller.start()
    try:
        if not all(caller.is_answered() for caller in callers):
            raise Unjudgeable("no streams that could run while the server is told to end")
        # A server may let its streams come to their end, and they take as long as those before them.
        streams_ms = max(caller.longest_s() for caller in callers) * 1000
        told_s = time.perf_counter()
        stopped = server.stop(term_ms=_ENDING_MS + round(2 * streams_ms))
    finally:
        for caller in callers:
            caller.leave()
    verdict = _verdict(_known(stopped), "told to end while streams run")
    if verdict.outcome.failed:
        return verdict
    running = sum(caller.ran_at(told_s) for caller in callers)
    if not running:
        raise Unjudgeable("no stream ran at the moment when the server was told to end")
    return corroborated(f"{verdict.reason}, {running} running", compared=running, **verdict.details)


@dataclass(slots=True)
class _Caller:
    """A client that asks for one stream after the other until there is none."""

    asking: Voice
    streams: list[tuple[float, float]] = field(default_factory=list)
    """Start and end of each, in seconds of the performance counter."""
    first: threading.Event = field(default_factory=threading.Event)
    """Its first stream is over, or failed."""
    answered: bool = False
    """Whether a stream came as it should."""
    gone: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._call, name="caller", daemon=True)
        self.thread.start()

    def is_answered(self) -> bool:
        """Whether its first stream came as it should; waits for it, at the longest for the deadline of a request."""
        self.first.wait()
        return self.answered

    def longest_s(self) -> float:
        """How long a stream took, of those that are over."""
        return max(end - start for start, end in self.streams)

    def leave(self) -> None:
        """Ends the calling, at the latest when the running stream is over."""
        self.gone.set()
        if self.thread is not None:
            self.thread.join(_LEAVING_S)

    def ran_at(self, moment_s: float) -> bool:
        """Whether one of its streams ran at that moment."""
        return any(start < moment_s < end for start, end in self.streams)

    def _call(self) -> None:
        well = True
        while well and not self.gone.is_set():
            start, well = time.perf_counter(), False
            try:
                streamed = self.asking.listen(LONG, max_tokens=_LOADED_TOKENS)
                well = streamed.status == 200 and not streamed.problems
            except EngineError:
                pass
            finally:
                self.streams.append((start, time.perf_counter()))
                self.answered |= well
                self.first.set()


def _ours(service: Service) -> Server:
    server = service.server()
    if server.pid is None:
        raise Unjudgeable("the server is not ours to stop")
    return server


def _known(stopped: Stopped | None) -> Stopped:
    if stopped is None:
        raise Unjudgeable("the server is not ours to stop")
    return stopped


def _verdict(stopped: Stopped, when: str) -> Verdict:
    faults = []
    if stopped.killed:
        faults.append("it had to be killed")
    elif stopped.exit_code not in CLEAN_EXITS:
        code = stopped.exit_code
        faults.append("it left no exit code" if code is None else f"it ended with {death_of(code)}")
    if stopped.survivors and not stopped.killed:
        faults.append(f"{stopped.survivors} of its processes lived on")
    if stopped.port_open:
        faults.append("its port stayed open")
    details: dict[str, Json] = {"exit_code": stopped.exit_code, "took_ms": round(stopped.took_ms)}
    if faults:
        return falsified(f"{when}: {', '.join(faults)}", compared=1, **details)
    how = "exit code 0" if stopped.exit_code == 0 else "SIGTERM"
    return corroborated(f"{when}, the server ended with {how} after {stopped.took_ms:.0f} ms", compared=1, **details)
