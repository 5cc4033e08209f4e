"""What an engine is: `Engine`, how one is opened, the limits it must keep and the facts it states about itself.

Knows no particular engine and no process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pytest_aprqa.core import Completion, EngineError, Request, Target, Weights

Result: TypeAlias = Completion | EngineError
"""What a request came to: its answers, or why there are none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine may use."""

    threads: int
    """Threads that compute; workers × threads should not exceed the cores."""
    load_timeout_ms: int = 300_000
    """Hard deadline for starting the process and loading the model, in milliseconds."""
    memory_bytes: int | None = None
    """Largest resident set of the engine's processes together, in bytes; None sets no limit."""
    dtype: str = "auto"
    """``auto`` (float32 on the CPU, the model's own on a GPU), or a torch name such as ``bfloat16``."""
    trust_remote_code: bool = False
    """Whether code inside the model's folder may run; off unless the user insists."""
    max_batch: int = 16
    """Most requests that are computed together; 1 switches batching off."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says about itself once the model is loaded."""

    name: str
    versions: Mapping[str, str]
    """Library name to version, of everything that computes."""
    device: str
    """Such as ``cpu`` or ``cuda: NVIDIA H100``."""
    dtype: str
    """Type of the weights while computing, such as ``float32``."""
    threads: int
    chat_template: bool
    """Whether the model brings a chat template."""
    context_tokens: int | None
    """Longest prompt and answer together, in tokens; None when the model does not say."""
    load_ms: float
    """Wall time from starting the process until the model could be asked, in milliseconds."""
    parameters: int | None
    """How many weights; None when unknown."""


class Engine(Protocol):
    """A loaded model that answers."""

    @property
    def facts(self) -> EngineFacts:
        """What the engine says about itself."""
        ...

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """One result for each request, in their order; never raises for what the model or its process did."""
        ...

    def close(self) -> None:
        """Frees everything; may be called twice."""
        ...


class OpenEngine(Protocol):
    """The callable behind an entry point of the group ``pytest_aprqa.engines``."""

    def __call__(self, target: Target, weights: Weights, limits: Limits) -> Engine:
        """Loads the model.

        Raises:
            EngineUnavailable: something is not installed.
            EngineRefused: the model cannot be loaded.
            EngineTimeout: loading passed its deadline.
            EngineCrashed: the process died while loading.
            EngineOutOfMemory: the model does not fit.
        """
        ...


class Resident(Protocol):
    """A model loaded inside the child process; an `Engine` without supervision."""

    @property
    def facts(self) -> EngineFacts:
        """What the engine says about itself; the supervisor measures `load_ms` itself."""
        ...

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """One result for each request; a request is refused by returning `EngineRefused`, a crash is a crash."""
        ...


class LoadResident(Protocol):
    """The callable that a child process runs to load a model."""

    def __call__(self, target: Target, weights: Weights, limits: Limits) -> Resident:
        """Loads the model; raises `EngineUnavailable` or `EngineRefused` where it cannot."""
        ...
