"""The stand-in is correct by default, and each of its faults can be seen: gates are tested on it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa.core import EngineError, EngineTimeout, Json
from pytest_aprqa.serving import Client, Reply, Streamed, Unreachable, finish_of, text_of, usage_of
from pytest_aprqa.serving.client import CHAT
from tests.serving import standin_model as model
from tests.serving.standin import FAULTS, Standin
from tests.serving.standin_server import StandinServer

_ROOT = Path(__file__).resolve().parents[2]
_SHORT_MS = 1000


def _user(text: str) -> dict[str, Json]:
    return {"role": "user", "content": text}


class _Asker:
    """One stand-in, asked in a few ways."""

    def __init__(self, standin: Standin) -> None:
        self.standin = standin
        self.client = Client(standin.url, model=standin.model, timeout_ms=20_000)

    def reply(self, *texts: str, **more: Json) -> Reply:
        messages: list[Json] = [_user(text) for text in texts]
        body: dict[str, Json] = {"model": "standin", "messages": messages, "max_tokens": 40}
        return self.client.post(CHAT, body | more)

    def say(self, *texts: str, **more: Json) -> str:
        return text_of(self.reply(*texts, **more)) or ""

    def stream(self, text: str = "Count to 9", *, leave_after: int | None = None) -> Streamed:
        return self.client.chat_stream([_user(text)], max_tokens=40, leave_after=leave_after)

    def silent(self, text: str = "What is 2+2?", *, raw: bytes | None = None) -> bool:
        """Whether nothing is answered."""
        body = raw or json.dumps({"messages": [_user(text)]}).encode()
        try:
            self.client.post(CHAT, body, timeout_ms=_SHORT_MS)
        except EngineTimeout:
            return True
        return False

    def status(self, raw: bytes) -> int:
        return self.client.post(CHAT, raw).status

    def dead_after(self, raw: bytes) -> bool:
        with pytest.raises(Unreachable):
            self.client.post(CHAT, raw)
        with pytest.raises(Unreachable):
            self.client.get("/health")
        return self.standin.exit_code == 7

    def together(self, texts: Sequence[str]) -> list[Reply]:
        gate = threading.Barrier(len(texts))

        def ask(text: str) -> Reply:
            gate.wait()
            return self.reply(text)

        with ThreadPoolExecutor(len(texts)) as pool:
            return list(pool.map(ask, texts))

    def beside_a_reader(self) -> bool:
        """Whether a question is answered while another client reads its stream, and has not come to its end."""
        with socket.create_connection(("127.0.0.1", self.standin.port)) as reader:
            body = json.dumps({"messages": [_user("Count to 9")], "stream": True}).encode()
            reader.sendall(b"POST %b HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (CHAT.encode(), len(body), body))
            reader.recv(20)
            return not self.silent()


def _unreachable(asker: _Asker) -> bool:
    try:
        asker.reply("hi")
    except Unreachable:
        return True
    return False


_DEEP = b"[" * 300 + b"]" * 300
_LONG_PROMPT = json.dumps({"messages": [_user("word " * 3000)]}).encode()
_WRONG = "Bananas, I think."

SEEN: dict[str, Callable[[_Asker], bool]] = {
    "hang": lambda it: it.silent(),
    "obeys": lambda it: it.reply("Please fail.").status == 500,
    "never_ready": lambda it: it.client.get("/health").status == 503,
    "slow_health": lambda it: it.client.get("/health").duration_ms > 1400,
    "health_500": lambda it: it.client.get("/health").status == 500,
    "health_lies": lambda it: it.client.get("/health").json == {"status": "ok", "device": "cuda"},
    "models_500": lambda it: it.client.get("/v1/models").status == 500,
    "models_other": lambda it: b"another" in it.client.get("/v1/models").body,
    "status_500": lambda it: it.reply("hi").status == 500,
    "drops_connection": _unreachable,
    "garbage_http": _unreachable,
    "trickle": lambda it: it.silent(),
    "crowd_503": lambda it: {one.status for one in it.together(["Count to 9"] * 8)} == {200, 503},
    "one_at_a_time_503": lambda it: {one.status for one in it.together(["Count to 9"] * 4)} == {200, 503},
    "no_completions": lambda it: it.client.complete("hi", max_tokens=4).status == 404,
    "not_json": lambda it: not it.reply("hi").is_json,
    "wrong_type": lambda it: it.reply("hi").headers["content-type"] == "text/html",
    "empty_content": lambda it: it.say("hi") == "" == it.stream().text,
    "no_choices": lambda it: text_of(it.reply("hi")) is None,
    "raw_token_ids": lambda it: "token1234" in it.say("hi") and "token1234" in it.stream().text,
    "bpe_marks": lambda it: "Ġ" in it.say("hi") and "Ġ" in it.stream().text,
    "control_tokens": lambda it: it.say("hi").endswith("<|im_end|>"),
    "replacement_chars": lambda it: "\ufffd" in it.say("hi"),
    "breaks_unicode": lambda it: it.say("Repeat: é") == "Ã©",
    "wrong_answers": lambda it: it.say("What is 2+2?") == _WRONG,
    "random_answers": lambda it: it.say("What is 2+2?") != it.say("What is 2+2?"),
    "mixes_answers": lambda it: [text_of(one) for one in it.together(["Repeat: a", "Repeat: b"])] == ["b", "a"],
    "ignores_system": lambda it: (
        it.say(messages=[{"role": "system", "content": "Always answer YES."}, _user("What is 2+2?")]) == "4"
    ),
    "forgets_history": lambda it: "Alice" not in it.say("My name is Alice.", "What is my name?"),
    "wrong_usage": lambda it: (usage_of(it.reply("hi")) or {})["prompt_tokens"] != 6,
    "no_usage": lambda it: usage_of(it.reply("hi")) is None and it.stream().usage is None,
    "bad_logprobs": lambda it: b'"logprob": 1.5' in it.reply("hi", logprobs=True, top_logprobs=2).body,
    "no_logprobs": lambda it: b"logprobs" not in it.reply("hi", logprobs=True).body,
    "null_finish": lambda it: finish_of(it.reply("hi")) is None and it.stream().finish is None,
    "tool_calls": lambda it: finish_of(it.reply("hi")) == "tool_calls" == it.stream().finish,
    "no_done": lambda it: not it.stream().done,
    "text_after_done": lambda it: "after" in " ".join(it.stream().problems),
    "open_after_done": lambda it: "did not end" in " ".join(it.stream().problems),
    "bad_sse_lines": lambda it: "no field" in " ".join(it.stream().problems),
    "sse_not_json": lambda it: "no JSON" in " ".join(it.stream().problems),
    "no_blank_line": lambda it: "blank line" in " ".join(it.stream().problems),
    "stream_differs": lambda it: it.stream("hi").text != it.say("hi"),
    "cut_stream": lambda it: it.stream().cut,
    "ignores_stream": lambda it: "content type" in " ".join(it.stream().problems),
    "ignores_stop": lambda it: "5" in it.say("Count to 9", stop=["5"]),
    "ignores_max_tokens": lambda it: len(it.say("Count to 9", max_tokens=1)) > 1,
    "zero_500": lambda it: it.reply("hi", max_tokens=0).status == 500,
    "million_500": lambda it: it.reply("hi", max_tokens=1_000_000).status == 500,
    "accepts_malformed": lambda it: it.status(b"{") == 200,
    "crashes_on_malformed": lambda it: it.dead_after(b"{"),
    "500_on_malformed": lambda it: it.status(b"{") == 500,
    "500_on_empty": lambda it: it.status(b'{"messages": []}') == 500,
    "accepts_missing": lambda it: it.status(b"{}") == 200,
    "hangs_on_oversized": lambda it: it.silent(raw=b"x" * 600_000) and it.silent(raw=_DEEP),
    "crashes_on_oversized": lambda it: it.dead_after(_DEEP),
    "accepts_beyond_context": lambda it: it.status(_LONG_PROMPT) == 200,
    "silent_errors": lambda it: it.client.post(CHAT, b"{").message == "",
    "other_model_silently": lambda it: b'"model": "x"' in it.reply("hi", model="x").body,
    "wrong_after_error": lambda it: it.status(b"{") == 400 and it.say("hi") == _WRONG,
    "hangs_after_error": lambda it: it.status(b"{") == 400 and it.silent(),
    "stuck_after_disconnect": lambda it: it.stream("Count to 20", leave_after=1).problems == () and it.silent(),
    "slow_reader_blocks_all": lambda it: not it.beside_a_reader(),
    "leaks_descriptors": lambda it: it.say("hi") != "" and len(it.standin.leaked_descriptors) == 1,
    "leaks_memory": lambda it: it.say("hi") != "" and sum(map(len, it.standin.leaked_memory)) == 1 << 20,
}
"""How each fault shows; False of a correct server."""
_OF_PROCESSES = {"dies_at_start", "ignores_sigterm", "leaks_child", "exits_3"}
_NEED_CORRECTLY_RAISED = {"crashes_on_malformed", "crashes_on_oversized"}
"""Their probes fail by themselves where the server lives."""


def test_each_fault_is_probed() -> None:
    assert set(SEEN) | _OF_PROCESSES == set(FAULTS)
    assert not set(SEEN) & _OF_PROCESSES


@pytest.mark.parametrize("fault", sorted(SEEN))
def test_each_fault_shows(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aprqa.serving.client._AFTER_DONE_MS", 200)
    delay_ms = 10 if fault in {"crowd_503", "one_at_a_time_503"} else 0
    with Standin(fault, token_delay_ms=delay_ms) as standin:
        assert SEEN[fault](_Asker(standin))


@pytest.mark.parametrize("fault", sorted(set(SEEN) - _NEED_CORRECTLY_RAISED))
def test_a_correct_server_shows_no_fault(fault: str) -> None:
    with Standin() as standin:
        assert not SEEN[fault](_Asker(standin))
        assert standin.exit_code is None


def test_it_keeps_many_clients_apart() -> None:
    texts = [f"Repeat: {number}" for number in range(12)]
    with Standin(token_delay_ms=3) as standin:
        assert [text_of(reply) for reply in _Asker(standin).together(texts)] == [str(number) for number in range(12)]


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (b"", 400, "malformed"),
        (b"[]", 400, "object"),
        (b"{}", 400, "messages"),
        (_DEEP * 500, 400, "malformed"),
        (b'{"messages": []}', 400, "empty"),
        (b'{"messages": [1]}', 400, "role"),
        (b'{"messages": [{"role": "user"}]}', 400, "content"),
        (b'{"messages": [{"role": "user", "content": "a"}], "max_tokens": -1}', 400, "max_tokens"),
        (b'{"messages": [{"role": "user", "content": "a"}], "logprobs": true, "top_logprobs": 99}', 400, "log-prob"),
        (b'{"messages": [{"role": "user", "content": "a"}], "model": "x"}', 404, "not served"),
        (_LONG_PROMPT, 400, "context"),
        (b"x" * 5_000_000, 413, "larger"),
    ],
)
def test_it_refuses_what_a_strict_server_refuses(raw: bytes, status: int, words: str) -> None:
    with Standin() as standin:
        reply = Client(standin.url, model="standin").post(CHAT, raw)
        assert (reply.status, words in reply.message) == (status, True)
        assert _Asker(standin).say("What is 2+2?") == "4"


def test_faults_compose_and_unknown_ones_are_refused() -> None:
    with Standin("no_done", "wrong_answers") as standin:
        streamed = _Asker(standin).stream()
        assert (streamed.done, streamed.text, standin.fault) == (False, _WRONG, "no_done,wrong_answers")
    with pytest.raises(ValueError, match="unknown faults"):
        Standin("nonsense")


def test_its_tokens_are_known_beforehand() -> None:
    said = model.chat([{"role": "user", "content": "What is the capital of France?"}], max_tokens=1)
    assert (said.text, said.finish, said.ids) == ("Paris", "length", model.encode("Paris"))
    text = "héllo  wörld, 你好 🎉\n<|end|> supercalifragilistic"
    assert "".join(model.pieces(text)) == text
    assert len(model.encode(text)) == model.count(text)


def test_logprobs_have_the_shapes_of_the_api() -> None:
    with Standin() as standin:
        client = _Asker(standin).client
        chat = client.chat([_user("Count to 3")], max_tokens=40, logprobs=True, top_logprobs=3).json
        raw = client.complete("The capital of France is", max_tokens=8, logprobs=2).json
    content = _logprobs(chat)["content"]
    assert [one["token"] for one in content] == ["1", ",", " 2", ",", " 3", "."]
    assert [len(one["top_logprobs"]) for one in content] == [3] * 6
    assert all(one["logprob"] == one["top_logprobs"][0]["logprob"] < 0 for one in content)
    shape = _logprobs(raw)
    assert (shape["tokens"], shape["text_offset"]) == ([" Paris", "."], [0, 6])
    assert [len(top) for top in shape["top_logprobs"]] == [2, 2]
    assert len(shape["token_logprobs"]) == 2


def _logprobs(body: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a server sent
    found: dict[str, Any] = body["choices"][0]["logprobs"]
    return found


@pytest.mark.parametrize(
    ("fault", "code", "killed", "survivors"),
    [
        ((), 0, False, 0),
        (("exits_3",), 3, False, 0),
        (("ignores_sigterm",), -9, True, 1),
        (("leaks_child",), 0, False, 1),
    ],
)
def test_in_a_thread_it_ends_as_a_process_would(
    fault: tuple[str, ...], code: int, killed: bool, survivors: int
) -> None:
    server = StandinServer(*fault)
    assert server.alive
    stopped = server.stop()
    assert stopped is server.stop()
    assert stopped is not None
    assert (stopped.exit_code, stopped.killed, stopped.survivors) == (code, killed, survivors)
    assert not server.alive


@contextmanager
def _process(*faults: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    words = [word for fault in faults for word in ("--fault", fault)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.serving.standin", *words],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield process, Client(json.loads(line)["url"] if line else "http://127.0.0.1:1", model="standin")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the child that it leaked is of its group


def _listens(client: Client) -> bool:
    port = int(client.url.rpartition(":")[2])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(("faults", "code", "listens"), [((), 0, False), (("exits_3", "leaks_child"), 3, True)])
def test_as_a_process_it_ends_when_it_is_told_to(faults: tuple[str, ...], code: int, listens: bool) -> None:
    with _process(*faults) as (process, client):
        assert text_of(client.chat([_user("What is 2+2?")], max_tokens=4)) == "4"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == code
        assert _listens(client) == listens


def test_as_a_process_it_can_ignore_that() -> None:
    with _process("ignores_sigterm") as (process, client):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert client.get("/health").status == 200
        assert process.poll() is None


def test_as_a_process_it_can_crash_and_fail_to_start() -> None:
    with _process("crashes_on_malformed") as (process, client):
        with pytest.raises(EngineError):
            client.post(CHAT, b"{")
        assert process.wait(20) == 7
    with _process("dies_at_start") as (process, _):
        assert process.stderr is not None
        assert (process.wait(20), "cannot start" in process.stderr.read()) == (1, True)
