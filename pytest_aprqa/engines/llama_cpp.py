"""The GGUF engine: llama.cpp, by its own server for texts and by its library for logits, on the CPU or a GPU.

`open_engine` runs in pytest's process and imports neither library; `load` runs in the child. Requests are answered one
after the other, each from a fresh state: parallel slots change the arithmetic with the moment at which neighbours
arrive, so that near ties fall differently from run to run.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil

from pytest_aprqa.core import (
    Backend,
    Completion,
    EngineRefused,
    EngineUnavailable,
    Metrics,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines.batches import refuse_strange_ids
from pytest_aprqa.engines.conversation import NO_TEMPLATE, Conversation, Rendered
from pytest_aprqa.engines.llama_file import LlamaFile
from pytest_aprqa.engines.llama_logits import LlamaLogits
from pytest_aprqa.engines.llama_server import Continuation, LlamaServer, TemplateRefused
from pytest_aprqa.engines.llama_trace import trace_file
from pytest_aprqa.engines.memory import peak_rss_bytes
from pytest_aprqa.engines.packages import require_packages
from pytest_aprqa.engines.protocol import Engine, EngineFacts, Limits, Result
from pytest_aprqa.engines.readings import ModuleTrace, Pace
from pytest_aprqa.engines.session import supervise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "llama_cpp"
INSTALL = "pip install 'pytest-aprqa[llamacpp]'"
MAX_CONTEXT_TOKENS = 8192
"""Room for a prompt and its answer: the cache for it is allocated on loading, whatever the model could take."""


_NO_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
"""Put in the place of one that does not parse; nothing is rendered with it."""


def open_engine(target: Target, weights: Weights, limits: Limits) -> Engine:
    """Opens the model in a supervised child; the type of the weights is the file's, whatever `Limits.dtype` says.

    Raises:
        EngineUnavailable: a library is missing, or there is no GPU for a GPU target.
        EngineRefused: llama.cpp does not load the file.
        EngineTimeout: loading passed its deadline.
        EngineCrashed: the process died while loading.
        EngineOutOfMemory: the model does not fit.
    """
    require_packages(NAME, ("xllamacpp", "cyllama"), install=INSTALL)
    # One at a time, each then has a deadline of its own.
    return supervise("pytest_aprqa.engines.llama_cpp:load", target, weights, replace(limits, max_batch=1))


def load(target: Target, weights: Weights, limits: Limits) -> LlamaCppModel:
    """Loads the model; runs in the child."""
    gpu = target.backend is Backend.GPU
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a build with CUDA would use it for long prompts all the same
    try:
        import cyllama.llama.llama_cpp  # noqa: F401 - found out now, not at the first logits
        import xllamacpp
    except ImportError as exc:
        raise EngineUnavailable(NAME, str(exc), install=INSTALL) from exc
    device = _gpu_name(xllamacpp.get_device_info()) if gpu else "cpu"
    if not weights.files:
        raise EngineRefused(f"no .gguf file in {weights.folder}")
    file = LlamaFile(weights.files[0])
    context_tokens = min(file.context_tokens or MAX_CONTEXT_TOKENS, MAX_CONTEXT_TOKENS)
    start = partial(LlamaServer, file.path, context_tokens=context_tokens, threads=limits.threads, gpu=gpu)
    try:
        speaker = LlamaSpeaker(start(), file, context_tokens)
    except TemplateRefused as exc:
        # Everything but conversations can still be asked, as in other engines.
        speaker = LlamaSpeaker(start(template=_NO_TEMPLATE), file, context_tokens, template_fault=str(exc))
    return LlamaCppModel(speaker, threads=limits.threads, device=device)


@dataclass(frozen=True, slots=True)
class LlamaSpeaker:
    """llama.cpp's tokenizer and templates as a `Speaker`.

    Args:
        server: does the work.
        file: knows the vocabulary.
        context_tokens: room of the server.
        template_fault: why llama.cpp does not take the file's template; None where it does.
    """

    server: LlamaServer
    file: LlamaFile
    context_tokens: int
    template_fault: str | None = None

    @property
    def stop_ids(self) -> frozenset[int]:
        """llama.cpp's end-of-generation tokens."""
        return self.file.stop_ids

    @property
    def bos_id(self) -> int | None:
        """The file's BOS."""
        return self.file.bos_id

    @property
    def has_template(self) -> bool:
        """Whether the file brings one."""
        return self.file.has_template

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Ids as of a prompt, or as of plain text."""
        return self.server.tokenize(text, special=special)

    def decode(self, ids: Sequence[int], *, special: bool = True) -> str:
        """The text of ids; control tokens are visible or left out."""
        return self.server.detokenize(
            ids if special else [token for token in ids if token not in self.file.control_ids]
        )

    def render(self, messages: Sequence[Mapping[str, str]]) -> Rendered:
        """A conversation through the file's template, with the generation prompt.

        llama.cpp takes a BOS off what the template gives where its tokenizer adds one, so that the model never sees
        two; the text here has it again, as the model sees it.
        """
        if self.template_fault is not None:
            raise EngineRefused(f"the chat template refuses the conversation: {self.template_fault}")
        try:
            text = self.server.apply_template(messages)
        except EngineRefused as exc:
            raise EngineRefused(f"the chat template refuses the conversation: {exc}") from exc
        ids = self.server.tokenize(text, special=True)
        if self.file.adds_bos and self.bos_id is not None:
            bos = self.server.detokenize([self.bos_id])
            text = text if text.startswith(bos) else bos + text
        return Rendered(text, ids)


class LlamaCppModel:
    """A `Resident` over a GGUF file.

    Args:
        speaker: server and vocabulary.
        threads: threads that compute.
        device: what computes, for the facts.
    """

    def __init__(self, speaker: LlamaSpeaker, *, threads: int, device: str) -> None:
        self._speaker = speaker
        self._threads = threads
        self._device = device
        self._logits: LlamaLogits | None = None

    @property
    def facts(self) -> EngineFacts:
        """What was loaded."""
        return EngineFacts(
            name=NAME,
            versions={
                "python": platform.python_version(),
                **{package: version(package) for package in ("xllamacpp", "cyllama")},
            },
            device=self._device,
            dtype=self._speaker.file.file_type,
            threads=self._threads,
            chat_template=self._speaker.has_template,
            context_tokens=self._speaker.context_tokens,
            load_ms=0.0,
            parameters=self._speaker.file.parameters,
        )

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """Answers one after the other."""
        return tuple(self._result(request) for request in requests)

    def encode(self, texts: Sequence[str], *, special: bool) -> tuple[tuple[int, ...], ...]:
        """As `Instruments.encode`."""
        return tuple(tuple(self._speaker.encode(text, special=special)) for text in texts)

    def decode(self, rows: Sequence[Sequence[int]]) -> tuple[str, ...]:
        """As `Instruments.decode`."""
        self._refuse(rows)
        return tuple(self._speaker.decode(row) for row in rows)

    def render(self, conversations: Sequence[Sequence[Mapping[str, str]]]) -> tuple[str, ...]:
        """As `Instruments.render`."""
        if not self._speaker.has_template:
            raise EngineRefused(NO_TEMPLATE)
        return tuple(self._speaker.render(messages).text for messages in conversations)

    def logits(self, rows: Sequence[Sequence[int]], *, last_only: bool = False) -> tuple[NDArray[np.float32], ...]:
        """As `Instruments.logits`; the first call loads the weights a second time, for the library."""
        self._refuse(rows, context_tokens=self._speaker.context_tokens)
        return tuple(self._library().row(row, last_only=last_only) for row in rows)

    def greedy(self, rows: Sequence[Sequence[int]], *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        """As `Instruments.greedy`."""
        self._refuse(rows, context_tokens=self._speaker.context_tokens - max_tokens)
        return tuple(self._speaker.server.complete(row, max_tokens=max_tokens).ids for row in rows)

    def pace(self, row: Sequence[int], *, tokens: int) -> Pace:
        """As `Instruments.pace`, by the server that answers; stop ids are left out of the choice, not passed over."""
        self._refuse([row], context_tokens=self._speaker.context_tokens - tokens)
        ticks = self._speaker.server.tick(row, tokens=tokens, never=self._speaker.file.broken_ids)
        return Pace(
            prefill_ms=ticks[0],
            token_ms=tuple(after - before for before, after in pairwise(ticks)),
            prompt_tokens=len(row),
            rss_bytes=psutil.Process().memory_info().rss,
            peak_rss_bytes=peak_rss_bytes(),
        )

    def stepwise(self, row: Sequence[int], *, given: int) -> NDArray[np.float32]:
        """As `Instruments.stepwise`, by the library, as `logits`."""
        self._refuse([row], context_tokens=self._speaker.context_tokens)
        return self._library().steps(row, given=given)

    def together(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
        """As `Instruments.together`, by the library, as `logits`."""
        self._refuse(rows, context_tokens=self._speaker.context_tokens)
        return self._library().batch(rows)

    def sample(self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int) -> tuple[int, ...]:
        """As `Instruments.sample`."""
        self._refuse([row], context_tokens=self._speaker.context_tokens - max_tokens)
        server = self._speaker.server
        return server.complete(row, max_tokens=max_tokens, temperature=temperature, seed=seed).ids

    def trace(self, row: Sequence[int]) -> tuple[ModuleTrace, ...]:
        """As `Instruments.trace`, under llama.cpp's own names, such as ``attn_out-0``; loads the weights for it."""
        self._refuse([row], context_tokens=self._speaker.context_tokens)
        return trace_file(self._speaker.file.path, row, threads=self._threads, gpu=self._device != "cpu")

    def _library(self) -> LlamaLogits:
        if self._logits is None:
            self._logits = LlamaLogits(self._speaker.file.path, threads=self._threads, gpu=self._device != "cpu")
        return self._logits

    def _refuse(self, rows: Sequence[Sequence[int]], *, context_tokens: int | None = None) -> None:
        refuse_strange_ids(rows, vocabulary=self._speaker.file.vocabulary, context_tokens=context_tokens)

    def _result(self, request: Request) -> Result:
        started = time.perf_counter()
        talk = Conversation(request, self._speaker)
        continuations: list[Continuation] = []
        try:
            for _ in request.turns:
                continued = self._speaker.server.complete(
                    talk.prompt(), max_tokens=request.max_tokens, temperature=request.temperature, seed=request.seed
                )
                talk.hear(continued.ids)
                continuations.append(continued)
        except EngineRefused as error:
            return error
        duration_ms = (time.perf_counter() - started) * 1000
        return Completion(
            request_id=request.id,
            answers=tuple(talk.answers),
            metrics=Metrics(
                duration_ms=duration_ms,
                prompt_tokens=sum(answer.prompt_tokens for answer in talk.answers),
                generated_tokens=sum(len(continued.ids) for continued in continuations),
                batch_size=1,
                ttft_ms=continuations[0].prompt_ms,
                decode_tok_per_s=_decode_tok_per_s(continuations),
                peak_rss_bytes=peak_rss_bytes(),
            ),
            notes=tuple(talk.notes),
        )


def _decode_tok_per_s(continuations: Sequence[Continuation]) -> float | None:
    tokens = sum(len(continued.ids) - 1 for continued in continuations)
    decode_ms = sum(continued.decode_ms for continued in continuations)
    return tokens / decode_ms * 1000 if tokens and decode_ms > 0 else None


def _gpu_name(devices: Sequence[Mapping[str, object]]) -> str:
    """The first device that is a GPU, by what the server's build can see."""
    for device in devices:
        if "GPU" in str(device["type"]):
            return f"{str(device['name']).lower()}: {device['description']}"
    raise EngineUnavailable(
        NAME,
        "this build of xllamacpp sees no GPU",
        install="pip install xllamacpp in the build for your GPU, as https://github.com/xorbitsai/xllamacpp says",
    )
