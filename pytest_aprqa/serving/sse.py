"""Server-sent events as a model server streams them: bytes in, data of events out, and what violates the rules.

Reference: WHATWG HTML, "Server-sent events", sections "Parsing an event stream" and "Interpreting an event stream".
An OpenAI stream is narrower: every event is one JSON object, and the last event is ``[DONE]``. Knows no socket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple, NoReturn

from pytest_aprqa.core import Json

DONE = "[DONE]"
"""Data of the event that ends an OpenAI stream."""

_BREAK = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
_FIELDS = frozenset({"data", "event", "id", "retry"})
_MAX_PROBLEMS = 16
"""A broken stream breaks the same rule in each line; more than that tells nobody anything."""
_SHOWN = 80
"""Characters of an offending line that are shown."""


class Parsed(NamedTuple):
    """A whole stream, read."""

    events: tuple[str, ...]
    """Data of each event before ``[DONE]`` or after it, without ``[DONE]`` itself."""
    done: bool
    """Whether ``[DONE]`` came, once and as the last event."""
    problems: tuple[str, ...]
    """What a stream of this kind must not do, one sentence for each."""


class SseParser:
    r"""Reads an event stream piece by piece, however it was cut into pieces.

    >>> parser = SseParser()
    >>> parser.feed(b'data: {"a": 1}\n\nda'), parser.feed(b"ta: [DONE]\n\n"), parser.done
    (('{"a": 1}',), (), True)
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[str] = []
        self._first = True
        self._after_cr = False
        self._seen_done = 0
        self._after_done = False
        self._problems: list[str] = []
        self._untold = 0

    @property
    def done(self) -> bool:
        """Whether ``[DONE]`` came, once, and nothing after it."""
        return self._seen_done == 1 and not self._after_done

    @property
    def problems(self) -> tuple[str, ...]:
        """What violated the rules so far; many of them are cut short."""
        more = (f"and {self._untold} more",) if self._untold else ()
        return (*self._problems, *more)

    def feed(self, chunk: bytes) -> tuple[str, ...]:
        """Takes the next bytes.

        Returns:
            The data of each event that they complete, ``[DONE]`` left out.
        """
        if not chunk:
            return ()
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]  # the second half of a line break that was cut in two
        self._after_cr = chunk[-1:] == b"\r"
        first, *rest = _BREAK.split(chunk)
        self._line += first
        events: list[str] = []
        for piece in rest:
            self._take_line(bytes(self._line), events)
            self._line = bytearray(piece)
        return tuple(events)

    def end(self) -> None:
        """Says that no byte follows: an event without its blank line is dropped, as the rules want, and told."""
        if self._line or self._data:
            rest = bytes(self._line).decode(errors="replace") or "\n".join(self._data)
            self._problem(f"the stream ends without a blank line after {_shown(rest)}")
            self._line.clear()
            self._data.clear()

    def _take_line(self, raw: bytes, events: list[str]) -> None:
        if self._first:
            self._first = False
            raw = raw.removeprefix(_BOM)
        if not raw:
            self._dispatch(events)
            return
        name, colon, value = self._decode(raw).partition(":")
        if not name and colon:
            return  # a comment
        if name == "data":
            self._data.append(value.removeprefix(" "))
        elif name not in _FIELDS:
            self._problem(f"a line that is no field: {_shown(name + colon + value)}")

    def _dispatch(self, events: list[str]) -> None:
        if not self._data:
            return
        data = "\n".join(self._data)
        self._data.clear()
        if self._seen_done:
            self._after_done = True
            self._problem(f"an event after [DONE]: {_shown(data)}")
        if data == DONE:
            self._seen_done += 1
            return
        if (why := _why_no_object(data)) is not None:
            self._problem(f"an event that is no JSON object ({why}): {_shown(data)}")
        events.append(data)

    def _decode(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            self._problem(f"bytes that are no UTF-8 at {error.start} of a line: {_shown(repr(raw[error.start :][:8]))}")
            return raw.decode(errors="replace")

    def _problem(self, sentence: str) -> None:
        if len(self._problems) < _MAX_PROBLEMS:
            self._problems.append(sentence)
        else:
            self._untold += 1


def parse_sse(chunks: Iterable[bytes]) -> Parsed:
    r"""Reads a whole stream.

    >>> parse_sse([b"data: 1\n\n", b"data: [DONE]\n\n"])
    Parsed(events=('1',), done=True, problems=('an event that is no JSON object (it is int): 1',))
    """
    parser = SseParser()
    events = [data for chunk in chunks for data in parser.feed(chunk)]
    parser.end()
    return Parsed(tuple(events), parser.done, parser.problems)


def read_json(text: str | bytes) -> Json:
    """The value of a JSON text, by RFC 8259.

    Raises:
        ValueError: it is none, or is nested too deeply to read.
    """
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _why_no_object(data: str) -> str | None:
    try:
        value = read_json(data)
    except ValueError as error:
        return str(error)
    return None if isinstance(value, dict) else f"it is {type(value).__name__}"


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
