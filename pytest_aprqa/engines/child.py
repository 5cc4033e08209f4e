"""Supervises one child process: starts it, exchanges messages under hard deadlines, kills its group, names its death.

The child runs `pytest_aprqa.engines.worker` in a session of its own. Messages travel on two pipes of their own, since
libraries print on standard output; what they print is drained, and its end kept. Knows nothing of models and requests,
and needs a POSIX system.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping

from pytest_aprqa.core import EngineCrashed, EngineOutOfMemory, EngineTimeout
from pytest_aprqa.engines.memory import GroupMemory, is_zombie
from pytest_aprqa.engines.orders import Order
from pytest_aprqa.engines.wire import MAX_MESSAGE_BYTES, Reply, decode_reply, encode_order

TAIL_BYTES = 64 * 2**10
_TICK_S = 0.05
"""How often memory and life are looked at while a reply is awaited."""
_CHUNK_BYTES = 64 * 2**10
_DYING_S = 2.0
"""How long a child that closed its pipes may take to be dead."""


class Child:
    """One child process; dead after the first fault, then to be replaced by another.

    Args:
        threads: threads that the libraries in the child may use.
        memory_bytes: largest resident set of the child's processes together; None sets no limit.
    """

    def __init__(self, *, threads: int, memory_bytes: int | None = None) -> None:
        orders_read, self._orders = os.pipe()
        self._replies, replies_write = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pytest_aprqa.engines.worker", str(orders_read), str(replies_write)],
            stdin=subprocess.PIPE,  # the lifeline: never written, closed by our death
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(orders_read, replies_write),
            env=environment(threads),
            start_new_session=True,
        )
        os.close(orders_read)
        os.close(replies_write)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._prints = self._process.stdout.fileno()
        for fd in (self._orders, self._replies, self._prints):
            os.set_blocking(fd, False)
        self._memory = GroupMemory(self._process.pid) if memory_bytes is not None else None
        self._memory_bytes = memory_bytes
        self._printing = True
        self._inbox = bytearray()
        self._tail = bytearray()
        self._kill = weakref.finalize(self, _end, self._process, (self._orders, self._replies), os.getpid())

    @property
    def pid(self) -> int:
        """Process id, and id of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        # One that was just killed is a zombie before it can be reaped, as long as another of its threads still ends.
        return self._kill.alive and self._process.poll() is None and not is_zombie(self.pid)

    @property
    def tail(self) -> str:
        """The end of what the child printed."""
        return self._tail.decode("utf-8", errors="replace")

    def exchange(self, order: Order, *, doing: str, timeout_ms: int) -> Reply:
        """Sends an order and waits for its reply; after any error the whole process group is dead.

        Args:
            order: what to do.
            doing: what the child is then doing, for the error messages.
            timeout_ms: hard deadline in milliseconds.

        Raises:
            EngineTimeout: the deadline passed.
            EngineCrashed: the child died or sent something unreadable.
            EngineOutOfMemory: its memory passed the limit, or something other than us killed it.
        """
        try:
            return self._exchange(encode_order(order), doing, timeout_ms)
        except BaseException:  # an interrupt too leaves a child whose reply would be taken for the next one's
            self.kill()
            raise

    def violation(self, doing: str, what: str) -> EngineCrashed:
        """Kills a child that broke the protocol; returns the error to raise."""
        self.kill()
        return EngineCrashed(f"{doing}; {what}", exit_code=self._process.returncode, stderr_tail=self.tail)

    def kill(self) -> None:
        """Kills the whole process group and reaps the child; may be called twice."""
        self._kill()

    def _exchange(self, unsent: bytes, doing: str, timeout_ms: int) -> Reply:
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                raise EngineTimeout(doing, after_ms=timeout_ms)
            unsent, closed = self._step(unsent, min(remaining_s, _TICK_S))
            if self._inbox.endswith(b"\n"):
                line = bytes(self._inbox)
                self._inbox.clear()
                self._check_memory(doing)  # else the next request would be blamed for what this one took
                return self._read(line, doing)
            if len(self._inbox) > MAX_MESSAGE_BYTES:
                raise self.violation(doing, f"it sent a message of more than {MAX_MESSAGE_BYTES} bytes")
            if closed or self._process.poll() is not None:
                raise self._death(doing)
            self._check_memory(doing)

    def _step(self, unsent: bytes, wait_s: float) -> tuple[bytes, bool]:
        """Moves what the pipes take and give; returns what is still unsent and whether the child closed its end."""
        ready = self._ready(wait_s, sending=bool(unsent))
        if self._prints in ready:
            self._drain()
        if self._orders in ready:
            try:
                unsent = unsent[os.write(self._orders, unsent) :]
            except BrokenPipeError:
                return unsent, True
        if self._replies not in ready:
            return unsent, False
        chunk = os.read(self._replies, _CHUNK_BYTES)
        self._inbox += chunk
        return unsent, not chunk

    def _ready(self, wait_s: float, *, sending: bool) -> set[int]:
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        if self._printing:
            poll.register(self._prints, select.POLLIN)
        if sending:
            poll.register(self._orders, select.POLLOUT)
        return {fd for fd, _ in poll.poll(wait_s * 1000)}

    def _drain(self) -> None:
        """Keeps the end of what the child printed so far."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._prints, _CHUNK_BYTES):
                self._tail += chunk
                del self._tail[:-TAIL_BYTES]
            self._printing = False

    def _read(self, line: bytes, doing: str) -> Reply:
        try:
            return decode_reply(line)
        except ValueError as exc:
            raise self.violation(doing, f"it sent an {exc}") from exc

    def _check_memory(self, doing: str) -> None:
        if self._memory is None or self._memory_bytes is None:
            return
        rss_bytes = self._memory.rss_bytes()
        if rss_bytes > self._memory_bytes:
            raise EngineOutOfMemory(
                f"the engine held {rss_bytes:,} bytes while {doing}, more than its limit of {self._memory_bytes:,};"
                " it was killed"
            )

    def _death(self, doing: str) -> EngineCrashed | EngineOutOfMemory:
        try:
            exit_code = self._process.wait(_DYING_S)
        except subprocess.TimeoutExpired:
            return self.violation(doing, "it closed its pipes")
        self._drain()
        if exit_code == -signal.SIGKILL:
            return EngineOutOfMemory(
                f"the engine was killed by SIGKILL while {doing}, and not by us: most likely by the kernel, for memory"
            )
        return EngineCrashed(doing, exit_code=exit_code, stderr_tail=self.tail)


def _end(process: subprocess.Popen[bytes], fds: tuple[int, ...], owner_pid: int) -> None:
    """Kills the group and reaps its leader; a forked copy of the parent leaves both alone."""
    if os.getpid() != owner_pid:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for fd in fds:
        os.close(fd)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def environment(threads: int) -> Mapping[str, str]:
    """Ours, with our import path, so that the child finds what we find; and libraries kept quiet, offline and few."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path and os.pathsep not in path),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        # Without these two, libgomp's idle threads spin and take the cores from a neighbouring worker's.
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "GGML_NO_BACKTRACE": "1",  # else a llama.cpp that aborts starts a debugger on itself, which takes seconds
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "PYTHONUNBUFFERED": "1",
    }
