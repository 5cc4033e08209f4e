"""Starts a server and waits until it can be asked; whatever goes wrong, nothing of it is left running."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

from pytest_aprqa.core import EngineCrashed, EngineOutOfMemory, EngineRefused, EngineTimeout
from pytest_aprqa.engines import Limits
from pytest_aprqa.engines.memory import is_out_of_memory
from pytest_aprqa.serving.endpoint import address_of, base_url
from pytest_aprqa.serving.launch import Launch
from pytest_aprqa.serving.ports import LOOPBACK, free_port, is_open, is_taken
from pytest_aprqa.serving.process import ServerProcess
from pytest_aprqa.serving.ready import Probed, Prober
from pytest_aprqa.serving.server import ServeWish
from pytest_aprqa.serving.started import StartedServer

_STARTS = 3
"""Ports tried where somebody else took them first."""
_PAUSE_S = 0.1
"""Between two questions whether it is ready."""
_ANSWER_S = 5.0
"""How long one such question may take."""
_STRANGER_S = 1.0
"""The same where the port is not a process's of ours: either a container's, or somebody else got it before us."""
_TERM_MS = 1_000
"""How long a server that was given up on may take to end by itself."""
_WORDS = 300


class NeverReady(EngineTimeout):
    """A server was not ready in time.

    Args:
        doing: what was waited for.
        after_ms: the deadline in milliseconds.
        log_tail: the end of what it printed.
    """

    def __init__(self, doing: str, *, after_ms: int, log_tail: str) -> None:
        self.log_tail = log_tail
        super().__init__(doing, after_ms=after_ms)


class _PortTaken(Exception):
    """Somebody else got the port between our choosing it and the server's listening on it."""


def start(launch: Launch, limits: Limits, wish: ServeWish) -> StartedServer:
    """Starts a server, on another port where the first was taken in the meantime.

    Raises:
        EngineRefused: something else already listens where it should, or it does not take the key.
        EngineTimeout: it was not ready in time; a `NeverReady`.
        EngineCrashed: it died before it was ready.
        EngineOutOfMemory: it did, for memory, or held more than it may.
    """
    deadline = time.monotonic() + wish.ready_timeout_ms / 1000
    for _ in range(_STARTS):
        start = _Start(launch, limits, wish, deadline)
        try:
            return start.server()
        except _PortTaken:
            continue
        except BaseException:  # an interrupt too
            start.process.stop(term_ms=0)
            raise
    raise EngineRefused(f"{launch.kind}: {_STARTS} free ports in a row were taken before the server listened on them")


@dataclass(slots=True, init=False)
class _Start:
    """One try to start a server."""

    launch: Launch
    limits: Limits
    wish: ServeWish
    deadline: float
    url: str
    port: int
    process: ServerProcess
    started: float

    def __init__(self, launch: Launch, limits: Limits, wish: ServeWish, deadline: float) -> None:
        self.launch, self.limits, self.wish, self.deadline = launch, limits, wish, deadline
        port = free_port()
        self.url = base_url(launch.url) if launch.url else f"http://{LOOPBACK}:{port}"
        address = address_of(self.url)
        if launch.url and is_open(*address):
            raise EngineRefused(f"something already listens at {self.url}; end it, or leave the server's command out")
        self.port = address[1]
        self.started = time.perf_counter()
        self.process = ServerProcess(
            launch.command(port),
            environment=launch.environment,
            address=address,
            python_path=launch.python_path,
        )

    def server(self) -> StartedServer:
        """The server, once it is ready."""
        with Prober(self.url, health=self.wish.health, api_key=self.wish.api_key) as prober:
            self._await(prober)
            ready_ms = (time.perf_counter() - self.started) * 1000
            return StartedServer(
                process=self.process,
                url=self.url,
                kind=self.launch.kind,
                versions=self.launch.versions,
                model=self._model(prober),
                api_key=self.wish.api_key,
                ready_ms=ready_ms,
            )

    def _model(self, prober: Prober) -> str:
        if self.wish.model:
            return self.wish.model
        listed = prober.first_model(timeout_s=_ANSWER_S) if self.launch.asks_model else None
        return listed or self.launch.model

    def _await(self, prober: Prober) -> None:
        probed = Probed("it does not listen yet")
        while (left_s := self.deadline - time.monotonic()) > 0:
            ours = self.process.listens()
            if ours or not self.launch.only_ours:
                probed = prober.health(timeout_s=min(_ANSWER_S if ours else _STRANGER_S, left_s))
            if not self.process.alive:
                raise self._death()
            if probed.ok:
                return
            if probed.forbidden:
                raise EngineRefused(f"{self.launch.kind} server: {probed.said}; give its API key")
            self._check_memory()
            time.sleep(_PAUSE_S)
        self.process.stop(term_ms=_TERM_MS)
        raise NeverReady(
            f"waiting for the {self.launch.kind} server ({probed.said}){self._last_words()}",
            after_ms=self.wish.ready_timeout_ms,
            log_tail=self.process.log_tail,
        )

    def _death(self) -> EngineCrashed | EngineOutOfMemory | _PortTaken:
        stopped = self.process.stop(term_ms=0)
        tail = self.process.log_tail
        if self.launch.url is None and (is_taken(self.port) or "address already in use" in tail.lower()):
            return _PortTaken()
        code = stopped.exit_code if stopped is not None and stopped.exit_code is not None else 0
        if code == -signal.SIGKILL or is_out_of_memory(RuntimeError(tail)):
            return EngineOutOfMemory(
                f"the {self.launch.kind} server did not start for want of memory{self._last_words()}"
            )
        return EngineCrashed(
            f"starting the {self.launch.kind} server{self._last_words()}", exit_code=code, stderr_tail=tail
        )

    def _check_memory(self) -> None:
        held, most = self.process.rss_bytes() or 0, self.limits.memory_bytes
        if most is not None and held > most:
            raise EngineOutOfMemory(
                f"the {self.launch.kind} server held {held:,} bytes while starting, more than its limit of {most:,};"
                " it was killed"
            )

    def _last_words(self) -> str:
        lines = [line.strip() for line in self.process.log_tail.splitlines() if line.strip()]
        return f", whose last words were {lines[-1][-_WORDS:]!r}" if lines else ", which printed nothing"
