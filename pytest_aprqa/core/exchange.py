"""What is asked of an engine and what comes back: `Request`, `Completion`, `Answer`, `Metrics`.

A request holds one or more user turns. The engine answers the first, appends its own answer to the conversation, then
answers the next; so one completion holds as many answers as the request has turns. One-shot use is one turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Prompting(StrEnum):
    """How a prompt reaches the model."""

    TEMPLATE = "template"
    """Through the model's chat template."""
    RAW = "raw"
    """As it is, with the tokenizer's own special tokens (BOS) and nothing else."""


class Finish(StrEnum):
    """Why generation ended."""

    STOP = "stop"
    """The model ended its turn by itself (a stop token)."""
    LENGTH = "length"
    """The token limit or the context was reached."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question, or one conversation."""

    id: str
    """Unique within a batch; comes back on the completion."""
    turns: tuple[str, ...]
    """What the user says, in order; at least one."""
    system: str | None = None
    """System prompt; only with `Prompting.TEMPLATE`."""
    prompting: Prompting = Prompting.TEMPLATE
    max_tokens: int = 32
    """Limit for each answer, in tokens."""
    temperature: float = 0.0
    """0.0 is greedy; above, sampled with `seed`."""
    seed: int = 0
    timeout_ms: int = 60_000
    """Hard deadline for the whole request, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model generated for one turn."""

    text: str
    """Generated text only: no prompt, no banner; special tokens are kept visible, less one trailing stop token."""
    token_ids: tuple[int, ...]
    """Generated ids, the stop token included; empty where a server tells none."""
    finish: Finish
    prompt_tokens: int
    """Tokens the model saw before this answer."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Measured, never assumed; None means that it was not measured."""

    duration_ms: float
    """Wall time of the request; of the whole batch when `batch_size` is above 1."""
    prompt_tokens: int
    """Sum over the turns."""
    generated_tokens: int
    """Sum over the turns, stop tokens included."""
    batch_size: int
    """How many requests were computed together."""
    ttft_ms: float | None = None
    """Time to the first token of the first turn, in milliseconds."""
    decode_tok_per_s: float | None = None
    """Tokens of this request after the first, per second of decoding."""
    peak_rss_bytes: int | None = None
    """Largest resident set of the engine's process so far."""
    peak_vram_bytes: int | None = None
    """Largest memory allocated on the device so far."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The answers to one request."""

    request_id: str
    answers: tuple[Answer, ...]
    """One for each turn, in order."""
    metrics: Metrics
    notes: tuple[str, ...] = ()
    """What happened on the way, such as ``retried alone in a fresh process after out of memory``."""

    @property
    def text(self) -> str:
        """The last answer's text."""
        return self.answers[-1].text
