"""llama.cpp's own server of a tiny GGUF file, started for real."""

from __future__ import annotations

import httpx
import pytest

from pytest_aprqa.core import Backend, EngineCrashed, Format, Quantization, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving.group import members
from pytest_aprqa.serving.llama_cpp_launch import llama_cpp_launch
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.server import Server, ServeWish
from tests.serving.bundled import Bundled
from tests.serving.opened import nothing_left, pid_of

pytest.importorskip("xllamacpp")
TARGET = Target("aprqa/aprqa-tiny", Format.GGUF, Quantization.Q8_0, Backend.CPU)


@pytest.fixture
def weights(llama_cpp: Bundled) -> Weights:
    return llama_cpp.served()


def ask(server: Server, *, key: str | None = None) -> httpx.Response:
    body = {"model": server.model, "messages": [{"role": "user", "content": "What is 2+2?"}], "max_tokens": 8}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, timeout=60)


def test_it_answers_a_chat(llama_cpp: Bundled) -> None:
    reply = ask(llama_cpp.server())
    assert reply.status_code == 200
    assert "4" in reply.json()["choices"][0]["message"]["content"]


def test_it_says_what_it_is(llama_cpp: Bundled, weights: Weights) -> None:
    server = llama_cpp.server()
    assert server.kind == "llama.cpp"
    assert server.model == str(weights.files[0])
    assert set(server.versions) == {"python", "xllamacpp"}


def test_its_slots_share_a_context_and_its_threads_are_those_allowed(llama_cpp: Bundled) -> None:
    server = llama_cpp.server()
    assert len(httpx.get(f"{server.url}/slots").json()) == 4
    assert "n_threads = 1" in server.log_tail
    assert "kv_unified = 'true'" in server.log_tail
    assert "RuntimeWarning" not in server.log_tail


def test_sigterm_ends_it_with_exit_code_0_even_while_it_answers(weights: Weights) -> None:
    server = open_server(TARGET, weights, Limits(threads=2), ServeWish(slots=1))
    body = {"prompt": "Hello", "n_predict": -1, "ignore_eos": True, "stream": True}
    with httpx.stream("POST", f"{server.url}/completion", json=body, timeout=60) as reply:
        next(reply.iter_bytes())
        stopped = server.stop()
    assert stopped is not None
    assert stopped.exit_code == 0
    assert not stopped.killed
    assert stopped.survivors == 0
    assert not stopped.port_open
    assert "n_threads = 2" in server.log_tail
    assert nothing_left(pid_of(server))


def test_it_wants_the_key_that_was_wished_and_its_command_line_does_not_show_it(weights: Weights) -> None:
    server = open_server(TARGET, weights, Limits(threads=1), ServeWish(api_key="sesame"))
    try:
        assert ask(server).status_code == 401
        assert ask(server, key="sesame").status_code == 200
        assert not any("sesame" in word for member in members(pid_of(server)) for word in member.cmdline())
    finally:
        server.stop()


def test_a_file_that_is_no_model_is_a_crash_with_the_log(weights: Weights) -> None:
    broken = weights.folder / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(EngineCrashed) as caught:
        open_server(TARGET, Weights(folder=weights.folder, files=(broken,), source="test"), Limits(threads=1))
    assert "broken.gguf" in caught.value.stderr_tail


def test_all_layers_go_to_the_gpu_of_a_gpu_target_and_none_of_a_cpu_target(weights: Weights) -> None:
    gpu = Target("org/model", Format.GGUF, None, Backend.GPU)
    launches = {target: llama_cpp_launch(target, weights, Limits(threads=1), ServeWish()) for target in (gpu, TARGET)}
    assert "--gpu" in launches[gpu].command(1)
    assert "--gpu" not in launches[TARGET].command(1)
    assert launches[TARGET].environment["CUDA_VISIBLE_DEVICES"] == ""
