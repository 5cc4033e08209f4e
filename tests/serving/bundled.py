"""The bundled servers with the embedded model, each as the gates see it: the server, and what its own engine says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Backend, Format, Quantization, Target, Weights
from pytest_aprqa.engines import Limits, instruments_of, open_engine
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import Spoken, listen
from pytest_aprqa.serving.open import open_server
from pytest_aprqa.serving.server import Server

LIMITS = Limits(threads=1)
_NAME = "aprqa/aprqa-tiny"


class Bundled:
    """A bundled server, started by the first who asks, and again after it was stopped.

    Args:
        target: decides which server and which engine.
        own: what the engine loads.
        served: what the server loads.
    """

    def __init__(self, target: Target, own: Callable[[], Weights], served: Callable[[], Weights]) -> None:
        self.target, self.own, self.served = target, own, served
        self._server: Server | None = None
        self.service = Service(target.format, target.backend, self.server, self._spoken)

    def server(self) -> Server:
        if self._server is None or not self._server.alive:
            self._server = open_server(self.target, self.served(), LIMITS)
        return self._server

    @property
    def started(self) -> Server | None:
        """The server that was started last; None where nobody asked for it."""
        return self._server

    def _spoken(self) -> Spoken:
        engine = open_engine(self.target, self.own(), LIMITS)
        try:
            return listen(engine, instruments_of(engine), timeout_ms=60_000)
        finally:
            engine.close()


def gguf_served(scratch: Path) -> Bundled:
    """llama.cpp's own server of a q8_0 file."""

    @cache
    def weights() -> Weights:
        made = convert(embedded.folder(), scratch / "gguf", format=Format.GGUF, quantization=Quantization.Q8_0)
        return Weights(made.path.parent, (made.path,), "test")

    return Bundled(Target(_NAME, Format.GGUF, Quantization.Q8_0, Backend.CPU), weights, weights)


def safetensors_served(_scratch: Path) -> Bundled:
    """`transformers serve` of the folder as it is."""

    def weights() -> Weights:
        return Weights(embedded.folder(), (embedded.folder() / "model.safetensors",), "test")

    return Bundled(Target(_NAME, Format.SAFETENSORS, None, Backend.CPU), weights, weights)


def apr_served(scratch: Path) -> Bundled:
    """`transformers serve` of an .apr file's tensors; its own engine reads the file itself."""

    @cache
    def own() -> Weights:
        made = convert(embedded.folder(), scratch / "apr", format=Format.APR)
        return Weights(made.path.parent, (made.path,), "test")

    @cache
    def served() -> Weights:
        made = convert(own().files[0], scratch / "tensors", format=Format.SAFETENSORS)
        return Weights(made.path, tuple(sorted(made.path.glob("*.safetensors"))), "test")

    return Bundled(Target(_NAME, Format.APR, None, Backend.CPU), own, served)


BUNDLED: Final[Mapping[str, Callable[[Path], Bundled]]] = {
    "llama.cpp, GGUF q8_0": gguf_served,
    "transformers serve, safetensors": safetensors_served,
    "transformers serve, APR tensors": apr_served,
}
"""Every server that the package starts by itself, with each format that it serves."""
