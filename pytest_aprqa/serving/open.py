"""`open_server`: the way to a running server, by what the user wishes, else by the target's format."""

from __future__ import annotations

from typing import Final

from pytest_aprqa.core import EngineUnavailable, Format, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.engines.registry import DEFAULT_ENGINES
from pytest_aprqa.serving.command import command_launch
from pytest_aprqa.serving.endpoint import open_endpoint
from pytest_aprqa.serving.launch import Launch
from pytest_aprqa.serving.llama_cpp_launch import llama_cpp_launch
from pytest_aprqa.serving.server import Server, ServeWish
from pytest_aprqa.serving.start import start
from pytest_aprqa.serving.transformers import transformers_launch

_NO_WISH = ServeWish()


SERVED_ENGINES: Final = frozenset({"llama_cpp", "transformers", "apr"})
"""Engines whose models a bundled server can hold."""


def open_server(
    target: Target, weights: Weights, limits: Limits, wish: ServeWish = _NO_WISH, *, engine: str | None = None
) -> Server:
    """A server of the weights, ready to be asked.

    Args:
        target: decides which server is started, and where it computes.
        weights: what it serves; for an APR file, the folder it was converted to.
        limits: what it may use.
        wish: another server, or one that already runs.
        engine: name of the engine whose server is wanted; None takes the default one of the format.

    Raises:
        EngineUnavailable: something is not installed, or the engine has no server.
        EngineRefused: a command line or url makes no sense, or there is nobody at the url.
        EngineTimeout: it was not ready in time.
        EngineCrashed: it died before it was ready.
        EngineOutOfMemory: it did, for memory.
    """
    if wish.command is not None:
        return start(command_launch(target, weights, limits, wish), limits, wish)
    if wish.url is not None:
        return open_endpoint(target, wish)
    return start(_bundled(target, weights, limits, wish, engine or DEFAULT_ENGINES[target.format]), limits, wish)


def _bundled(target: Target, weights: Weights, limits: Limits, wish: ServeWish, engine: str) -> Launch:
    gguf = target.format is Format.GGUF
    if engine == "llama_cpp" and gguf:
        return llama_cpp_launch(target, weights, limits, wish)
    if engine in ("transformers", "apr") and not gguf:
        return transformers_launch(target, weights, limits)
    raise EngineUnavailable(
        engine,
        f"has no server for {target.format}",
        install="nothing; give the command line or the url of a server instead",
    )
