"""What the registry's columns cannot hold: which evidence a row rests on, and the last run of each tier.

Kept in ``awards.json`` beside the csv. Knows nothing of how the csv is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence.parse import parse_json, read_bytes
from pytest_aprqa.registry.errors import RegistryError

AWARDS_NAME: Final = "awards.json"
"""File name, in the csv's folder."""

_MAX_BYTES: Final = 20_000_000
_SHOWN_PROBLEMS: Final = 3


class Origin(StrEnum):
    """Where a row's words come from."""

    MEASURED = "measured"
    """A run of this package."""
    IMPORTED = "imported"
    """Another tool's file; nobody here saw it happen."""


class Award(BaseModel):
    """What a status, or a run that left the status alone, rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    origin: Origin
    """Who measured."""
    evidence: str = ""
    """The evidence file, relative to the csv's folder, with forward slashes; empty when there is none."""
    evidence_sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    """Of the file's bytes; 64 hex digits."""
    playbook: str = ""
    """The playbook's file from the folder of the run; its name where it lies elsewhere."""
    playbook_sha256: str = ""
    """Of the playbook's bytes, as the evidence has it."""
    tier: str | None = None
    """Of the playbook."""
    status: str = ""
    """The word that the run earned; `BLOCKED` also where its tier leaves the registry alone."""
    passed: bool | None = None
    """Whether the run passed its tier; null when another tool's."""
    mqs: int | None = Field(default=None, ge=0, le=1000)
    """Of the run."""
    gateways: dict[str, str] = Field(default_factory=dict)
    """G0 to G4: passed, failed or unknown."""
    at: str = ""
    """When it was measured, ISO 8601 in UTC."""


class Awards(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Literal[1] = 1
    """Of this form."""
    awards: dict[str, Award] = Field(default_factory=dict)
    """By model: what its row rests on."""
    runs: dict[str, dict[str, Award]] = Field(default_factory=dict)
    """By model and tier: the last run."""

    def of(self, model_id: str) -> Award | None:
        """What a model's row rests on."""
        return self.awards.get(model_id)

    def runs_of(self, model_id: str) -> Mapping[str, Award]:
        """The last run of each tier."""
        return self.runs.get(model_id, MappingProxyType({}))

    def with_award(self, model_id: str, award: Award) -> Awards:
        """With what a model's row rests on now."""
        return self.model_copy(update={"awards": {**self.awards, model_id: award}})

    def with_run(self, model_id: str, run: Award) -> Awards:
        """With the last run of its tier."""
        own = {**self.runs_of(model_id), run.tier or "none": run}
        return self.model_copy(update={"runs": {**self.runs, model_id: own}})


def awards_path(csv: Path) -> Path:
    """The file beside a csv."""
    return csv.with_name(AWARDS_NAME)


def read_awards(csv: Path) -> Awards:
    """The awards of a registry; none where the file is not there.

    Raises:
        RegistryError: the file is not what this package writes.
    """
    path = awards_path(csv)
    if not path.exists():
        return Awards()
    try:
        content = read_bytes(path, max_bytes=_MAX_BYTES)
        parsed = parse_json(content, where=str(path))
        return Awards.model_validate(parsed)
    except EvidenceError as exc:
        raise RegistryError(str(exc).removeprefix(f"{path}: "), path=path) from exc
    except ValidationError as exc:
        problems = exc.errors(include_url=False, include_context=False)[:_SHOWN_PROBLEMS]
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)
        raise RegistryError(f"not a file of awards: {told}; restore it or move it away", path=path) from exc


def render_awards(awards: Awards) -> str:
    """The file's text: sorted, so that a change shows as a change."""
    return json.dumps(awards.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
