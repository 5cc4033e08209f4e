"""From a wish to a running server, and what is said where there is none."""

from __future__ import annotations

import importlib.util
import os
import socket
import time
from pathlib import Path

import httpx
import psutil
import pytest

from pytest_aprqa.core import (
    Backend,
    EngineCrashed,
    EngineOutOfMemory,
    EngineRefused,
    EngineTimeout,
    EngineUnavailable,
    Format,
    Target,
    Weights,
)
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving import group, ports, start
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.ready import Prober
from pytest_aprqa.serving.server import ServeWish
from pytest_aprqa.serving.start import NeverReady
from tests.serving.opened import LIMITS, NOWHERE, TARGET, open_rogue, pid_of, rogue_command
from tests.serving.rogue_server import KEY

GGUF = Target("org/model", Format.GGUF, None, Backend.CPU)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


@pytest.fixture
def before() -> set[int]:
    """Processes of other tests: servers that a session shares."""
    return children()


def test_a_command_becomes_a_ready_server_that_says_its_model() -> None:
    server = open_rogue()
    try:
        assert server.kind == "command"
        assert server.url.startswith("http://127.0.0.1:")
        assert server.model == "a word"
        assert server.ready_ms is not None
        assert server.ready_ms > 0
        assert server.alive
        assert httpx.get(f"{server.url}/health").status_code == 200
    finally:
        server.stop()


def test_the_wished_model_comes_before_the_listed_one() -> None:
    server = open_rogue(model="mine")
    server.stop()
    assert server.model == "mine"


def test_a_server_without_a_health_path_is_ready_once_it_lists_models() -> None:
    server = open_rogue("no_health")
    assert server.alive
    server.stop()


def test_a_server_that_exits_is_a_crash_with_code_and_log(before: set[int]) -> None:
    with pytest.raises(EngineCrashed, match="famous last words") as caught:
        open_rogue("exits")
    assert caught.value.exit_code == 3
    assert "famous last words" in caught.value.stderr_tail
    assert children() == before


@pytest.mark.parametrize("fault", ["never_ready", "trickles"])
def test_a_server_that_is_never_ready_ends_in_time_with_its_log(fault: str, before: set[int]) -> None:
    began = time.monotonic()
    with pytest.raises(NeverReady, match=r"GET /health: .*famous last words.* within 6000 ms") as caught:
        open_rogue(fault, ready_timeout_ms=6_000)
    assert isinstance(caught.value, EngineTimeout)
    assert time.monotonic() - began < 30
    assert "famous last words" in caught.value.log_tail
    assert children() == before


def test_the_api_key_is_sent_and_a_missing_one_is_said(before: set[int]) -> None:
    with pytest.raises(EngineRefused, match="API key"):
        open_rogue("wants_key")
    assert children() == before
    server = open_rogue("wants_key", api_key=KEY)
    assert server.api_key == KEY
    assert server.model == "a word"
    assert KEY not in repr(server)
    server.stop()


def test_a_port_that_was_taken_in_the_meantime_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = iter([taken.getsockname()[1]])
        monkeypatch.setattr(start, "free_port", lambda: next(chosen, 0) or ports.free_port())
        server = open_rogue("", f"--starts={tmp_path / 'starts'}")
    server.stop()
    assert (tmp_path / "starts").read_text() == "xx"


def test_ports_that_are_always_taken_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(start, "free_port", lambda: taken.getsockname()[1])
        with pytest.raises(EngineRefused, match="3 free ports"):
            open_rogue()


def test_a_server_that_holds_too_much_memory_while_starting_is_killed(before: set[int]) -> None:
    wish = ServeWish(command=rogue_command("never_ready"))
    with pytest.raises(EngineOutOfMemory, match="more than its limit of 1,000"):
        open_server(TARGET, NOWHERE, Limits(threads=1, memory_bytes=1_000), wish)
    assert children() == before


def test_a_command_with_a_url_is_started_and_asked_there() -> None:
    port = ports.free_port()
    wish = ServeWish(command=rogue_command().replace("{port}", str(port)), url=f"http://127.0.0.1:{port}/v1")
    server = open_server(TARGET, NOWHERE, LIMITS, wish)
    try:
        assert server.url == f"http://127.0.0.1:{port}"
        with pytest.raises(EngineRefused, match="something already listens"):
            open_server(TARGET, NOWHERE, LIMITS, wish)
        assert server.alive
    finally:
        server.stop()


def test_a_server_gets_its_threads_and_no_import_path_and_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    server = open_server(TARGET, NOWHERE, Limits(threads=3), ServeWish(command=rogue_command()))
    environment = httpx.get(f"{server.url}/environment").json()
    server.stop()
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["PYTHONPATH"] == "/somewhere"


def test_a_gpu_target_leaves_the_gpus_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    gpu = Target("org/model", Format.SAFETENSORS, None, Backend.GPU)
    server = open_server(gpu, NOWHERE, LIMITS, ServeWish(command=rogue_command()))
    environment = httpx.get(f"{server.url}/environment").json()
    server.stop()
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"


def test_an_interrupt_while_waiting_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch, before: set[int]) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Prober, "health", interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_rogue()
    assert children() == before


@pytest.mark.parametrize(
    ("target", "module", "install"),
    [
        (TARGET, "uvicorn", "pip install 'pytest-aprqa[serve]'"),
        (TARGET, "transformers.cli.serve", "pip install 'pytest-aprqa[serve]'"),
        (GGUF, "xllamacpp", "pip install 'pytest-aprqa[llamacpp]'"),
    ],
)
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, target: Target, module: str, install: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else find(name))
    with pytest.raises(EngineUnavailable) as caught:
        open_server(target, NOWHERE, LIMITS)
    assert caught.value.install == install


@pytest.mark.parametrize(("target", "engine"), [(TARGET, "fake"), (TARGET, "llama_cpp"), (GGUF, "transformers")])
def test_an_engine_without_a_server_is_unavailable(target: Target, engine: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"{engine!r}: has no server"):
        open_server(target, NOWHERE, LIMITS, engine=engine)


def test_a_server_of_another_process_on_the_port_is_not_taken_for_ours() -> None:
    server = open_rogue()
    try:
        port = int(server.url.rpartition(":")[2])
        assert group.listens(pid_of(server), port)
        assert not group.listens(os.getpid(), port)
    finally:
        server.stop()


def test_weights_without_a_file_are_refused() -> None:
    with pytest.raises(EngineRefused, match=r"no \.gguf file"):
        open_server(GGUF, Weights(folder=Path("/nowhere"), files=(), source="test"), LIMITS)
