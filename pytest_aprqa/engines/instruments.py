"""`RemoteInstruments`: the instruments of a model that lives in a child process, one order for each measurement.

What the child sends is checked here: how many, of which type, and for arrays the files themselves. Knows no particular
engine, and nothing of how a child is supervised.
"""

from __future__ import annotations

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from pytest_aprqa.core import EngineRefused, EngineTimeout, EngineUnavailable
from pytest_aprqa.engines.arrays import read_matrix
from pytest_aprqa.engines.batches import chunks, has_lone_surrogate
from pytest_aprqa.engines.protocol import Engine, Instruments
from pytest_aprqa.engines.wire import (
    Activations,
    Arrays,
    Decode,
    Encode,
    Greedy,
    Logits,
    Measure,
    Render,
    Reply,
    Rows,
    Texts,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("encode", "decode", "render", "logits", "greedy", "activations")
"""The methods of `Instruments`."""
TIMEOUT_MS = 600_000
"""Default deadline of a measurement, in milliseconds."""
_TEXTS_TOGETHER = 512
"""Texts in one message, which has a largest size."""
_ROLES = {"role", "content"}


def instruments_of(engine: Engine) -> Instruments:
    """The same engine, by what it can measure.

    Raises:
        EngineUnavailable: it lacks an instrument; one in a supervised child says so only when that is asked for.
    """
    if lacking := [name for name in NAMES if not callable(getattr(engine, name, None))]:
        raise missing(engine.facts.name, lacking)
    return cast("Instruments", engine)


def missing(engine: str, lacking: Sequence[str]) -> EngineUnavailable:
    """The error for instruments that an engine does not have."""
    return EngineUnavailable(
        engine,
        f"it has no instrument {', '.join(map(repr, lacking))}",
        install="pip install 'pytest-aprqa[transformers]', whose engines have them all",
    )


class RemoteInstruments(ABC):
    """`Instruments` by orders to a child; each takes a deadline for the whole call.

    All of them raise `EngineUnavailable` where the model in the child has no such instrument, `EngineRefused` where it
    refuses, and `EngineTimeout`, `EngineCrashed` or `EngineOutOfMemory` as its process fares; the next call then starts
    a fresh one.
    """

    @abstractmethod
    def _consult(self, order: Measure, *, doing: str, timeout_ms: int) -> Reply:
        """Sends an order; never returns `Failed`."""

    @abstractmethod
    def _reject(self, doing: str, what: str) -> NoReturn:
        """Ends a child that broke the protocol, and raises."""

    @property
    @abstractmethod
    def _together(self) -> int:
        """Most rows that are continued in one go."""

    def encode(
        self, texts: Sequence[str], *, special: bool, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[tuple[int, ...], ...]:
        """As `Instruments.encode`."""
        _refuse_surrogates(texts)
        clock = _Deadline("encoding texts", timeout_ms)
        rows: list[tuple[int, ...]] = []
        for part in chunks(range(len(texts)), _TEXTS_TOGETHER):
            order = Encode(tuple(texts[index] for index in part), special)
            rows += self._rows(order, clock, expected=len(part))
        return tuple(rows)

    def decode(self, rows: Sequence[Sequence[int]], *, timeout_ms: int = TIMEOUT_MS) -> tuple[str, ...]:
        """As `Instruments.decode`."""
        clock = _Deadline("decoding token ids", timeout_ms)
        texts: list[str] = []
        for part in chunks(range(len(rows)), _TEXTS_TOGETHER):
            texts += self._texts(Decode(tuple(_plain_row(rows[index]) for index in part)), clock, expected=len(part))
        return tuple(texts)

    def render(
        self, conversations: Sequence[Sequence[Mapping[str, str]]], *, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[str, ...]:
        """As `Instruments.render`."""
        for messages in conversations:
            if not messages or any(set(message) != _ROLES for message in messages):
                raise EngineRefused("a conversation needs messages, each with a role and a content and nothing else")
            _refuse_surrogates([message["content"] for message in messages])
        order = Render(tuple(tuple(map(dict, messages)) for messages in conversations))
        return self._texts(order, _Deadline("rendering conversations", timeout_ms), expected=len(conversations))

    def greedy(
        self, rows: Sequence[Sequence[int]], *, max_tokens: int, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[tuple[int, ...], ...]:
        """As `Instruments.greedy`."""
        if max_tokens < 1:
            raise EngineRefused(f"max_tokens is {max_tokens}; at least 1 is needed to compare anything")
        _refuse_empty(rows)
        clock = _Deadline("continuing rows", timeout_ms)
        continued: list[tuple[int, ...]] = []
        for part in chunks(range(len(rows)), max(1, self._together)):
            order = Greedy(tuple(_plain_row(rows[index]) for index in part), max_tokens)
            continued += self._rows(order, clock, expected=len(part))
        return tuple(continued)

    def logits(
        self, rows: Sequence[Sequence[int]], *, last_only: bool = False, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[NDArray[np.float32], ...]:
        """As `Instruments.logits`; the arrays of all rows are in memory together."""
        _refuse_empty(rows)
        clock = _Deadline("computing logits", timeout_ms)
        return tuple(self._row_logits(_plain_row(row), last_only, clock) for row in rows)

    def activations(self, row: Sequence[int], *, timeout_ms: int = TIMEOUT_MS) -> Mapping[str, NDArray[np.float32]]:
        """As `Instruments.activations`."""
        _refuse_empty([row])
        clock = _Deadline("recording activations", timeout_ms)
        return self._arrays(lambda folder: Activations(_plain_row(row), folder), clock, rows=len(row))

    def _row_logits(self, row: tuple[int, ...], last_only: bool, clock: _Deadline) -> NDArray[np.float32]:
        arrays = self._arrays(
            lambda folder: Logits(row, last_only, folder), clock, rows=1 if last_only else len(row), names={"logits"}
        )
        return arrays["logits"]

    def _measured(self, order: Measure, clock: _Deadline) -> Reply:
        try:
            return self._consult(order, doing=clock.doing, timeout_ms=clock.remaining_ms())
        except EngineTimeout as exc:
            raise EngineTimeout(clock.doing, after_ms=clock.timeout_ms) from exc

    def _rows(self, order: Measure, clock: _Deadline, *, expected: int) -> tuple[tuple[int, ...], ...]:
        reply = self._measured(order, clock)
        if not isinstance(reply, Rows) or len(reply.rows) != expected:
            self._reject(clock.doing, f"it did not send {expected} rows of token ids")
        return reply.rows

    def _texts(self, order: Measure, clock: _Deadline, *, expected: int) -> tuple[str, ...]:
        reply = self._measured(order, clock)
        if not isinstance(reply, Texts) or len(reply.texts) != expected:
            self._reject(clock.doing, f"it did not send {expected} texts")
        return reply.texts

    def _arrays(
        self, order: Callable[[Path], Measure], clock: _Deadline, *, rows: int, names: set[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        with tempfile.TemporaryDirectory(prefix="aprqa-arrays-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary)
            reply = self._measured(order(folder), clock)
            if not isinstance(reply, Arrays) or not reply.files or (names is not None and set(reply.files) != names):
                self._reject(clock.doing, "it did not send the arrays that it was asked for")
            try:
                return {name: read_matrix(folder, file, rows=rows) for name, file in reply.files.items()}
            except ValueError as exc:
                self._reject(clock.doing, str(exc))


class _Deadline:
    """When a call that takes several orders must be done."""

    def __init__(self, doing: str, timeout_ms: int) -> None:
        if timeout_ms < 1:
            raise EngineRefused(f"timeout_ms is {timeout_ms}; at least 1 is needed")
        self.doing = doing
        self.timeout_ms = timeout_ms
        self._ends_at = time.monotonic() + timeout_ms / 1000

    def remaining_ms(self) -> int:
        """What is left of it; raises `EngineTimeout` where nothing is."""
        remaining = int((self._ends_at - time.monotonic()) * 1000)
        if remaining < 1:
            raise EngineTimeout(self.doing, after_ms=self.timeout_ms)
        return remaining


def _plain_row(row: Sequence[int]) -> tuple[int, ...]:
    """Numbers of Python's own, also from an array."""
    return tuple(int(token) for token in row)


def _refuse_empty(rows: Sequence[Sequence[int]]) -> None:
    if any(len(row) == 0 for row in rows):
        raise EngineRefused("a row has no token ids; at least one is needed to compute anything")


def _refuse_surrogates(texts: Sequence[str]) -> None:
    if any(has_lone_surrogate(text) for text in texts):
        raise EngineRefused("a text holds a lone surrogate, which no tokenizer can encode")
