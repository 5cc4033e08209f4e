"""The model servers of one process: one for a target, started on first use, kept warm, started anew when it is gone.

What the target's own engine says is heard before the server starts, and the engine is closed then: two copies of a
model may not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_aprqa.conversion import convert_cached
from pytest_aprqa.core import EngineCrashed, EngineError, EngineRefused, Format, Json, Target, Weights
from pytest_aprqa.engines import Engine, instruments_of
from pytest_aprqa.gates import Service, Spoken, listen
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.serving import NeverReady, ServedEngine, Server, open_server
from pytest_aprqa.suite.bench import Bench
from pytest_aprqa.suite.facts import server_fact
from pytest_aprqa.suite.wishes import wish_for

_MOST_STARTS = 6
"""A server that dies again and again is not started for every request."""


@dataclass(slots=True)
class Servers:
    """Holds the server in work; `close` it at the end."""

    bench: Bench
    environment: Mapping[str, str]
    _key: tuple[Path, Target] | None = None
    _server: Server | None = None
    _fault: EngineError | None = None
    _starts: int = 0
    _spoken: Spoken | None = None
    _service: Service | None = None
    _engine: ServedEngine | None = None
    _facts: list[dict[str, Json]] = field(default_factory=list)

    def service(self, playbook: Playbook, target: Target) -> Service:
        """What the gates on servers are judged on."""
        self._turn_to(playbook, target)
        if self._service is None:
            self._service = Service(
                format=target.format,
                backend=target.backend,
                server=lambda: self._running(playbook, target),
                spoken=lambda: self._heard(playbook, target),
                timeout_ms=playbook.matrix.timeout_ms,
                health=wish_for(playbook, target, self.environment).health,
            )
        return self._service

    def engine(self, playbook: Playbook, target: Target) -> ServedEngine:
        """The server as an engine, which answers the cases of ``serve``.

        Raises:
            EngineError: the server does not start.
        """
        self._turn_to(playbook, target)
        if self._engine is None:
            server = self._running(playbook, target)
            facts = replace(
                self.bench.facts(playbook, target), name=f"{server.kind} server", versions=dict(server.versions)
            )
            self._engine = ServedEngine(lambda: self._running(playbook, target), facts=facts)
        return self._engine

    @property
    def kind(self) -> str | None:
        """What the server in work is, for the table of known deviations; None before one was started."""
        return None if self._server is None else self._server.kind

    def log_tail(self) -> str:
        """The end of what the server printed, or of what one printed that did not start."""
        if isinstance(self._fault, EngineCrashed):
            return self._fault.stderr_tail
        if isinstance(self._fault, NeverReady):
            return self._fault.log_tail
        return "" if self._server is None else self._server.log_tail

    def take_facts(self) -> list[dict[str, Json]]:
        """What was learned since the last call, for the evidence."""
        facts, self._facts = self._facts, []
        return facts

    def close(self) -> None:
        """Ends the server."""
        if self._server is not None:
            self._server.stop()
        self._key = self._server = self._fault = self._spoken = self._service = self._engine = None
        self._starts = 0

    def _turn_to(self, playbook: Playbook, target: Target) -> None:
        if self._key != (playbook.path, target):
            self.close()
            self._key = (playbook.path, target)

    def _heard(self, playbook: Playbook, target: Target) -> Spoken:
        if self._spoken is None:
            engine: Engine = self.bench.engine(playbook, target)
            self._spoken = listen(engine, instruments_of(engine), timeout_ms=playbook.matrix.timeout_ms)
        return self._spoken

    def _running(self, playbook: Playbook, target: Target) -> Server:
        """A server that can be asked.

        Raises:
            EngineError: it does not start; the same error every time.
        """
        if self._fault is not None:
            raise self._fault
        if self._server is None or not self._server.alive:
            try:
                self._server = self._started(playbook, target)
            except EngineError as error:
                self._fault = error
                raise
        return self._server

    def _started(self, playbook: Playbook, target: Target) -> Server:
        if self._starts == _MOST_STARTS:
            raise EngineRefused(f"the server died {_MOST_STARTS} times; it is not started again")
        if self._server is not None:
            self._server.stop()
        key = playbook.declared.serve.api_key_env
        if key is not None and key not in self.environment:
            raise EngineRefused(f"the environment variable {key[:60]!r} (serve.api_key_env) is not set")
        self._heard(playbook, target)
        self.bench.retire(target)
        wish = wish_for(playbook, target, self.environment)
        setup = self.bench.setup
        server = open_server(target, self._weights(playbook, target), setup.limits, wish, engine=setup.engine)
        if self._starts == 0:
            self._facts.append(server_fact(target, server, self.bench.facts(playbook, target)))
        self._starts += 1
        return server

    def _weights(self, playbook: Playbook, target: Target) -> Weights:
        """What the server loads: of an .apr file its tensors as a folder, since no server reads the format."""
        weights = self.bench.shelf.weights(playbook, target)
        wish = wish_for(playbook, target, self.environment)
        if target.format is not Format.APR or wish.command or wish.url:
            return weights
        made = convert_cached(
            weights.files[0],
            weights.digests,
            format=Format.SAFETENSORS,
            quantization=None,
            cache=self.bench.shelf.cache,
        )
        return Weights(made.path, tuple(sorted(made.path.glob("*.safetensors"))), made.made_by)
