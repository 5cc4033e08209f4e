"""``transformers serve``: how the server of a Hugging Face folder is started."""

from __future__ import annotations

import importlib.util
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from pytest_aprqa.core import Backend, EngineRefused, EngineUnavailable, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.serving.launch import Launch, computing_environment
from pytest_aprqa.serving.ports import LOOPBACK

KIND = "transformers"
INSTALL = "pip install 'pytest-aprqa[serve]'"
_MODULES = ("torch", "transformers", "fastapi", "uvicorn", "openai")
_PACKAGES = ("torch", "transformers", "tokenizers", "fastapi", "uvicorn")


def transformers_launch(target: Target, weights: Weights, limits: Limits) -> Launch:
    """How the server of a folder is started.

    Raises:
        EngineUnavailable: a library is missing.
        EngineRefused: the server cannot be told of this folder.
    """
    if missing := [name for name in _MODULES if importlib.util.find_spec(name) is None]:
        raise EngineUnavailable("transformers", f"{' and '.join(missing)} cannot be imported", install=INSTALL)
    if importlib.util.find_spec("transformers.cli.serve") is None:
        raise EngineUnavailable("transformers", f"transformers {version('transformers')} is too old", install=INSTALL)
    folder = str(weights.folder.resolve())
    if "@" in folder:
        raise EngineRefused(f"transformers serve takes what follows '@' in {folder} for a revision; name it otherwise")
    gpu = target.backend is Backend.GPU
    dtype = limits.dtype if limits.dtype != "auto" or gpu else "float32"
    command = [
        sys.executable, "-P", "-m", "transformers.cli.transformers", "serve", folder,
        "--host", LOOPBACK,
        "--device", "cuda" if gpu else "cpu",
        "--dtype", dtype,
        *(["--trust-remote-code"] if limits.trust_remote_code else []),
    ]  # fmt: skip
    return Launch(
        kind=KIND,
        command=lambda port: (*command, "--port", str(port)),
        environment=computing_environment(
            target.backend, limits.threads, HF_HUB_DISABLE_UPDATE_CHECK="1", TRANSFORMERS_OFFLINE="1"
        ),
        versions={"python": platform.python_version(), **_versions()},
        model=folder,
        asks_model=False,  # it lists what the hub's cache holds, not what it serves
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a build that is installed under another name
            found[package] = "unknown"
    return found
