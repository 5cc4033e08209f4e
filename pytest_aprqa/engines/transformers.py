"""The ground-truth engine: SafeTensors weights run by Hugging Face transformers, on the CPU in float32 or on CUDA.

`open_engine` runs in pytest's process and imports neither torch nor transformers; `load` runs in the child.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
from pytest_aprqa.engines.conversation import NO_TEMPLATE, Conversation
from pytest_aprqa.engines.decode import Pick, Row, decode, greedy, sampler
from pytest_aprqa.engines.decode_probes import batch_logits, measure_pace, step_logits
from pytest_aprqa.engines.forward import row_activations, row_logits
from pytest_aprqa.engines.hugging_face import HuggingFaceSpeaker, find_control_tokens, find_stop_ids
from pytest_aprqa.engines.memory import is_out_of_memory, peak_rss_bytes
from pytest_aprqa.engines.packages import require_packages
from pytest_aprqa.engines.protocol import Engine, EngineFacts, Limits, Result
from pytest_aprqa.engines.readings import ModuleTrace, Pace
from pytest_aprqa.engines.session import supervise
from pytest_aprqa.engines.traces import trace_row

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NAME = "transformers"
INSTALL = "pip install 'pytest-aprqa[transformers]'"
_DTYPES = ("float32", "bfloat16", "float16")


def open_engine(target: Target, weights: Weights, limits: Limits) -> Engine:
    """Opens the model in a supervised child.

    Raises:
        EngineUnavailable: torch or transformers is missing, or there is no CUDA device for a GPU target.
        EngineRefused: the model cannot be loaded as a whole.
        EngineTimeout: loading passed its deadline.
        EngineCrashed: the process died while loading.
        EngineOutOfMemory: the model does not fit.
    """
    require_packages(NAME, ("torch", "transformers"), install=INSTALL)
    return supervise("pytest_aprqa.engines.transformers:load", target, weights, limits)


def load(target: Target, weights: Weights, limits: Limits) -> TransformersModel:
    """Loads the model; runs in the child."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar
    except ImportError as exc:
        raise EngineUnavailable(NAME, str(exc), install=INSTALL) from exc
    torch.set_num_threads(limits.threads)
    disable_progress_bar()  # type: ignore[no-untyped-call]  # the library leaves it unannotated
    device = pick_device(target.backend)
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": limits.trust_remote_code}
    computing = {"dtype": pick_dtype(limits.dtype, device), "use_safetensors": True, "output_loading_info": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(weights.folder, **options)
        loaded: Any = AutoModelForCausalLM.from_pretrained(weights.folder, **options, **computing)
        model, info = loaded
    except Exception as exc:
        if is_out_of_memory(exc):
            raise
        raise EngineRefused(f"cannot load {weights.folder}: {first_line(exc)}") from exc
    _refuse_random_weights(info, weights)
    return TransformersModel(model.to(device).eval(), tokenizer, threads=limits.threads)


class TransformersModel:
    """A `Resident` over a causal language model and its tokenizer.

    Args:
        model: on its device, in evaluation mode.
        tokenizer: the model's.
        threads: threads that compute.
        name: of the engine.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, threads: int, name: str = NAME
    ) -> None:
        self.model = model
        """The model itself, for checks that look inside."""
        self._threads = threads
        self._name = name
        text_config = model.config.get_text_config()
        self._speaker = HuggingFaceSpeaker(
            tokenizer=tokenizer,
            stop_ids=find_stop_ids(tokenizer, _configured_stops(model)),
            context_tokens=getattr(text_config, "max_position_embeddings", None),
            control_tokens=find_control_tokens(tokenizer),
        )

    @property
    def facts(self) -> EngineFacts:
        """What was loaded."""
        import torch

        device = self.model.device
        name = f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type
        return EngineFacts(
            name=self._name,
            versions={
                "python": platform.python_version(),
                **{package: version(package) for package in ("torch", "transformers", "tokenizers")},
            },
            device=name,
            dtype=str(self.model.dtype).removeprefix("torch."),
            threads=self._threads,
            chat_template=self._speaker.has_template,
            context_tokens=self._speaker.context_tokens,
            load_ms=0.0,
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
        )

    def generate(self, requests: Sequence[Request]) -> tuple[Result, ...]:
        """Answers all together, turn by turn; they have equally many turns and tokens, and sampled ones are alone."""
        started = time.perf_counter()
        talks = {index: Conversation(request, self._speaker) for index, request in enumerate(requests)}
        rows: dict[int, list[Row]] = {index: [] for index in talks}
        refused: dict[int, EngineRefused] = {}
        pick = _picker(requests[0].temperature, requests[0].seed)
        for _ in requests[0].turns:
            prompts = _prompts(talks, refused)
            if not prompts:
                break
            answered = decode(
                self.model,
                list(prompts.values()),
                max_tokens=requests[0].max_tokens,
                stop_ids=self._speaker.stop_ids,
                pick=pick,
            )
            for index, row in zip(prompts, answered, strict=True):
                talks[index].hear(row.ids)
                rows[index].append(row)
        ended = time.perf_counter()
        return tuple(
            refused.get(index) or self._completion(talk, rows[index], started, ended, len(requests))
            for index, talk in talks.items()
        )

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
        """As `Instruments.logits`."""
        self._refuse(rows, answer_tokens=0)
        return tuple(row_logits(self.model, row, last_only=last_only) for row in rows)

    def greedy(self, rows: Sequence[Sequence[int]], *, max_tokens: int) -> tuple[tuple[int, ...], ...]:
        """As `Instruments.greedy`."""
        self._refuse(rows, answer_tokens=max_tokens)
        continued = decode(self.model, rows, max_tokens=max_tokens, stop_ids=self._speaker.stop_ids, pick=greedy)
        return tuple(tuple(row.ids) for row in continued)

    def activations(self, row: Sequence[int]) -> Mapping[str, NDArray[np.float32]]:
        """As `Instruments.activations`."""
        self._refuse([row], answer_tokens=0)
        return row_activations(self.model, row, engine=self._name)

    def pace(self, row: Sequence[int], *, tokens: int) -> Pace:
        """As `Instruments.pace`."""
        self._refuse([row], answer_tokens=tokens)
        return measure_pace(self.model, row, tokens=tokens)

    def stepwise(self, row: Sequence[int], *, given: int) -> NDArray[np.float32]:
        """As `Instruments.stepwise`."""
        self._refuse([row], answer_tokens=0)
        return step_logits(self.model, row, given=given)

    def together(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
        """As `Instruments.together`."""
        self._refuse(rows, answer_tokens=0)
        return batch_logits(self.model, rows)

    def sample(self, row: Sequence[int], *, max_tokens: int, temperature: float, seed: int) -> tuple[int, ...]:
        """As `Instruments.sample`."""
        self._refuse([row], answer_tokens=max_tokens)
        pick = _picker(temperature, seed)
        (drawn,) = decode(self.model, [row], max_tokens=max_tokens, stop_ids=self._speaker.stop_ids, pick=pick)
        return tuple(drawn.ids)

    def trace(self, row: Sequence[int]) -> tuple[ModuleTrace, ...]:
        """As `Instruments.trace`."""
        self._refuse([row], answer_tokens=0)
        return trace_row(self.model, row, engine=self._name)

    def _refuse(self, rows: Sequence[Sequence[int]], *, answer_tokens: int | None = None) -> None:
        """Refuses strange ids, and where an answer of so many tokens is to follow, rows that leave it no room."""
        embedding: Any = self.model.get_input_embeddings()
        context = self._speaker.context_tokens
        room = None if context is None or answer_tokens is None else context - answer_tokens
        refuse_strange_ids(rows, vocabulary=embedding.num_embeddings, context_tokens=room)

    def _completion(
        self, talk: Conversation, rows: Sequence[Row], started: float, ended: float, batch_size: int
    ) -> Completion:
        notes = list(talk.notes)
        if not all(row.finite for row in rows):
            notes.append("the logits were not finite")
        return Completion(
            request_id=talk.request.id,
            answers=tuple(talk.answers),
            metrics=Metrics(
                duration_ms=(ended - started) * 1000,
                prompt_tokens=sum(answer.prompt_tokens for answer in talk.answers),
                generated_tokens=sum(len(row.ids) for row in rows),
                batch_size=batch_size,
                ttft_ms=(rows[0].first_at - started) * 1000,
                decode_tok_per_s=_decode_tok_per_s(rows),
                peak_rss_bytes=peak_rss_bytes(),
                peak_vram_bytes=self._peak_vram_bytes(),
            ),
            notes=tuple(notes),
        )

    def _peak_vram_bytes(self) -> int | None:
        import torch

        return torch.cuda.max_memory_allocated(self.model.device) if self.model.device.type == "cuda" else None


def _picker(temperature: float, seed: int) -> Pick:
    return greedy if temperature == 0 else sampler(temperature, seed)


def _prompts(talks: Mapping[int, Conversation], refused: dict[int, EngineRefused]) -> dict[int, list[int]]:
    """The next prompt of each conversation that still goes on; those that are refused are moved to `refused`."""
    prompts: dict[int, list[int]] = {}
    for index, talk in talks.items():
        if index in refused:
            continue
        try:
            prompts[index] = talk.prompt()
        except EngineRefused as error:
            refused[index] = error
    return prompts


def _decode_tok_per_s(rows: Sequence[Row]) -> float | None:
    decode_s = sum(row.last_at - row.first_at for row in rows)
    tokens = sum(len(row.ids) - 1 for row in rows)
    return tokens / decode_s if tokens and decode_s > 0 else None


def pick_device(backend: Backend) -> torch.device:
    """The device for a backend; raises `EngineUnavailable` where there is none."""
    import torch

    if backend is Backend.CPU:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise EngineUnavailable(
            NAME,
            "torch has no CUDA device",
            install="pip install torch, in the build for your driver as https://pytorch.org/get-started/locally says",
        )
    return torch.device("cuda")


def pick_dtype(wanted: str, device: torch.device) -> torch.dtype | str:
    """float32 is the ground truth on the CPU; on a GPU the model's own type."""
    import torch

    if wanted == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    if wanted not in _DTYPES:
        raise EngineRefused(f"dtype: expected auto or one of {', '.join(_DTYPES)}; found {wanted!r}")
    dtype: torch.dtype = getattr(torch, wanted)
    return dtype


def _refuse_random_weights(info: Mapping[str, Any], weights: Weights) -> None:
    """The library fills what a file lacks with random numbers and goes on; those must never be tested."""
    for kind in ("missing_keys", "mismatched_keys", "error_msgs"):
        if found := [str(key) for key in info.get(kind) or ()]:
            shown = ", ".join(sorted(found)[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
            raise EngineRefused(
                f"cannot load {weights.folder}: {kind.replace('_', ' ')}: {shown}; the library would make them up"
            )


def _configured_stops(model: PreTrainedModel) -> set[int]:
    """End-of-sequence ids of the model's configurations, each an id, a list of ids or nothing."""
    stops: set[int] = set()
    for config in (model.generation_config, model.config):
        configured = getattr(config, "eos_token_id", None)
        if isinstance(configured, int):
            stops.add(configured)
        elif configured is not None:
            stops.update(configured)
    return stops


def first_line(error: Exception) -> str:
    """What a library's error says, without its explanations."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
