"""The client of a model server that speaks OpenAI's API: one fresh connection and one deadline for each request.

Fresh connections because servers close them after errors, which must not be charged to the next request. Knows nothing
of who started the server, and judges nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpcore

from pytest_aprqa.core import EngineError, EngineRefused, EngineTimeout, Json
from pytest_aprqa.serving.connection import Deadline, exchange
from pytest_aprqa.serving.reply import Event, Reply, Streamed, finish_of, text_of, usage_of
from pytest_aprqa.serving.sse import SseParser

__all__ = [
    "CHAT",
    "COMPLETIONS",
    "Client",
    "Event",
    "Overdue",
    "Reply",
    "Streamed",
    "Unreachable",
    "finish_of",
    "text_of",
    "usage_of",
]

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"

_MAX_BODY_BYTES = 64 * 1024 * 1024
_MAX_EVENTS = 200_000
_SLOW_BITE_BYTES = 256
"""What a slow reader takes at once: about one event."""
_AFTER_DONE_MS = 5_000
"""How long the end of a response may take once its stream said [DONE]."""
_OK = 200


class Unreachable(EngineError):
    """The server gave no answer that is one: refused, reset, closed too early, or no HTTP; the words say which."""


class Overdue(EngineTimeout):
    """The deadline of a request passed; the server was left as it is.

    Args:
        doing: what was asked.
        after_ms: the deadline in milliseconds.
    """

    def __init__(self, doing: str, *, after_ms: int) -> None:
        self.after_ms = after_ms
        EngineError.__init__(self, f"no whole answer to {doing} within {after_ms} ms")


class Client:
    """Asks a server.

    Args:
        url: where it is, such as ``http://127.0.0.1:8080``.
        model: the word that requests give as ``model``.
        api_key: sent as a bearer token; None sends none.
        timeout_ms: deadline of a whole request, where it gives none of its own.

    Raises:
        EngineRefused: the url is none of HTTP.
    """

    def __init__(self, url: str, *, model: str, api_key: str | None = None, timeout_ms: int = 60_000) -> None:
        self.url = _checked(url)
        self.model = model
        self.timeout_ms = timeout_ms
        self._api_key = api_key

    def get(self, path: str, *, timeout_ms: int | None = None) -> Reply:
        """Asks for a path; see `post` for what it raises."""
        return self._ask("GET", path, b"", {}, timeout_ms)

    def post(
        self,
        path: str,
        body: Mapping[str, Json] | bytes,
        *,
        timeout_ms: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Sends a body, as JSON or as the bytes given.

        Raises:
            Unreachable: no connection, or a broken one, or no HTTP.
            EngineTimeout: the deadline passed before the last byte of the answer.
            EngineRefused: the request cannot be sent, or the answer is larger than anybody needs.
        """
        return self._ask("POST", path, _encoded(body), headers or {}, timeout_ms)

    def stream(
        self,
        path: str,
        body: Mapping[str, Json],
        *,
        timeout_ms: int | None = None,
        leave_after: int | None = None,
        pause_ms: float = 0,
    ) -> Streamed:
        """Sends a body and reads the answer as events; raises what `post` raises.

        Args:
            path: where to.
            body: the request, which should say ``"stream": true`` itself.
            timeout_ms: deadline of the whole; None takes the client's.
            leave_after: closes the connection after so many events; what is cut off then is no problem.
            pause_ms: wait before each read of a few bytes, as a slow reader does.
        """
        doing, timeout_ms = f"POST {path}", timeout_ms or self.timeout_ms
        started, deadline = time.perf_counter(), Deadline(timeout_ms)
        content, headers = _encoded(body), self._headers({"Accept": "text/event-stream"}, body=True)
        bite_bytes = _SLOW_BITE_BYTES if pause_ms else None
        with (
            _mapped(doing, timeout_ms),
            exchange(
                "POST",
                self.url + path,
                headers=headers,
                content=content,
                deadline=deadline,
                bite_bytes=bite_bytes,
                pause_ms=pause_ms,
            ) as response,
        ):
            if response.status != _OK:
                body_bytes = _read(response, doing)
                return Streamed(
                    response.status,
                    _lower(response),
                    (),
                    done=False,
                    problems=(),
                    body=body_bytes,
                    duration_ms=_ms(started),
                )
            reading = _Reading(started, deadline, leave_after)
            reading.read(response)
            return Streamed(
                response.status,
                _lower(response),
                tuple(reading.events),
                done=reading.parser.done,
                problems=(*_type_problems(response), *reading.parser.problems, *reading.problems),
                body=b"",
                duration_ms=_ms(started),
                cut=reading.cut,
            )

    def chat(
        self,
        messages: Sequence[Mapping[str, Json]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        timeout_ms: int | None = None,
        **more: Json,
    ) -> Reply:
        """Asks for the next message of a conversation; `more` goes into the request as it is."""
        body = self._wish({"messages": [dict(one) for one in messages]}, max_tokens, temperature, seed, more)
        return self.post(CHAT, body, timeout_ms=timeout_ms)

    def complete(
        self,
        prompt: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        timeout_ms: int | None = None,
        **more: Json,
    ) -> Reply:
        """Asks for the continuation of a raw prompt; `more` goes into the request as it is."""
        return self.post(
            COMPLETIONS, self._wish({"prompt": prompt}, max_tokens, temperature, seed, more), timeout_ms=timeout_ms
        )

    def chat_stream(
        self,
        messages: Sequence[Mapping[str, Json]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        timeout_ms: int | None = None,
        leave_after: int | None = None,
        pause_ms: float = 0,
        **more: Json,
    ) -> Streamed:
        """`chat` as a stream, usage asked for; see `stream` for the other arguments."""
        body = self._wish(
            {"messages": [dict(one) for one in messages]}, max_tokens, temperature, seed, _STREAMED | more
        )
        return self.stream(CHAT, body, timeout_ms=timeout_ms, leave_after=leave_after, pause_ms=pause_ms)

    def complete_stream(
        self,
        prompt: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int | None = None,
        timeout_ms: int | None = None,
        leave_after: int | None = None,
        pause_ms: float = 0,
        **more: Json,
    ) -> Streamed:
        """`complete` as a stream, usage asked for; see `stream` for the other arguments."""
        body = self._wish({"prompt": prompt}, max_tokens, temperature, seed, _STREAMED | more)
        return self.stream(COMPLETIONS, body, timeout_ms=timeout_ms, leave_after=leave_after, pause_ms=pause_ms)

    def _wish(
        self, asked: dict[str, Json], max_tokens: int, temperature: float, seed: int | None, more: Mapping[str, Json]
    ) -> dict[str, Json]:
        body: dict[str, Json] = {"model": self.model, **asked, "max_tokens": max_tokens, "temperature": temperature}
        return body | ({} if seed is None else {"seed": seed}) | dict(more)

    def _ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str], timeout_ms: int | None) -> Reply:
        doing, timeout_ms = f"{method} {path}", timeout_ms or self.timeout_ms
        started, deadline = time.perf_counter(), Deadline(timeout_ms)
        sent = self._headers(headers, body=method != "GET")
        with (
            _mapped(doing, timeout_ms),
            exchange(method, self.url + path, headers=sent, content=content, deadline=deadline) as response,
        ):
            body = _read(response, doing)
        return Reply(response.status, _lower(response), body, _ms(started))

    def _headers(self, more: Mapping[str, str], *, body: bool) -> dict[str, str]:
        headers = {"accept": "*/*", "accept-encoding": "identity", "connection": "close"}
        if body:
            headers["content-type"] = "application/json"
        if self._api_key is not None:
            headers["authorization"] = f"Bearer {self._api_key}"
        headers |= {name.lower(): value for name, value in more.items()}
        if strange := next((name for name, value in headers.items() if not (name + value).isascii()), None):
            raise EngineRefused(f"the header {strange!r} cannot be sent: it holds characters beyond ASCII")
        return headers


_STREAMED: dict[str, Json] = {"stream": True, "stream_options": {"include_usage": True}}


@dataclass(slots=True)
class _Reading:
    """The events of a stream while they come."""

    started: float
    deadline: Deadline
    leave_after: int | None
    parser: SseParser = field(default_factory=SseParser)
    events: list[Event] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    cut: bool = False

    def read(self, response: httpcore.Response) -> None:
        """Reads to the end, or until it is time to leave."""
        try:
            if not self._left_early(response):
                self.parser.end()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            self.parser.end()
            self.cut = True
            self.problems.append(f"cut off after {len(self.events)} events: {_words(error)}")
        except httpcore.TimeoutException:
            if not self.parser.done:
                raise
            self.problems.append(f"the response did not end within {_AFTER_DONE_MS} ms after [DONE]")

    def _left_early(self, response: httpcore.Response) -> bool:
        if self.leave_after == 0:
            return True
        for chunk in _bounded(response, "a stream"):
            at_ms = _ms(self.started)
            self.events += [Event(at_ms, data) for data in self.parser.feed(chunk)]
            if self.leave_after is not None and len(self.events) >= self.leave_after:
                del self.events[self.leave_after :]
                return True
            if len(self.events) > _MAX_EVENTS:
                raise EngineRefused(f"the stream has more than {_MAX_EVENTS} events")
            if self.parser.done:
                self.deadline.shorten(_AFTER_DONE_MS)
        return False


@contextmanager
def _mapped(doing: str, timeout_ms: int) -> Iterator[None]:
    """Turns the errors of HTTP into ours."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise Overdue(doing, after_ms=timeout_ms) from error
    except httpcore.LocalProtocolError as error:
        raise EngineRefused(f"{doing} cannot be sent: {error}") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise Unreachable(f"no answer to {doing}: {_words(error)}") from error


def _words(error: Exception) -> str:
    if isinstance(error, httpcore.ConnectError):
        return f"no connection ({error})"
    if isinstance(error, httpcore.RemoteProtocolError) and "disconnected" in str(error):
        return "the connection was closed before an answer"
    if isinstance(error, httpcore.ProtocolError):
        return f"broken HTTP ({error})"
    return f"the connection broke ({str(error) or type(error).__name__})"


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0 and url.isascii()
    except ValueError:
        fine = False
    if not fine:
        raise EngineRefused(f"{url!r} is no address of a server; expected one such as http://127.0.0.1:8080")
    return url.rstrip("/")


def _encoded(body: Mapping[str, Json] | bytes) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(dict(body)).encode()


def _read(response: httpcore.Response, doing: str) -> bytes:
    return b"".join(_bounded(response, f"the answer to {doing}"))


def _bounded(response: httpcore.Response, what: str) -> Iterator[bytes]:
    size_bytes = 0
    for chunk in response.iter_stream():
        size_bytes += len(chunk)
        if size_bytes > _MAX_BODY_BYTES:
            raise EngineRefused(f"{what} is larger than {_MAX_BODY_BYTES >> 20} MiB")
        yield chunk


def _lower(response: httpcore.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _type_problems(response: httpcore.Response) -> tuple[str, ...]:
    found = _lower(response).get("content-type", "")
    if found.partition(";")[0].strip().lower() == "text/event-stream":
        return ()
    return (f"content type {found!r}; expected 'text/event-stream'",)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
