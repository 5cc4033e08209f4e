"""Asks a server whether it can be asked: its health path, and what models it lists.

Every question has a deadline for all of it, kept also against a server that sends one byte at a time.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

MODELS = "/v1/models"
_MAX_BODY_BYTES = 2**20
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NO_SUCH_PATH = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of a question."""

    said: str
    """Such as ``GET /health: 503`` or ``GET /health: Connection refused``."""
    status: int | None = None
    """None where no answer came."""
    late: bool = False
    """Whether there was a connection, but no answer in time."""
    body: bytes = b""
    """The first 1 MiB of the answer; empty where it was not asked for."""

    @property
    def ok(self) -> bool:
        """Whether it was answered 200."""
        return self.status == HTTPStatus.OK

    @property
    def forbidden(self) -> bool:
        """Whether the answer was that we may not ask."""
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Prober:
    """Asks one server, each time over a fresh connection.

    Args:
        url: of the server.
        health: its health path.
        api_key: sent as a bearer token.
    """

    def __init__(self, url: str, *, health: str, api_key: str | None = None) -> None:
        self._health = health
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {api_key}"} if api_key else {},
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=urlsplit(url).hostname not in _LOOPBACK,  # no proxy to this machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def health(self, *, timeout_s: float) -> Probed:
        """The health path; where there is none, the list of models stands for it."""
        probed = self._ask(self._health, timeout_s)
        if probed.status not in _NO_SUCH_PATH:
            return probed
        instead = self._ask(MODELS, timeout_s)
        return instead if instead.ok else Probed(f"{probed.said}, {instead.said}", instead.status, instead.late)

    def first_model(self, *, timeout_s: float) -> str | None:
        """The id of the first model that the server lists; None where it lists none."""
        probed = self._ask(MODELS, timeout_s, body=True)
        if not probed.ok:
            return None
        try:
            listed = json.loads(probed.body)["data"][0]["id"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        return listed if isinstance(listed, str) and listed else None

    def _ask(self, path: str, timeout_s: float, *, body: bool = False) -> Probed:
        asked = f"GET {path}"
        cut = _Cut()
        try:
            with cut.after(timeout_s):
                return self._answer(asked, path, timeout_s, cut.extensions, body=body)
        except httpx.ConnectTimeout:
            return Probed(f"{asked}: no connection within {timeout_s:.3g} s")
        except httpx.TimeoutException:
            return Probed(f"{asked}: no answer within {timeout_s:.3g} s", late=True)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            if cut.fired:
                return Probed(f"{asked}: no answer within {timeout_s:.3g} s", late=True)
            return Probed(f"{asked}: {str(exc) or type(exc).__name__}")

    def _answer(self, asked: str, path: str, timeout_s: float, extensions: dict[str, Any], *, body: bool) -> Probed:
        with self._client.stream("GET", path, timeout=timeout_s, extensions=extensions) as response:
            status, received = response.status_code, bytearray()
            if body:
                for chunk in response.iter_bytes():
                    received += chunk
                    if len(received) > _MAX_BODY_BYTES:
                        break
            return Probed(f"{asked}: {status}", status, body=bytes(received[:_MAX_BODY_BYTES]))


class _Cut:
    """Shuts a request's connection down; httpx's own time limits begin anew with each byte."""

    def __init__(self) -> None:
        self.fired = False
        self._sockets: list[socket.socket] = []
        self.extensions: dict[str, Any] = {"trace": self._trace}
        """Of the request."""

    @contextlib.contextmanager
    def after(self, timeout_s: float) -> Iterator[None]:
        """Shuts it down where the block takes longer."""
        timer = threading.Timer(timeout_s, self._fire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _fire(self) -> None:
        self.fired = True
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._sockets.append(info["return_value"].get_extra_info("socket"))
