"""A stand-in for a model server that speaks OpenAI's API: correct by default, with faults by name.

In a thread (``with Standin("no_done") as standin: Client(standin.url, model=standin.model)``) or as a process
(``python -m tests.serving.standin --port 8080 --fault exits_3``). What it says is `standin_model`'s; its faults are
listed in `standin_faults`. Some faults of processes can only be seen of a process; `standin_server` imitates them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from types import FrameType, TracebackType
from typing import Any, Self, TypeAlias

from tests.serving.standin_faults import FAULTS
from tests.serving.standin_handler import Handler

__all__ = ["FAULTS", "MODEL", "Standin"]

MODEL = "standin"
_CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
_SLOTS = 4
_PARTING_S = 0.05
"""How long a client that has its whole answer may still count as being answered."""
_LOOK_S = 0.2
"""How often a process looks whether it was told to end."""
_MEETING_S = 0.25
"""How long a fault waits for two clients to ask at once."""


_Incoming: TypeAlias = socket.socket | tuple[bytes, socket.socket]
"""What socketserver calls a request: a connection, or a datagram with its socket."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, standin: Standin) -> None:
        self.standin = standin
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: _Incoming, client_address: object) -> None:
        with self.standin.lock:
            self.standin.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Incoming) -> None:
        with self.standin.lock:
            self.standin.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: _Incoming, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):  # clients that leave are no fault
            self.standin.errors.append(repr(sys.exception()))


class Standin:
    """The server; listens once made, and answers inside a ``with`` block.

    Args:
        faults: names out of `FAULTS`, any number of them.
        token_delay_ms: how long each generated token takes.
        port: where to listen; 0 lets the system choose.
        api_key: what requests must bring; None asks for nothing.
        process: whether to die means the end of this process.
    """

    model = MODEL

    def __init__(
        self,
        *faults: str,
        token_delay_ms: float = 0.0,
        port: int = 0,
        api_key: str | None = None,
        process: bool = False,
    ) -> None:
        if unknown := set(faults) - set(FAULTS):
            raise ValueError(f"unknown faults {sorted(unknown)}; known are {', '.join(sorted(FAULTS))}")
        self.faults = frozenset(faults)
        self.token_delay_ms = token_delay_ms
        self.api_key = api_key
        self.exit_code: int | None = None
        """What it died of; None while it lives."""
        self.asked: list[dict[str, Any]] = []
        """Bodies of the questions that came, in their order."""
        self.errors: list[str] = []
        """What went wrong in the stand-in itself: a test's own fault."""
        self.leaked_descriptors: list[int] = []
        self.leaked_memory: list[bytearray] = []
        self.lock = threading.RLock()
        self.connections: set[object] = set()
        self.ending = threading.Event()
        self.harmed = False
        """Whether it answered a request with an error."""
        self.stuck = False
        """Whether a client left in mid-stream."""
        self.numbers = itertools.count(1)
        self._process = process
        self._slots = threading.Semaphore(_SLOTS)
        self._one = threading.Lock()
        self._flying: dict[int, str] = {}
        self._waiting = 0
        self._listener = _Listener(port, self)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)

    @property
    def fault(self) -> str:
        """Its faults, joined by commas."""
        return ",".join(sorted(self.faults))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def descriptor(self) -> int:
        """File descriptor of the listening socket."""
        return self._listener.fileno()

    def start(self) -> Self:
        """Begins to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends it, whatever it is doing; may be called twice."""
        self._shut()
        for descriptor in self.leaked_descriptors:
            os.close(descriptor)
        self.leaked_descriptors.clear()
        self.leaked_memory.clear()

    def die(self, exit_code: int) -> None:
        """Ends it as a crash does: at once, with whatever is open."""
        if self._process:
            print("the stand-in crashes", file=sys.stderr, flush=True)  # noqa: T201 - a log is meant
            os._exit(exit_code)
        self.exit_code = exit_code
        self._shut()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        assert not self.errors, self.errors

    def has(self, *faults: str) -> bool:
        """Whether it has any of these faults."""
        return any(fault in self.faults for fault in faults)

    def wait(self, seconds: float | None = None) -> bool:
        """Waits, for ever without a number; True as soon as the stand-in ends."""
        return self.ending.wait(seconds)

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """One of the places where requests are computed; False where it is refused."""
        with self.lock:
            self._waiting += 1
            crowd = self._waiting
        if crowd > 1 and self.has("one_at_a_time_503"):
            self.wait(_PARTING_S)
            crowd = self._waiting
        try:
            if (self.has("crowd_503") and crowd > _SLOTS) or (self.has("one_at_a_time_503") and crowd > 1):
                yield False
            elif self.has("slow_reader_blocks_all", "stuck_after_disconnect"):
                with self._one:
                    yield True
            else:
                with self._slots:
                    yield True
        finally:
            with self.lock:
                self._waiting -= 1

    def swapped(self, text: str) -> str:
        """The text of another client that asks right now; one's own where nobody does."""
        number = next(self.numbers)
        with self.lock:
            self._flying[number] = text
        try:
            ends_at = time.monotonic() + _MEETING_S
            while time.monotonic() < ends_at and not self.wait(0.005):
                with self.lock:
                    if others := [other for key, other in self._flying.items() if key != number and other != text]:
                        text = others[0]
                        break
            self.wait(_MEETING_S / 3)  # so that the other sees this one too
        finally:
            with self.lock:
                del self._flying[number]
        return text

    def _shut(self) -> None:
        if not self.ending.is_set():
            self.ending.set()
            if self._thread.is_alive():
                self._listener.shutdown()
            self._listener.server_close()
            with self.lock:
                connections = tuple(self.connections)
            for connection in connections:
                assert isinstance(connection, socket.socket)
                with suppress(OSError):  # closed by its own thread meanwhile
                    connection.shutdown(socket.SHUT_RDWR)


def main() -> int:
    """Runs the stand-in as a process until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS))
    parser.add_argument("--token-delay-ms", type=float, default=0.0)
    parser.add_argument("--api-key")
    wish = parser.parse_args()
    if "dies_at_start" in wish.fault:
        print("the stand-in cannot start: the fault says so", file=sys.stderr)  # noqa: T201 - a log is meant
        return 1
    standin = Standin(
        *wish.fault, token_delay_ms=wish.token_delay_ms, port=wish.port, api_key=wish.api_key, process=True
    )
    told = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, signal.SIG_IGN if standin.has("ignores_sigterm") else end)
    if standin.has("leaks_child"):
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD], pass_fds=[standin.descriptor], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()  # it ignores SIGTERM from here on
            return _serve(standin, told, leave=True)
    return _serve(standin, told)


def _serve(standin: Standin, told: threading.Event, *, leave: bool = False) -> int:
    print(json.dumps({"url": standin.url}), flush=True)  # noqa: T201 - callers read it
    with standin:
        while not told.wait(_LOOK_S):  # the signal may reach another thread, which does not wake this one
            pass
    code = 3 if standin.has("exits_3") else 0
    if leave:
        os._exit(code)  # not waiting for the child
    return code


if __name__ == "__main__":
    sys.exit(main())
