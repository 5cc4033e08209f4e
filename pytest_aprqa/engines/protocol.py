"""What an engine is: `Engine`, how one is opened, the limits it must keep and the facts it states about itself.

Knows no particular engine and no process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pytest_aprqa.core import Completion, EngineError, Request, Target, Weights
from pytest_aprqa.engines.readings import ModuleTrace, Pace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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

    def batches(self, requests: Sequence[Request]) -> tuple[tuple[int, ...], ...]:
        """Places of the requests that `generate` computes together; each once.

        Asked for a batch alone, in its order, `generate` gives what it gives for all.
        """
        ...

    def close(self) -> None:
        """Frees everything; may be called twice."""
        ...


class Instruments(Protocol):
    """What an engine offers for comparisons, besides its answers.

    An engine without one of them raises `EngineUnavailable` naming it; what it cannot measure is `EngineRefused`.
    """

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        """Token ids by the engine's own tokenizer.

        Args:
            texts: any texts.
            special: True as a prompt (BOS and EOS as the model is configured, control strings become control tokens);
                False as plain text, none of that.
        """
        ...

    def decode(self, rows: Sequence[Sequence[int]]) -> tuple[str, ...]:
        """The text of each row, special tokens visible."""
        ...

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        """The text that the model would see of each conversation, with the generation prompt at its end.

        Args:
            conversations: messages with the keys ``role`` and ``content``.
        """
        ...

    def logits(self, rows: Sequence[Sequence[int]], *, last_only: bool = False) -> tuple[NDArray[np.float32], ...]:
        """Logits after each token of each row, shape (tokens, vocabulary); (1, vocabulary) where `last_only`."""
        ...

    def greedy(self, rows: Sequence[Sequence[int]], *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        """The likeliest continuation of each row, step by step, up to the stop id (included) or `max_tokens` ids."""
        ...

    def activations(self, row: Sequence[int]) -> Mapping[str, NDArray[np.float32]]:
        """Output of ``embedding``, ``layer.0`` … and ``final_norm``, each of shape (tokens, hidden)."""
        ...

    def pace(self, row: Sequence[int], *, tokens: int) -> Pace:
        """The time of each token of the likeliest continuation, from a fresh state, alone.

        Args:
            row: the prompt.
            tokens: how many ids are generated, exactly: stop ids do not end it.
        """
        ...

    def stepwise(self, row: Sequence[int], *, given: int) -> NDArray[np.float32]:
        """Logits as generation computes them: one token at a time over the cache of those before.

        Args:
            row: all the ids, those that would have been generated too.
            given: how many of them go into the cache at once, as a prompt does; 1 to ``len(row) - 1``.

        Returns:
            Logits after each token from position `given` on, shape (len(row) - given, vocabulary).
        """
        ...

    def together(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
        """Logits after the last token of each row, (1, vocabulary) each, of all rows computed in one batch."""
        ...

    def sample(self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int) -> tuple[int, ...]:
        """A continuation drawn as `Engine.generate` draws, up to the stop id (included) or `max_tokens` ids."""
        ...

    def trace(self, row: Sequence[int]) -> tuple[ModuleTrace, ...]:
        """What each module of interest gave for `row`, in order of computation.

        These are the embedding, each layer with its attention, its MLP and its norms, the final norm and the head.
        """
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
    """A model loaded inside the child process; an `Engine` without supervision.

    It may have any of the methods of `Instruments` too; the supervisor says which one is missing when it is asked for.
    """

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
