"""How the stand-in answers one request: routes, answers in one piece and in events, with faults where named."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from pytest_aprqa.core import Finish
from tests.serving import standin_model as model
from tests.serving.standin_asked import Asked, Refusal, read_asked
from tests.serving.standin_faults import spoil_body, spoil_text

if TYPE_CHECKING:
    from tests.serving.standin import Standin

_LARGE_BYTES = 512 * 1024
_DEEP = 200
_CRASH_CODE = 7
_LEAVING_MS = 5.0
_MEBIBYTE = 1024 * 1024
_OBEYED = ("hang", "crash", "fail", "drop")


class Dropped(ConnectionError):
    """The connection is to be closed without another word."""


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Any  # the listener, which knows the stand-in

    @property
    def standin(self) -> Standin:
        found: Standin = self.server.standin
        return found

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        standin = self.standin
        if self.path == "/health":
            self._health()
        elif self.path == "/v1/models" and standin.has("models_500"):
            self._refuse(Refusal(500, "no list of models today"))
        elif self.path == "/v1/models":
            name = "another" if standin.has("models_other") else standin.model
            self._json(200, {"object": "list", "data": [{"id": name, "object": "model"}]})
        elif self.path in _PATHS:
            self._refuse(Refusal(405, f"{self.path} takes POST"))
        else:
            self._refuse(Refusal(404, f"there is nothing at {self.path}"))

    def do_POST(self) -> None:
        try:
            self._question(self._body())
        except Refusal as refusal:
            self._refuse(refusal)
        except Dropped:
            self.close_connection = True

    def _health(self) -> None:
        standin = self.standin
        if standin.has("slow_health"):
            standin.wait(1.5)
        if standin.has("never_ready"):
            self._refuse(Refusal(503, "loading the model"))
        elif standin.has("health_500"):
            self._refuse(Refusal(500, "not well"))
        else:
            self._json(200, {"status": "ok", "device": "cuda" if standin.has("health_lies") else "cpu"})

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Refusal(411, "a body with a Content-Length is needed")
        body = self.rfile.read(int(length))
        if len(body) > _LARGE_BYTES or body.count(b"[") + body.count(b"{") > _DEEP:
            if self.standin.has("hangs_on_oversized"):
                self._hang()
            if self.standin.has("crashes_on_oversized"):
                self._crash()
        return body

    def _question(self, raw: bytes) -> None:
        standin = self.standin
        if self.path not in _PATHS or (standin.has("no_completions") and self.path == _PATHS[1]):
            raise Refusal(404, f"there is nothing at {self.path}")
        if standin.api_key is not None and self.headers.get("Authorization") != f"Bearer {standin.api_key}":
            raise Refusal(401, "the API key is wrong or missing")
        self._harm_before(raw)
        asked = read_asked(raw, chat=self.path == _PATHS[0], model=standin.model, faults=standin.faults)
        with standin.lock:
            standin.asked.append(asked.body)
        self._obey(asked)
        self._leak()
        with standin.slot() as granted:
            if not granted:
                raise Refusal(503, "too many requests at once")
            if standin.stuck:
                self._hang()
            said = self._said(asked)
            if asked.stream and not standin.has("ignores_stream"):
                self._stream(asked, said)
            else:
                self._whole(asked, said)
            if standin.has("slow_reader_blocks_all"):
                self._await_client()

    def _harm_before(self, raw: bytes) -> None:
        standin = self.standin
        if standin.has("hang") or (standin.harmed and standin.has("hangs_after_error")):
            self._hang()
        if standin.has("status_500"):
            raise Refusal(500, "the fault says so")
        if standin.has("drops_connection"):
            raise Dropped
        if standin.has("garbage_http"):
            self.wfile.write(b"Sure! Here is your answer.\r\n\r\n")
            raise Dropped
        if standin.has("crashes_on_malformed") and not _is_json(raw):
            self._crash()

    def _obey(self, asked: Asked) -> None:
        if not self.standin.has("obeys"):
            return
        order = next((word for word in _OBEYED if f"Please {word}." in asked.last), None)
        if order == "hang":
            self._hang()
        if order == "crash":
            self._crash()
        if order == "fail":
            raise Refusal(500, "told to fail")
        if order == "drop":
            raise Dropped

    def _leak(self) -> None:
        standin = self.standin
        with standin.lock:
            if standin.has("leaks_descriptors"):
                standin.leaked_descriptors.append(os.open(os.devnull, os.O_RDONLY))
            if standin.has("leaks_memory"):
                standin.leaked_memory.append(bytearray(b"x") * _MEBIBYTE)

    def _said(self, asked: Asked) -> model.Utterance:
        standin = self.standin
        messages = asked.messages
        if standin.has("ignores_system"):
            messages = [one for one in messages if one["role"] != "system"] or messages
        if standin.has("forgets_history"):
            messages = [one for one in messages[:-1] if one["role"] == "system"] + messages[-1:]
        text = model.answer(messages) if asked.chat else model.continuation(asked.prompt)
        if standin.has("random_answers"):
            text = f"{next(standin.numbers)}: {text}"
        if standin.has("mixes_answers"):
            text = standin.swapped(text)
        if standin.has("wrong_after_error") and standin.harmed:
            text = "Bananas, I think."
        if standin.has("stream_differs") and asked.stream:
            text = f"Well, {text}"
        text = spoil_text(standin.faults, text)
        room = asked.max_tokens
        if not standin.has("accepts_beyond_context"):
            room = min(room, model.CONTEXT_TOKENS - asked.prompt_tokens)
        stop = () if standin.has("ignores_stop") else asked.stop
        return model.utter(text, asked.prompt_tokens, max_tokens=room, stop=stop)

    def _whole(self, asked: Asked, said: model.Utterance) -> None:
        standin = self.standin
        if standin.wait(standin.token_delay_ms / 1000 * said.generated_tokens):
            raise Dropped
        body = self._payload(asked, said.text, said.finish, said.tokens) | {"usage": _usage(said)}
        if standin.has("trickle"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            self._trickle(b"x")
        if standin.has("not_json"):
            self._send(200, "text/plain", said.text.encode() + b"!")
        else:
            kind = "text/html" if standin.has("wrong_type") else "application/json"
            self._send(200, kind, json.dumps(spoil_body(standin.faults, body)).encode())

    def _payload(
        self, asked: Asked, text: str | None, finish: Finish | None, tokens: tuple[str, ...], delta: str = "message"
    ) -> dict[str, Any]:
        """An answer, or an event of a stream where `delta` says so."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if asked.chat:
            choice[delta] = ({} if delta == "delta" else {"role": "assistant"}) | (
                {} if text is None else {"content": text}
            )
        else:
            choice["text"] = text or ""
        if asked.logprobs is not None:
            shape = model.chat_logprobs if asked.chat else model.text_logprobs
            choice["logprobs"] = shape(tokens, asked.logprobs)
        chunk = ".chunk" if delta == "delta" and asked.chat else ""
        name = f"chat.completion{chunk}" if asked.chat else "text_completion"
        return {"id": "standin-1", "object": name, "created": 0, "model": asked.model, "choices": [choice]}

    def _events(self, asked: Asked, said: model.Utterance) -> Iterator[dict[str, Any]]:
        if asked.chat:
            first = self._payload(asked, "", None, (), "delta")
            first["choices"][0]["delta"]["role"] = "assistant"
            yield first
        for token in said.tokens:
            yield self._payload(asked, token, None, (token,), "delta")
        yield self._payload(asked, None, said.finish, (), "delta")
        if asked.include_usage:
            yield self._payload(asked, None, None, ()) | {"choices": [], "usage": _usage(said)}

    def _stream(self, asked: Asked, said: model.Utterance) -> None:
        standin = self.standin
        self._head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
        if standin.has("trickle"):
            self._trickle(b"1\r\n:\r\n")
        # A client that leaves is seen only while something is left to send.
        delay_ms = max(standin.token_delay_ms, _LEAVING_MS if standin.has("stuck_after_disconnect") else 0)
        try:
            for number, event in enumerate(self._events(asked, said)):
                if standin.wait(delay_ms / 1000) or (standin.has("cut_stream") and number == 2):
                    raise Dropped
                self._chunk(self._line(json.dumps(spoil_body(standin.faults, event)), number))
            self._end_stream()
            if standin.has("stuck_after_disconnect"):
                self._await_client()
        except (BrokenPipeError, ConnectionResetError):
            standin.stuck = standin.has("stuck_after_disconnect")
            raise Dropped from None

    def _line(self, data: str, number: int) -> bytes:
        if self.standin.has("bad_sse_lines") and number == 1:
            return f"{data}\n\n".encode()
        if self.standin.has("sse_not_json") and number == 1:
            return f"data: {data[:-1]}\n\n".encode()
        return f"data: {data}\n\n".encode()

    def _end_stream(self) -> None:
        standin = self.standin
        if not standin.has("no_done"):
            self._chunk(b"data: [DONE]\n" if standin.has("no_blank_line") else b"data: [DONE]\n\n")
        if standin.has("text_after_done"):
            self._chunk(b'data: {"choices": []}\n\n')
        if standin.has("open_after_done"):
            self._hang()
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _await_client(self) -> None:
        """Until the client closed the connection; raises `ConnectionResetError` where it did so too early."""
        self.connection.settimeout(20)
        try:
            while self.connection.recv(1024):
                pass
        except TimeoutError:
            return

    def _trickle(self, drop: bytes) -> None:
        while not self.standin.wait(0.05):
            self.wfile.write(drop)
        raise Dropped

    def _hang(self) -> None:
        self.standin.wait()
        raise Dropped

    def _crash(self) -> None:
        self.standin.die(_CRASH_CODE)
        raise Dropped

    def _refuse(self, refusal: Refusal) -> None:
        if refusal.status != 503:
            self.standin.harmed = True
        message = "" if self.standin.has("silent_errors") else str(refusal)
        self._json(refusal.status, {"error": {"message": message, "code": refusal.status}} if message else {})

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self._head(status, kind, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Connection": "close", **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_PATHS = ("/v1/chat/completions", "/v1/completions")


def _usage(said: model.Utterance) -> dict[str, int]:
    counts = {"prompt_tokens": said.prompt_tokens, "completion_tokens": said.generated_tokens}
    return counts | {"total_tokens": sum(counts.values())}


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True
