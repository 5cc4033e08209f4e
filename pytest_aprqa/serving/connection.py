"""One HTTP exchange over a connection of its own, within one deadline, also against a server that trickles.

The deadline is looked at before each read and write, so that neither a byte per second nor a reader that stops reading
stretches it; only the lookup of a host's name is outside. Knows HTTP, and nothing of what is said over it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpcore

_WRITE_BYTES = 16 * 1024
"""So much is written before the clock is looked at again."""


class Deadline:
    """A moment that must not pass.

    Args:
        timeout_ms: how far away it is.
    """

    def __init__(self, timeout_ms: float) -> None:
        self._ends_at = time.monotonic() + timeout_ms / 1000

    def left_s(self) -> float:
        """Seconds that remain, above 0.

        Raises:
            httpcore.ReadTimeout: none remain.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline passed")
        return left

    def shorten(self, timeout_ms: float) -> None:
        """Moves it to `timeout_ms` from now, if it is farther away."""
        self._ends_at = min(self._ends_at, time.monotonic() + timeout_ms / 1000)


@contextmanager
def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes,
    deadline: Deadline,
    bite_bytes: int | None = None,
    pause_ms: float = 0,
) -> Iterator[httpcore.Response]:
    """Sends a request and gives the response once its headers are there; leaving the block closes the connection.

    Args:
        method: such as ``POST``.
        url: whole address.
        headers: besides Host and Content-Length.
        content: the body.
        deadline: of everything, the reading of the response included.
        bite_bytes: most that one read takes from the socket.
        pause_ms: wait before each read.

    Raises:
        httpcore.TimeoutException: the deadline passed.
        httpcore.NetworkError: no connection, or a broken one.
        httpcore.ProtocolError: what came is no HTTP.
    """
    target = httpcore.URL(url)
    network = _TimedNetwork(deadline, bite_bytes=bite_bytes, pause_ms=pause_ms)
    with (
        httpcore.HTTPConnection(target.origin, network_backend=network) as connection,
        connection.stream(method, target, headers=list(headers.items()), content=content) as response,
    ):
        yield response


class _TimedNetwork(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, *, bite_bytes: int | None, pause_ms: float) -> None:
        self._deadline = deadline
        self._bite_bytes = bite_bytes
        self._pause_ms = pause_ms

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands in its place
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        stream = httpcore.SyncBackend().connect_tcp(
            host, port, self._deadline.left_s(), local_address=local_address, socket_options=socket_options
        )
        return _TimedStream(stream, self._deadline, bite_bytes=self._bite_bytes, pause_ms=self._pause_ms)


class _TimedStream(httpcore.NetworkStream):
    def __init__(
        self, stream: httpcore.NetworkStream, deadline: Deadline, *, bite_bytes: int | None, pause_ms: float
    ) -> None:
        self._stream = stream
        self._deadline = deadline
        self._bite_bytes = bite_bytes
        self._pause_ms = pause_ms

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline's place
        if self._pause_ms:
            time.sleep(min(self._pause_ms / 1000, self._deadline.left_s()))
        size = max_bytes if self._bite_bytes is None else min(max_bytes, self._bite_bytes)
        return self._stream.read(size, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline's place
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], self._deadline.left_s())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: Any,  # noqa: ANN401 - passed on as it is
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands in its place
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        return _TimedStream(secured, self._deadline, bite_bytes=self._bite_bytes, pause_ms=self._pause_ms)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - passed on as it is
        return self._stream.get_extra_info(info)
