"""The client, against servers that behave and servers that do not."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from pytest_aprqa.core import EngineRefused, EngineTimeout, Json
from pytest_aprqa.serving import Client, Overdue, Reply, Unreachable, finish_of, text_of, usage_of
from pytest_aprqa.serving.client import CHAT
from tests.serving.standin import Standin

_QUESTION: list[dict[str, Json]] = [{"role": "user", "content": "What is the capital of France?"}]
_COUNT: list[dict[str, Json]] = [{"role": "user", "content": "Count to 40"}]


def _client(standin: Standin, *, timeout_ms: int = 20_000) -> Client:
    return Client(standin.url, model=standin.model, timeout_ms=timeout_ms)


@contextmanager
def _raw_server(act: Callable[[socket.socket], object], *, reads: bool = True) -> Iterator[Client]:
    """A server that reads a whole request, or nothing of it, and then acts on its connection."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as request:
                lines = list(iter(request.readline, b"\r\n")) if reads else []
                request.read(sum(int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")))
                act(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Client(f"http://127.0.0.1:{listener.getsockname()[1]}", model="m", timeout_ms=20_000)
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(20)
        assert not thread.is_alive()


def _sends(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def _resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_an_answer_in_one_piece() -> None:
    with Standin() as standin:
        reply = _client(standin).chat(_QUESTION, max_tokens=8)
    assert (reply.status, text_of(reply), finish_of(reply)) == (200, "Paris.", "stop")
    assert usage_of(reply) == {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    assert reply.headers["content-type"] == "application/json"
    assert reply.duration_ms > 0
    assert standin.asked == [
        {"model": "standin", "messages": _QUESTION, "max_tokens": 8, "temperature": 0.0},
    ]


def test_an_answer_as_a_stream() -> None:
    with Standin() as standin:
        streamed = _client(standin).chat_stream(_QUESTION, max_tokens=8, seed=3)
    assert (streamed.text, streamed.finish, streamed.done, streamed.problems) == ("Paris.", "stop", True, ())
    assert streamed.usage == {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    assert (len(streamed.token_times_ms), streamed.model, streamed.cut) == (2, "standin", False)
    assert 0 < streamed.token_times_ms[0] <= streamed.token_times_ms[1] <= streamed.duration_ms
    assert standin.asked[0]["seed"] == 3


def test_a_raw_prompt_in_one_piece_and_as_a_stream() -> None:
    with Standin() as standin:
        client = _client(standin)
        assert text_of(client.complete("The capital of France is", max_tokens=8)) == " Paris."
        assert client.complete_stream("The capital of France is", max_tokens=8).text == " Paris."


def test_more_goes_into_the_request_as_it_is() -> None:
    with Standin() as standin:
        reply = _client(standin).chat(_COUNT, max_tokens=50, stop=["5"], logprobs=True, top_logprobs=2)
    assert (text_of(reply), finish_of(reply)) == ("1, 2, 3, 4, ", "stop")


def test_paths_keys_and_headers() -> None:
    with Standin(api_key="sesame") as standin:
        assert Client(standin.url + "/", model="standin").chat(_QUESTION, max_tokens=4).status == 401
        client = Client(standin.url, model="standin", api_key="sesame")
        assert client.chat(_QUESTION, max_tokens=4).status == 200
        reply = client.post(CHAT, b"{}", headers={"Authorization": "Bearer wrong"})
        assert (reply.status, reply.message) == (401, "the API key is wrong or missing")
        assert client.get("/health").json == {"status": "ok", "device": "cpu"}


def test_an_error_in_place_of_a_stream_is_kept() -> None:
    with Standin("status_500") as standin:
        streamed = _client(standin).chat_stream(_QUESTION, max_tokens=4)
    assert (streamed.status, streamed.events, streamed.done, streamed.problems) == (500, (), False, ())
    assert streamed.message == "the fault says so"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "no", "code": 400}}', "no"),
        (b'{"error": "no"}', "no"),
        (b'{"detail": [{"msg": "no"}, {"msg": "never"}]}', "no; never"),
        (b'{"detail": "no"}', "no"),
        (b'{"message": "no"}', "no"),
        (b'"no"', "no"),
        (b'{"error": null, "message": "no"}', "no"),
        (b"no", ""),
        (b'{"error": {"code": 4}}', ""),
        (b"", ""),
    ],
)
def test_the_words_of_an_error(body: bytes, message: str) -> None:
    assert Reply(400, {}, body, 1.0).message == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"choices": {}}',
        b'{"choices": [4]}',
        b'{"choices": [{"message": 1}]}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"index": 1, "message": {"content": "x"}}]}',
    ],
)
def test_an_answer_of_another_shape_is_none(body: bytes) -> None:
    reply = Reply(200, {}, body, 1.0)
    assert (text_of(reply), usage_of(reply), finish_of(reply)) == (None, None, None)
    assert reply.is_json == (body != b"")


def test_a_server_that_never_answers_is_given_up() -> None:
    with Standin("hang") as standin:
        client = _client(standin, timeout_ms=300)
        with pytest.raises(EngineTimeout, match="within 300 ms"):
            client.chat(_QUESTION, max_tokens=4)
        with pytest.raises(Overdue, match="POST /v1/chat/completions within 200 ms"):
            client.chat_stream(_QUESTION, max_tokens=4, timeout_ms=200)


def test_a_server_that_trickles_is_given_up_too() -> None:
    with Standin("trickle") as standin:
        started = time.monotonic()
        for ask in (_client(standin).chat, _client(standin).chat_stream):
            with pytest.raises(EngineTimeout):
                ask(_QUESTION, max_tokens=4, timeout_ms=400)
    assert time.monotonic() - started < 10


def test_a_server_that_does_not_read_is_given_up_too() -> None:
    told = threading.Event()
    with _raw_server(lambda _: told.wait(20), reads=False) as client:
        with pytest.raises(EngineTimeout):
            client.post(CHAT, b"x" * 30_000_000, timeout_ms=400)
        told.set()


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (_sends(b""), "closed before an answer"),
        (_sends(b"Sure!\r\n\r\n"), "broken HTTP"),
        (_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "broken HTTP"),
        (_resets, "the connection broke"),
    ],
)
def test_what_is_no_answer_says_why(act: Callable[[socket.socket], None], words: str) -> None:
    with _raw_server(act) as client, pytest.raises(Unreachable, match=words):
        client.post(CHAT, {})


def test_nobody_listening_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="no connection"):
        Client(f"http://127.0.0.1:{port}", model="m").get("/health")


def test_a_bottomless_answer_is_refused() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        block = b"x" * 1_000_000
        with suppress(OSError):
            while True:
                connection.sendall(block)

    with _raw_server(flood) as client, pytest.raises(EngineRefused, match="larger than 64 MiB"):
        client.post(CHAT, {})


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host", "http://", "http://host:99999", "http://hö.st"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(EngineRefused, match="no address"):
        Client(url, model="m")


def test_a_header_that_cannot_be_sent_is_refused() -> None:
    with Standin() as standin, pytest.raises(EngineRefused, match="cannot be sent"):
        _client(standin).post(CHAT, {}, headers={"X-Bad": "a\nb"})


@pytest.mark.parametrize("text", ["naïve", "你好", "🎉"])
def test_a_key_or_header_beyond_ascii_is_refused(text: str) -> None:
    with Standin() as standin, pytest.raises(EngineRefused, match="cannot be sent"):
        Client(standin.url, model="m", api_key=text).get("/health")


@pytest.mark.parametrize(
    ("fault", "done", "problem"),
    [
        ("no_done", False, None),
        ("text_after_done", False, "after [DONE]"),
        ("bad_sse_lines", True, "no field"),
        ("sse_not_json", True, "no JSON"),
        ("no_blank_line", False, "without a blank line"),
        ("cut_stream", False, "cut off after 2 events"),
        ("ignores_stream", False, "content type 'application/json'"),
    ],
)
def test_streams_that_break_the_rules_are_told(fault: str, done: bool, problem: str | None) -> None:
    with Standin(fault) as standin:
        streamed = _client(standin).chat_stream(_COUNT, max_tokens=20)
    assert streamed.done == done
    assert (problem or "") in " ".join(streamed.problems)
    assert bool(streamed.problems) == (problem is not None)
    assert streamed.cut == (fault == "cut_stream")


def test_a_response_that_does_not_end_after_done_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aprqa.serving.client._AFTER_DONE_MS", 200)
    with Standin("open_after_done") as standin:
        streamed = _client(standin).chat_stream(_QUESTION, max_tokens=8)
    assert (streamed.text, streamed.done) == ("Paris.", True)
    assert streamed.problems == ("the response did not end within 200 ms after [DONE]",)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_client_may_leave_in_mid_stream(count: int) -> None:
    with Standin(token_delay_ms=2) as standin:
        streamed = _client(standin).chat_stream(_COUNT, max_tokens=60, leave_after=count)
    assert (len(streamed.events), streamed.done, streamed.problems) == (count, False, ())


def test_a_slow_reader_gets_the_same() -> None:
    with Standin() as standin:
        client = _client(standin)
        fast, slow = client.chat_stream(_COUNT, max_tokens=30), client.chat_stream(_COUNT, max_tokens=30, pause_ms=2)
    assert (slow.text, slow.done, slow.problems) == (fast.text, True, ())
    assert len(slow.events) == len(fast.events)
    assert slow.token_times_ms[-1] - slow.token_times_ms[0] > 20


def test_a_slow_reader_keeps_its_deadline() -> None:
    with Standin() as standin, pytest.raises(EngineTimeout):
        _client(standin).chat_stream(_COUNT, max_tokens=60, pause_ms=100, timeout_ms=300)


def test_characters_that_chunks_cut_in_two_are_whole_again() -> None:
    data = json.dumps({"choices": [{"index": 0, "delta": {"content": "é你🎉"}}]}, ensure_ascii=False).encode()
    stream = b"data: " + data + b"\n\ndata: [DONE]\n\n"

    def send(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for place in range(len(stream)):
            connection.sendall(b"1\r\n" + stream[place : place + 1] + b"\r\n")
        connection.sendall(b"0\r\n\r\n")

    with _raw_server(send) as client:
        streamed = client.stream(CHAT, {})
    assert (streamed.text, streamed.done, streamed.problems) == ("é你🎉", True, ())


def test_an_error_inside_a_stream_has_words() -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"error": {"message": "no"}}\n\n'
    with _raw_server(_sends(answer)) as client:
        streamed = client.stream(CHAT, {})
    assert (streamed.message, streamed.text, streamed.finish, streamed.usage) == ("no", "", None, None)
