"""What is tested: a target (model, format, quantization, backend) and a cell (target × modality).

The words are those of the playbooks; ids contain only ``[A-Za-z0-9_-]``, so that pytest node ids stay plain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Format(StrEnum):
    """File format of the weights; safetensors is the ground truth."""

    SAFETENSORS = "safetensors"
    APR = "apr"
    GGUF = "gguf"


class Backend(StrEnum):
    """Device that computes."""

    CPU = "cpu"
    GPU = "gpu"


class Modality(StrEnum):
    """How the model is used: one-shot, as a conversation, or behind an HTTP server."""

    RUN = "run"
    CHAT = "chat"
    SERVE = "serve"


class Quantization(StrEnum):
    """Weight types that a playbook may name, by llama.cpp's names in lower case."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    Q8_0 = "q8_0"
    Q6_K = "q6_k"
    Q5_K_M = "q5_k_m"
    Q5_0 = "q5_0"
    Q4_K_M = "q4_k_m"
    Q4_0 = "q4_0"
    Q3_K_M = "q3_k_m"
    Q2_K = "q2_k"


@dataclass(frozen=True, slots=True)
class Target:
    """One artefact on one device: the thing that gateways judge and engines load."""

    model: str
    """``org/name`` as the playbook gives it."""
    format: Format
    quantization: Quantization | None
    """None where the format stores the weights as they are (safetensors)."""
    backend: Backend

    @property
    def id(self) -> str:
        """Unique within a playbook.

        >>> Target("a/b", Format.GGUF, Quantization.Q4_K_M, Backend.CPU).id
        'gguf-q4_k_m-cpu'
        """
        quantization = f"-{self.quantization}" if self.quantization else ""
        return f"{self.format}{quantization}-{self.backend}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A target used in one modality."""

    target: Target
    modality: Modality

    @property
    def id(self) -> str:
        """Unique within a playbook, such as ``chat[gguf-q4_k_m-cpu]``."""
        return f"{self.modality}[{self.target.id}]"


@dataclass(frozen=True, slots=True)
class Weights:
    """Files of one model on this machine, and where they came from."""

    folder: Path
    """Folder that holds config.json, tokenizer files and the weights (Hugging Face layout)."""
    files: tuple[Path, ...]
    """The weight files themselves: one file, or all shards in index order."""
    source: str
    """How they were found, such as ``playbook model.local_path`` or ``Hugging Face cache``."""
    revision: str | None = None
    """Commit of the hub repository, when it is known."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """File name to SHA-256 (64 hex digits), of the weights, the configuration and the tokenizer."""
    converter: str = ""
    """Name and versions of what made the files; empty for files that were not converted here."""
    made_from: Mapping[str, str] = field(default_factory=dict)
    """File name to SHA-256 of what they were made from; empty for files that were not converted here."""
    signature: str = ""
    """What a model signature beside the files says of them; empty without one."""


def slug(text: str, *, limit: int = 48) -> str:
    """Turns any text into an id part of ``[A-Za-z0-9_-]``, at most `limit` characters; ``"x"`` if nothing is left.

    >>> slug("What is 2+2?"), slug("¿?")
    ('What_is_2_2', 'x')
    """
    return re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_")[:limit].rstrip("_") or "x"
