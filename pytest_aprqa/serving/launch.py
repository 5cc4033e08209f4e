"""How a server is started: `Launch`, the same shape for every kind of server.

Knows no process; what fills it in are `llama_cpp`, `transformers` and `command`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_aprqa.core import Backend
from pytest_aprqa.engines.child import environment


@dataclass(frozen=True, slots=True)
class Launch:
    """A server that could be started."""

    kind: str
    """As `Server.kind`."""
    command: Callable[[int], tuple[str, ...]]
    """Port to command line."""
    environment: Mapping[str, str]
    versions: Mapping[str, str]
    model: str
    """The word for requests where neither the user nor the server says one."""
    asks_model: bool = True
    """Whether the server's own list of models is asked first."""
    python_path: str | None = None
    """``PYTHONPATH`` of the command, empty for none; None takes the environment's."""
    url: str | None = None
    """Where it listens, if it does not take a port."""
    only_ours: bool = True
    """Whether the process that listens is one that we started; a container's is not."""


def computing_environment(backend: Backend, threads: int, **more: str) -> Mapping[str, str]:
    """As the engines' children get it; for the CPU, no GPU is in sight."""
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if backend is Backend.CPU else {}
    return {**environment(threads), **hidden, **more}
