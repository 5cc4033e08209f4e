"""How llama.cpp's own server of a GGUF file is started: the command line of `pytest_aprqa.serving.llama_cpp`.

The program is a module of its own, which nothing imports, so that Python can run it by its name.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib.metadata import version

from pytest_aprqa.core import Backend, EngineRefused, EngineUnavailable, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.engines.llama_cpp import INSTALL, MAX_CONTEXT_TOKENS
from pytest_aprqa.serving.launch import Launch, computing_environment
from pytest_aprqa.serving.server import ServeWish

KIND = "llama.cpp"
API_KEY = "LLAMA_API_KEY"
"""The environment variable that llama-server takes it from; a command line could be read by everyone."""


def llama_cpp_launch(target: Target, weights: Weights, limits: Limits, wish: ServeWish) -> Launch:
    """How the server of a GGUF file is started.

    Raises:
        EngineUnavailable: the library is missing.
        EngineRefused: there is no file.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise EngineUnavailable("llama_cpp", "xllamacpp cannot be imported", install=INSTALL)
    if not weights.files:
        raise EngineRefused(f"no .gguf file in {weights.folder}")
    file = str(weights.files[0].resolve())
    command = [
        sys.executable, "-P", "-m", "pytest_aprqa.serving.llama_cpp",
        "--model", file,
        "--threads", str(limits.threads),
        "--slots", str(wish.slots),
        "--context", str(MAX_CONTEXT_TOKENS),
        *(["--gpu"] if target.backend is Backend.GPU else []),
    ]  # fmt: skip
    keys = {API_KEY: wish.api_key} if wish.api_key else {}
    return Launch(
        kind=KIND,
        command=lambda port: (*command, "--port", str(port)),
        environment=computing_environment(target.backend, limits.threads, **keys),
        versions={"python": platform.python_version(), "xllamacpp": version("xllamacpp")},
        model=file,
    )
