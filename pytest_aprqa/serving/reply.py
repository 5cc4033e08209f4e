"""What a model server answered: `Reply` in one piece, `Streamed` as events; and what of it means something.

Takes nothing for granted: whatever is missing or has another shape is None. Knows no connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_aprqa.core import Json
from pytest_aprqa.serving.sse import read_json


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in one piece."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; values of the same name are joined by a comma."""
    body: bytes
    duration_ms: float
    """From before the connection was made until the last byte."""

    @property
    def json(self) -> Json:
        """The body's value; None where it is no JSON (and where it is ``null``)."""
        try:
            return read_json(self.body)
        except ValueError:
            return None

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        try:
            read_json(self.body)
        except ValueError:
            return False
        return True

    @property
    def message(self) -> str:
        """The words of an error, in any of the usual shapes; empty where there are none."""
        return _error_words(self.json)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    at_ms: float
    """When its last byte was read, from before the connection was made."""
    data: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer as a stream of events."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    events: tuple[Event, ...]
    """In their order, without ``[DONE]``."""
    done: bool
    """Whether ``[DONE]`` came, once and as the last event."""
    problems: tuple[str, ...]
    """What such a stream must not do: framing, JSON, events after ``[DONE]``, cut off by a broken connection.
    A missing ``[DONE]`` is told by `done` alone."""
    body: bytes
    """What came in place of a stream, where the status is not 200."""
    duration_ms: float
    cut: bool = False
    """Whether the connection broke before the response ended; `problems` says how, last."""

    @property
    def text(self) -> str:
        """The pieces of the answer, joined."""
        return "".join(text for _, text in self._pieces())

    @property
    def finish(self) -> str | None:
        """The last finish_reason; None where none was given."""
        found = [choice.get("finish_reason") for value in self._values() for choice in _choices(value)]
        return next((reason for reason in reversed(found) if isinstance(reason, str)), None)

    @property
    def usage(self) -> dict[str, int] | None:
        """Token counts, as the last event that has any gives them."""
        return next((usage for value in reversed(list(self._values())) if (usage := _usage(value)) is not None), None)

    @property
    def model(self) -> str | None:
        """The model's name, as the first event that has one gives it."""
        return next((name for value in self._values() if isinstance(name := value.get("model"), str)), None)

    @property
    def token_times_ms(self) -> tuple[float, ...]:
        """Times of the events that carry text."""
        return tuple(at_ms for at_ms, text in self._pieces() if text)

    @property
    def message(self) -> str:
        """The words of an error, of the body or of an event; empty where there are none."""
        if self.body:
            return Reply(self.status, self.headers, self.body, self.duration_ms).message
        return next((words for value in self._values() if "error" in value and (words := _error_words(value))), "")

    def _pieces(self) -> Iterator[tuple[float, str]]:
        for event in self.events:
            for choice in _choices(_object(event.data)):
                if isinstance(text := _said(choice, "delta"), str):
                    yield event.at_ms, text

    def _values(self) -> Iterator[dict[str, Json]]:
        return (_object(event.data) for event in self.events)


def text_of(reply: Reply) -> str | None:
    """The answer's text, of a chat or of a completion; None where there is none."""
    text = next((_said(choice, "message") for choice in _choices(_dict(reply.json))), None)
    return text if isinstance(text, str) else None


def finish_of(reply: Reply) -> str | None:
    """The answer's finish_reason; None where there is none."""
    reason = next((choice.get("finish_reason") for choice in _choices(_dict(reply.json))), None)
    return reason if isinstance(reason, str) else None


def usage_of(reply: Reply) -> dict[str, int] | None:
    """Token counts by their names; None where there are none."""
    return _usage(_dict(reply.json))


def _object(data: str) -> dict[str, Json]:
    try:
        return _dict(read_json(data))
    except ValueError:
        return {}


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _choices(value: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The first choice, as a list of one or none: there may be several of different indices, of which 0 is ours."""
    choices = value.get("choices")
    found = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    return [choice for choice in found if choice.get("index", 0) == 0][:1]


def _said(choice: Mapping[str, Json], place: str) -> Json:
    spoken = choice.get(place)
    return spoken.get("content") if isinstance(spoken, dict) else choice.get("text")


def _usage(value: Mapping[str, Json]) -> dict[str, int] | None:
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    return {name: count for name, count in usage.items() if isinstance(count, int) and not isinstance(count, bool)}


def _error_words(value: Json) -> str:
    """FastAPI says ``detail`` (a text, or a list with ``msg``), OpenAI ``error.message``, others one of the rest."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(words for item in value if (words := _error_words(item)))
    if not isinstance(value, dict):
        return ""
    names = ("error", "message", "detail", "msg")
    return next((words for name in names if (words := _error_words(value.get(name)))), "")
