"""What the gates on servers are judged on: a server that can be asked, and what the model's own engine said before.

Starts nothing itself: the caller's functions do, on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_aprqa.core import AprqaError, Backend, Format, Verdict
from pytest_aprqa.gates.measured import Unjudgeable, measured
from pytest_aprqa.gates.server.spoken import Said, Spoken, listen
from pytest_aprqa.serving.client import Client
from pytest_aprqa.serving.server import Server

__all__ = ["Said", "Service", "Spoken", "listen"]


@dataclass(slots=True)
class Service:
    """One target behind a server."""

    format: Format
    backend: Backend
    server: Callable[[], Server]
    """Starts it on first use, and again after one that was stopped or died; raises `EngineError`."""
    spoken: Callable[[], Spoken]
    """What the model's own engine said; asked once."""
    timeout_ms: int = 60_000
    """Deadline of each request, in milliseconds."""
    health: str = "/health"
    """Path at which the server tells that it is well."""
    memory: dict[str, object] = field(default_factory=dict, repr=False)
    verdicts: dict[str, Verdict] = field(default_factory=dict, repr=False)

    def client(self, timeout_ms: int | None = None) -> Client:
        """Asks the running server; starts it where it does not run."""
        server = self.server()
        return Client(server.url, model=server.model, api_key=server.api_key, timeout_ms=timeout_ms or self.timeout_ms)

    @measured
    def heard(self) -> Spoken:
        """What the model's own engine said; that there is none is no fault of the server."""
        try:
            return self.spoken()
        except AprqaError as exc:
            raise Unjudgeable(f"the model's own engine could not be asked: {exc}") from exc
