"""``playbooks/architectures.yaml``: architecture numbers of published models, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pytest_aprqa.core import AprqaError, Json

_MAX_BYTES: Final = 1 << 20


class _Entry(BaseModel):
    """What stands under one model."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    source: str
    model_type: str = ""
    base: bool = False
    hidden_size: int | None = Field(None, ge=1)
    num_hidden_layers: int | None = Field(None, ge=1)
    num_attention_heads: int | None = Field(None, ge=1)
    num_key_value_heads: int | None = Field(None, ge=1)
    vocab_size: int | None = Field(None, ge=1)
    intermediate_size: int | None = Field(None, ge=1)


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a source says of one model."""

    source: str
    base: bool
    """It continues texts, and was not taught to answer."""
    config: Mapping[str, Json]
    """Keys of config.json, those that the source gives."""


def read_architectures(path: Path) -> dict[str, Architecture]:
    """``org/name`` to what is known; an absent file knows nothing.

    Raises:
        AprqaError: the file is not as it should be.
    """
    if not path.exists():
        return {}
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise AprqaError(f"{path}: expected at most {_MAX_BYTES} bytes, found {len(data)}")
    try:
        raw: Any = yaml.safe_load(data)
        entries = {str(model): _Entry.model_validate(entry) for model, entry in raw["models"].items()}
    except (yaml.YAMLError, ValidationError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        first = str(problem).partition("\n")[0]
        raise AprqaError(
            f"{path}: expected models: {{org/name: {{source: ..., hidden_size: ...}}}}; {first}"
        ) from problem
    return {model: _architecture(entry) for model, entry in entries.items()}


def _architecture(entry: _Entry) -> Architecture:
    config = entry.model_dump(exclude={"source", "base"}, exclude_none=True, exclude_defaults=True)
    return Architecture(entry.source, entry.base, config)
