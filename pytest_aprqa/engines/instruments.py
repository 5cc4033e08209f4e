"""`RemoteInstruments`: the instruments of a model that lives in a child process, one order for each measurement.

What the child sends is checked here: how many, of which type, and for arrays the files themselves. Knows no particular
engine, and nothing of how a child is supervised.
"""

from __future__ import annotations

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from pytest_aprqa.core import EngineRefused, EngineTimeout, EngineUnavailable
from pytest_aprqa.engines import orders
from pytest_aprqa.engines.arrays import read_matrix
from pytest_aprqa.engines.batches import chunks, has_lone_surrogate
from pytest_aprqa.engines.orders import Measure
from pytest_aprqa.engines.protocol import Engine, Instruments
from pytest_aprqa.engines.readings import ModuleTrace, Pace
from pytest_aprqa.engines.wire import Arrays, Paced, Reply, Rows, Texts, Traced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("encode", "decode", "render", "logits", "greedy", "activations")
"""The methods of `Instruments` that any engine with instruments has."""
LATER_NAMES = ("pace", "stepwise", "together", "sample", "trace")
"""Those that came later, which an engine from before may lack."""
TIMEOUT_MS = 600_000
"""Default deadline of a measurement, in milliseconds."""
_TEXTS_TOGETHER = 512
"""Texts in one message, which has a largest size."""
_ROLES = {"role", "content"}


def instruments_of(engine: Engine) -> Instruments:
    """The same engine, by what it can measure.

    An engine that lacks only what came later says so when that is asked for, as one in a supervised child does of all.

    Raises:
        EngineUnavailable: it lacks an instrument that any has.
    """
    if lacking := _lacking(engine, NAMES):
        raise missing(engine.facts.name, lacking)
    return cast("Instruments", _Older(engine) if _lacking(engine, LATER_NAMES) else engine)


def _lacking(engine: Engine, names: Sequence[str]) -> list[str]:
    return [name for name in names if not callable(getattr(engine, name, None))]


class _Older:
    """An engine from before some instruments: what it has, and words for what it has not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        if name in _lacking(self._engine, LATER_NAMES):
            return partial(_raise_missing, self._engine.facts.name, name)
        return getattr(self._engine, name)


def _raise_missing(engine: str, name: str, *_: object, **__: object) -> NoReturn:
    raise missing(engine, [name])


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
            order = orders.Encode(tuple(texts[index] for index in part), special)
            rows += self._rows(order, clock, expected=len(part))
        return tuple(rows)

    def decode(self, rows: Sequence[Sequence[int]], *, timeout_ms: int = TIMEOUT_MS) -> tuple[str, ...]:
        """As `Instruments.decode`."""
        clock = _Deadline("decoding token ids", timeout_ms)
        texts: list[str] = []
        for part in chunks(range(len(rows)), _TEXTS_TOGETHER):
            texts += self._texts(
                orders.Decode(tuple(_plain_row(rows[index]) for index in part)), clock, expected=len(part)
            )
        return tuple(texts)

    def render(
        self, conversations: Sequence[Sequence[Mapping[str, str]]], *, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[str, ...]:
        """As `Instruments.render`."""
        for messages in conversations:
            if not messages or any(set(message) != _ROLES for message in messages):
                raise EngineRefused("a conversation needs messages, each with a role and a content and nothing else")
            _refuse_surrogates([message["content"] for message in messages])
        order = orders.Render(tuple(tuple(map(dict, messages)) for messages in conversations))
        return self._texts(order, _Deadline("rendering conversations", timeout_ms), expected=len(conversations))

    def greedy(
        self, rows: Sequence[Sequence[int]], *, max_tokens: int, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[tuple[int, ...], ...]:
        """As `Instruments.greedy`."""
        _refuse_none("max_tokens", max_tokens)
        _refuse_empty(rows)
        clock = _Deadline("continuing rows", timeout_ms)
        continued: list[tuple[int, ...]] = []
        for part in chunks(range(len(rows)), max(1, self._together)):
            order = orders.Greedy(tuple(_plain_row(rows[index]) for index in part), max_tokens)
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
        return self._arrays(lambda folder: orders.Activations(_plain_row(row), folder), clock, rows=len(row))

    def pace(self, row: Sequence[int], *, tokens: int, timeout_ms: int = TIMEOUT_MS) -> Pace:
        """As `Instruments.pace`."""
        _refuse_empty([row])
        _refuse_none("tokens", tokens)
        clock = _Deadline("timing tokens", timeout_ms)
        reply = self._measured(orders.Pace(_plain_row(row), tokens), clock)
        if not isinstance(reply, Paced) or not _is_pace(reply.pace, prompt_tokens=len(row), tokens=tokens):
            self._reject(clock.doing, f"it did not send the times of {tokens} tokens after {len(row)}")
        return reply.pace

    def stepwise(self, row: Sequence[int], *, given: int, timeout_ms: int = TIMEOUT_MS) -> NDArray[np.float32]:
        """As `Instruments.stepwise`."""
        if not 0 < given < len(row):
            raise EngineRefused(f"given is {given}; a row of {len(row)} tokens has steps after 1 to {len(row) - 1}")
        clock = _Deadline("computing logits step by step", timeout_ms)
        arrays = self._arrays(
            lambda folder: orders.Stepwise(_plain_row(row), given, folder),
            clock,
            rows=len(row) - given,
            names={"logits"},
        )
        return arrays["logits"]

    def together(
        self, rows: Sequence[Sequence[int]], *, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[NDArray[np.float32], ...]:
        """As `Instruments.together`."""
        _refuse_empty(rows)
        if not rows:
            return ()
        plain = tuple(map(_plain_row, rows))
        clock = _Deadline("computing logits of rows together", timeout_ms)
        arrays = self._arrays(lambda folder: orders.Together(plain, folder), clock, rows=len(plain), names={"logits"})
        return tuple(arrays["logits"][place : place + 1] for place in range(len(plain)))

    def sample(
        self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int, timeout_ms: int = TIMEOUT_MS
    ) -> tuple[int, ...]:
        """As `Instruments.sample`."""
        _refuse_empty([row])
        _refuse_none("max_tokens", max_tokens)
        if not 0 <= temperature < float("inf"):
            raise EngineRefused(f"temperature is {temperature}; expected a number from 0.0")
        order = orders.Sample(_plain_row(row), max_tokens, temperature, seed)
        (drawn,) = self._rows(order, _Deadline("drawing a continuation", timeout_ms), expected=1)
        return drawn

    def trace(self, row: Sequence[int], *, timeout_ms: int = TIMEOUT_MS) -> tuple[ModuleTrace, ...]:
        """As `Instruments.trace`."""
        _refuse_empty([row])
        clock = _Deadline("tracing modules", timeout_ms)
        reply = self._measured(orders.Trace(_plain_row(row)), clock)
        if not isinstance(reply, Traced) or not reply.modules:
            self._reject(clock.doing, "it did not send what its modules gave")
        return reply.modules

    def _row_logits(self, row: tuple[int, ...], last_only: bool, clock: _Deadline) -> NDArray[np.float32]:
        arrays = self._arrays(
            lambda folder: orders.Logits(row, last_only, folder),
            clock,
            rows=1 if last_only else len(row),
            names={"logits"},
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


def _is_pace(pace: Pace, *, prompt_tokens: int, tokens: int) -> bool:
    times = (pace.prefill_ms, *pace.token_ms)
    return len(times) == tokens and pace.prompt_tokens == prompt_tokens and min(times) >= 0


def _refuse_none(name: str, count: int) -> None:
    if count < 1:
        raise EngineRefused(f"{name} is {count}; at least 1 is needed to compare anything")


def _refuse_empty(rows: Sequence[Sequence[int]]) -> None:
    if any(len(row) == 0 for row in rows):
        raise EngineRefused("a row has no token ids; at least one is needed to compute anything")


def _refuse_surrogates(texts: Sequence[str]) -> None:
    if any(has_lone_surrogate(text) for text in texts):
        raise EngineRefused("a text holds a lone surrogate, which no tokenizer can encode")
