"""A `Server` over a stand-in in a thread: what gates and engines are tested on, without starting a process.

Ends as the fault says that a process would; `tests.serving.standin` as a command has the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_aprqa.serving.server import Server, Stopped
from tests.serving.standin import Standin

_BASE_BYTES = 100_000_000
_BASE_DESCRIPTORS = 20
_SIGKILL = -9


class StandinServer:
    """A stand-in as `Server`; starts at once.

    Args:
        faults: the stand-in's.
        token_delay_ms: the stand-in's.
        kind: what it says it is.
    """

    def __init__(self, *faults: str, token_delay_ms: float = 0.0, kind: str = "command") -> None:
        self.standin = Standin(*faults, token_delay_ms=token_delay_ms).start()
        self.kind = kind
        self.versions: Mapping[str, str] = {"standin": "1"}
        self.url = self.standin.url
        self.model = self.standin.model
        self.api_key: str | None = None
        self.pid: int | None = None
        self.ready_ms: float | None = 1.0
        self._stopped: Stopped | None = None

    @property
    def alive(self) -> bool:
        return self._stopped is None and self.standin.exit_code is None

    @property
    def log_tail(self) -> str:
        return "" if self.standin.exit_code is None else "the stand-in crashes"

    def rss_bytes(self) -> int | None:
        return _BASE_BYTES + sum(map(len, self.standin.leaked_memory))

    def descriptors(self) -> int | None:
        return _BASE_DESCRIPTORS + len(self.standin.leaked_descriptors)

    def stop(self, *, term_ms: int = 10_000) -> Stopped | None:
        if self._stopped is None:
            self._stopped = self._ending(term_ms)
            self.standin.stop()
            assert not self.standin.errors, self.standin.errors
        return self._stopped

    def _ending(self, term_ms: int) -> Stopped:
        if self.standin.exit_code is not None:
            return Stopped(self.standin.exit_code, 0.0, killed=False, survivors=0, port_open=False)
        if self.standin.has("ignores_sigterm"):
            return Stopped(_SIGKILL, float(term_ms), killed=True, survivors=1, port_open=True)
        child = self.standin.has("leaks_child")
        code = 3 if self.standin.has("exits_3") else 0
        return Stopped(code, 5.0, killed=False, survivors=int(child), port_open=child)


def _conforms(server: StandinServer) -> Server:
    """For the type checker: a stand-in's server is one."""
    return server
