"""`transformers serve` of the embedded model, and the command line that starts it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.core import Backend, EngineCrashed, EngineRefused, Format, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.transformers import transformers_launch
from tests.serving.bundled import Bundled
from tests.serving.opened import NOWHERE, TARGET

for module in ("torch", "fastapi", "uvicorn", "transformers"):
    pytest.importorskip(module)

GPU = Target("org/model", Format.SAFETENSORS, None, Backend.GPU)


def test_it_answers_a_chat(transformers_serve: Bundled) -> None:
    server = transformers_serve.server()
    body = {"model": server.model, "messages": [{"role": "user", "content": "What is 2+2?"}], "max_tokens": 8}
    reply = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=60)
    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"] == "4"


def test_it_says_what_it_is(transformers_serve: Bundled) -> None:
    server = transformers_serve.server()
    assert server.kind == "transformers"
    assert server.model == str(embedded.folder())
    assert {"torch", "transformers", "uvicorn"} <= set(server.versions)
    rss_bytes = server.rss_bytes()
    assert rss_bytes is not None
    assert rss_bytes > 50 * 2**20


def command(target: Target, limits: Limits) -> str:
    return " ".join(transformers_launch(target, NOWHERE, limits).command(1234))


def test_the_cpu_computes_in_float32_and_a_gpu_in_the_type_of_the_weights() -> None:
    assert "--device cpu --dtype float32 --port 1234" in command(TARGET, Limits(threads=1))
    assert "--device cuda --dtype auto" in command(GPU, Limits(threads=1))
    assert "--device cpu --dtype bfloat16" in command(TARGET, Limits(threads=1, dtype="bfloat16"))


@pytest.mark.parametrize("trusted", [False, True])
def test_code_in_the_folder_is_trusted_where_the_user_says_so(trusted: bool) -> None:
    assert ("--trust-remote-code" in command(TARGET, Limits(threads=1, trust_remote_code=trusted))) == trusted


def test_it_is_offline_and_sees_no_gpu_and_has_the_threads_it_may() -> None:
    environment = transformers_launch(TARGET, NOWHERE, Limits(threads=3)).environment
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["OMP_NUM_THREADS"] == "3"


def test_a_folder_whose_name_it_would_misread_is_refused() -> None:
    with pytest.raises(EngineRefused, match="revision"):
        transformers_launch(TARGET, Weights(folder=Path("/a/b@c"), files=(), source="test"), Limits(threads=1))


def with_code(folder: Path) -> Weights:
    """The embedded model, with a configuration that only code beside it explains; the code leaves a trace."""
    folder.mkdir()
    for file in embedded.folder().iterdir():
        if file.is_file() and file.name != "config.json":
            (folder / file.name).symlink_to(file)
    config = json.loads((embedded.folder() / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "strange.StrangeConfig"}}
    (folder / "config.json").write_text(json.dumps(config))
    trace = str(folder / "ran")
    (folder / "strange.py").write_text(f"open({trace!r}, 'w').close()\nraise ImportError('no further')\n")
    return Weights(folder=folder, files=(), source="test")


def test_code_in_the_folder_does_not_run_untrusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    weights = with_code(tmp_path / "strange")
    with pytest.raises(EngineCrashed) as caught:
        open_server(TARGET, weights, Limits(threads=1))
    assert "trust_remote_code" in caught.value.stderr_tail  # it came as far as the code
    assert not (weights.folder / "ran").exists()
