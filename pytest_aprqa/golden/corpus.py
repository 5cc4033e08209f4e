"""A golden corpus as values: prompts, what the ground truth made of them, and how it was recorded.

A prompt's row is its token ids followed by the greedy continuation; the last continuation token is never fed, so the
row has one position for each id but that. At each position the `top_k` largest logits are kept, less the position's
largest, as float16, together with the log of what all other tokens share. Knows nothing of files or engines.

Rounding: a value v keeps 11 significant bits, so that it is off by at most ``|v| / 2048`` nats; likely tokens have
small v and unlikely ones small weight, which keeps the KL divergence that rounding alone causes below `ROUNDING_KL`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.core import Json, Prompting

TOP_K: Final = 64
"""Logits kept at each position; fewer where the vocabulary is not larger."""

ROUNDING_KL: Final = 1e-6
"""Nats: no KL divergence below can be told from float16's rounding (measured below 2e-7 on two models)."""


ROUNDING_NMSE: Final = 1e-5
"""The same for the normalized error of the logits (measured up to 3e-6 for a prompt)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is said to the model."""

    id: str
    """Of ``[a-z0-9_-]``, unique within a corpus; also the name of its file."""
    text: str
    prompting: Prompting
    """``template``: as the only user turn of a conversation; ``raw``: as it is, with the tokenizer's BOS."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the ground truth made of one prompt."""

    token_ids: NDArray[np.int32]
    """(tokens,): the prompt as the model sees it, special tokens included."""
    continuation: NDArray[np.int32]
    """(answer,): greedy continuation; its stop token included where it has one."""
    margins: NDArray[np.float32]
    """(answer,): nats between the likeliest and the second token where the continuation was chosen."""
    top_ids: NDArray[np.int32]
    """(positions, k): ids of the largest logits, largest first."""
    top: NDArray[np.float16]
    """(positions, k): their logits less the position's largest, so that the first is 0."""
    largest: NDArray[np.float32]
    """(positions,): the largest logit itself."""
    log_total: NDArray[np.float32]
    """(positions,): log of the sum of ``exp(logit - largest)`` over the whole vocabulary."""
    log_rest: NDArray[np.float32]
    """(positions,): log of the probability of all tokens that are not among the top k together."""
    variance: NDArray[np.float32]
    """(positions,): variance of the logits over the whole vocabulary, which errors are measured against."""

    @property
    def row(self) -> tuple[int, ...]:
        """Ids that were fed: the prompt and the continuation without its last token."""
        return (*self.token_ids.tolist(), *self.continuation[:-1].tolist())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every array by its name, as it lies in the file."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class GoldenPrompt:
    """A prompt with its recording."""

    prompt: Prompt
    recording: Recording
    sha256: str = ""
    """Of its file as the manifest has it; empty while it was not written."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was recorded, when and on what."""

    model: str
    """``org/name``."""
    digests: Mapping[str, str]
    """File name to SHA-256 of weights, configuration and tokenizer."""
    recorded_at: str
    """ISO 8601 in UTC."""
    revision: str | None = None
    """Commit of the hub repository, when it is known."""
    host: Mapping[str, Json] | None = None
    """Facts about the machine, without names or paths."""


@dataclass(frozen=True, slots=True)
class RecordedWith:
    """The engine that recorded."""

    name: str
    dtype: str
    """Type of the weights while computing, such as ``float32``."""
    device: str
    threads: int
    versions: Mapping[str, str]
    """Library name to version; torch and transformers among them."""
    parameters: int | None = None
    """How many weights the model has, on which limits depend; None when unknown."""


@dataclass(frozen=True, slots=True)
class GoldenCorpus:
    """Prompts with their recordings, in order."""

    provenance: Provenance
    engine: RecordedWith
    vocabulary: int
    """Logits at a position of the ground truth."""
    top_k: int
    prompts: tuple[GoldenPrompt, ...]
    folder: Path | None = None
    """Where it was read from; None in memory."""
    digest: str = ""
    """SHA-256 of the manifest, which holds those of all other files; empty in memory."""

    @property
    def positions(self) -> int:
        """Positions of all prompts together."""
        return sum(len(each.recording.top) for each in self.prompts)
