"""A server that somebody else runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pytest_aprqa.core import EngineRefused, EngineTimeout
from pytest_aprqa.serving import endpoint
from pytest_aprqa.serving.endpoint import base_url
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.ports import free_port
from pytest_aprqa.serving.server import Server, ServeWish
from tests.serving.opened import LIMITS, NOWHERE, TARGET, open_rogue
from tests.serving.rogue_server import KEY
from tests.serving.standin import Standin


@pytest.fixture(scope="module")
def running() -> Iterator[Standin]:
    with Standin() as standin:
        yield standin


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_PATIENCE_S", 0.3)


def ask(url: str, *, api_key: str | None = None, ready_timeout_ms: int = 20_000) -> Server:
    return open_server(TARGET, NOWHERE, LIMITS, ServeWish(url=url, api_key=api_key, ready_timeout_ms=ready_timeout_ms))


def test_a_running_server_is_found_and_left_running(running: Standin) -> None:
    server = ask(f"{running.url}/v1/")
    assert server.url == running.url
    assert server.kind == "url"
    assert server.model == running.model
    assert server.alive
    assert (server.pid, server.ready_ms, server.rss_bytes(), server.descriptors()) == (None, None, None, None)
    assert server.log_tail == ""
    assert server.stop() is None
    assert not running.ending.is_set()
    assert server.alive


def test_an_endpoint_whose_server_ended_is_not_alive() -> None:
    with Standin() as standin:
        server = ask(standin.url)
        assert server.alive
    assert not server.alive


@pytest.mark.usefixtures("impatient")
def test_where_nobody_listens_that_is_said_with_what_was_tried() -> None:
    port = free_port()
    with pytest.raises(EngineRefused, match=rf"http://127\.0\.0\.1:{port} \(GET /health: .*refused.*nobody answers"):
        ask(f"http://127.0.0.1:{port}")


@pytest.mark.usefixtures("impatient")
def test_what_takes_connections_and_never_answers_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(EngineTimeout, match=r"GET /health: no answer within") as caught:
            ask(url, ready_timeout_ms=1_000)
    assert "killed" not in str(caught.value)


def test_a_server_that_is_never_ready_is_a_timeout() -> None:
    with Standin("never_ready") as standin, pytest.raises(EngineTimeout, match=r"GET /health: 503"):
        ask(standin.url, ready_timeout_ms=500)


def test_a_key_is_sent_and_a_missing_one_is_refused() -> None:
    started = open_rogue("wants_key", api_key=KEY)
    try:
        assert ask(started.url, api_key=KEY).model == "a word"
        with pytest.raises(EngineRefused, match=r"401.*API key"):
            ask(started.url)
    finally:
        started.stop()


def test_a_server_without_any_of_the_paths_is_refused_with_both(running: Standin) -> None:
    with pytest.raises(EngineRefused, match="GET /health: 404, GET /v1/models: 404"):
        ask(f"{running.url}/elsewhere")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:80",
        "ftp://host",
        "http://",
        "http://host:99999",
        "http://host:0",
        "http://host/?a=b",
        "http://[::1",
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(EngineRefused, match="the server's url"):
        base_url(url)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:80/", "http://127.0.0.1:80"),
        ("https://host/api/v1", "https://host/api"),
        ("http://[::1]:80/v1/", "http://[::1]:80"),
    ],
)
def test_the_end_of_a_url_is_cut(url: str, base: str) -> None:
    assert base_url(url) == base
