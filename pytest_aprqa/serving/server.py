"""What a model server is: `Server`, what the user may wish of one, and how one ended.

Knows no particular server, no process and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ServeWish:
    """What the user asks for; without any, the server that comes with the format's engine."""

    command: str | None = None
    """Command line of another server, with ``{model}``, ``{port}``, ``{host}`` and ``{threads}`` to be filled in."""
    url: str | None = None
    """Where a server already runs; together with `command`, where the started one will listen."""
    model: str | None = None
    """The word that requests give as ``model``; None asks the server."""
    api_key: str | None = None
    """Sent with each request as a bearer token."""
    health: str = "/health"
    """Path that answers 200 once the server can be asked."""
    ready_timeout_ms: int = 300_000
    """Longest time from the start until the server can be asked, in milliseconds."""
    slots: int = 4
    """Requests that llama.cpp's server computes side by side."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a server ended when it was asked to."""

    exit_code: int | None
    """As `subprocess` gives it: negative means killed by that signal."""
    took_ms: float
    """From SIGTERM to the end of the server's own process, in milliseconds."""
    killed: bool
    """Whether SIGTERM was not enough."""
    survivors: int
    """Processes of its group that were still there when SIGTERM had had its time; 0 is clean. None outlives SIGKILL."""
    port_open: bool
    """Whether something still listened on its port at that moment."""


class Server(Protocol):
    """A running server that can be asked."""

    @property
    def url(self) -> str:
        """Such as ``http://127.0.0.1:8080``, without a slash at the end."""
        ...

    @property
    def kind(self) -> str:
        """``llama.cpp``, ``transformers``, ``command`` or ``url``."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Library name to version, of everything that computes; empty where it is not ours."""
        ...

    @property
    def model(self) -> str:
        """The word that requests give as ``model``."""
        ...

    @property
    def api_key(self) -> str | None:
        """What requests send as a bearer token."""
        ...

    @property
    def pid(self) -> int | None:
        """Leader of its process group, which is no part of the server itself; None for a url."""
        ...

    @property
    def ready_ms(self) -> float | None:
        """From the start until it could be asked, in milliseconds; None for a url."""
        ...

    @property
    def alive(self) -> bool:
        """Whether its process lives; a url lives while it answers its health path."""
        ...

    @property
    def log_tail(self) -> str:
        """The end of what it printed; empty for a url."""
        ...

    def rss_bytes(self) -> int | None:
        """Resident set of all its processes together; None where it is not known."""
        ...

    def descriptors(self) -> int | None:
        """Open file descriptors of all its processes together; None where that is not known."""
        ...

    def stop(self, *, term_ms: int = 10_000) -> Stopped | None:
        """Ends it: SIGTERM, then SIGKILL to its whole group. A second call gives the same answer; None for a url.

        Args:
            term_ms: how long SIGTERM may take, in milliseconds.
        """
        ...
