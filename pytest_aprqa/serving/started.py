"""`StartedServer`: a server that we started and that was ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_aprqa.serving.process import ServerProcess
from pytest_aprqa.serving.server import Stopped


@dataclass(frozen=True, slots=True)
class StartedServer:
    """A `Server` over a process; once nobody holds it, the process is ended."""

    process: ServerProcess
    url: str
    kind: str
    versions: Mapping[str, str]
    model: str
    api_key: str | None = field(repr=False)
    ready_ms: float

    @property
    def pid(self) -> int:
        """As `Server.pid`."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """As `Server.alive`."""
        return self.process.alive

    @property
    def log_tail(self) -> str:
        """As `Server.log_tail`."""
        return self.process.log_tail

    def rss_bytes(self) -> int | None:
        """As `Server.rss_bytes`."""
        return self.process.rss_bytes()

    def descriptors(self) -> int | None:
        """As `Server.descriptors`."""
        return self.process.descriptors()

    def stop(self, *, term_ms: int = 10_000) -> Stopped | None:
        """As `Server.stop`; None in a forked copy of the process that started it, which leaves it alone."""
        return self.process.stop(term_ms=term_ms)
