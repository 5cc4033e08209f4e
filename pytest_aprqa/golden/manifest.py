"""The door of a corpus: ``manifest.json``, checked field by field before any other file is opened.

Beside it lies ``manifest.sha256`` with the digest of its bytes, and it holds the digests of all other files, so that a
byte changed anywhere shows. That is a seal against accidents and edits, not against a forger, who can compute digests
as well: who wants that pins the corpus digest, which every command prints.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from pytest_aprqa.core import ArtefactError, Json, Prompting
from pytest_aprqa.formats import read_json
from pytest_aprqa.golden.corpus import GoldenCorpus, Prompt, Provenance, RecordedWith
from pytest_aprqa.golden.prompts import ID_PATTERN, MAX_PROMPTS, MAX_TEXT

MANIFEST: Final = "manifest.json"
SEAL: Final = "manifest.sha256"
SCHEMA_VERSION: Final = 1
MAX_MANIFEST_BYTES: Final = 32 << 20

_MAX_VOCABULARY: Final = 1 << 22
_MAX_TOP_K: Final = 1024

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Word = Annotated[str, Field(min_length=1, max_length=300)]
_Words = Annotated[dict[_Word, _Word], Field(max_length=200)]


class _Part(BaseModel):
    """One object of the manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EngineEntry(_Part):
    """Who recorded."""

    name: _Word
    dtype: _Word
    device: _Word
    threads: int = Field(ge=1, le=1 << 16)
    versions: _Words
    parameters: Annotated[int, Field(ge=1)] | None


class PromptEntry(_Part):
    """One prompt, and the file with its recording."""

    id: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    prompting: Literal["template", "raw"]
    file: Annotated[str, Field(max_length=100)]
    """Always the id and ``.safetensors``: a plain name in the corpus' own folder."""
    sha256: _Sha256

    @model_validator(mode="after")
    def _plain_file_name(self) -> PromptEntry:
        if self.file != f"{self.id}.safetensors":
            raise ValueError(f"file must be {self.id}.safetensors")
        return self

    @property
    def prompt(self) -> Prompt:
        """As a value."""
        return Prompt(self.id, self.text, Prompting(self.prompting))


class Manifest(_Part):
    """What lies in ``manifest.json``."""

    schema_version: Literal[1]
    model: _Word
    revision: _Word | None
    recorded_at: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
    digests: Annotated[dict[_Word, _Sha256], Field(max_length=1000)]
    engine: EngineEntry
    host: Annotated[dict[_Word, JsonValue], Field(max_length=50)] | None
    vocabulary: int = Field(ge=3, le=_MAX_VOCABULARY)
    top_k: int = Field(ge=2, le=_MAX_TOP_K)
    prompts: Annotated[tuple[PromptEntry, ...], Field(min_length=1, max_length=MAX_PROMPTS, strict=False)]

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        if len({entry.id for entry in self.prompts}) != len(self.prompts):
            raise ValueError("two prompts have one id")
        if self.top_k >= self.vocabulary:
            raise ValueError("top_k must be below vocabulary")
        return self

    @property
    def provenance(self) -> Provenance:
        """As a value."""
        host: dict[str, Json] | None = None if self.host is None else json.loads(json.dumps(self.host))
        return Provenance(self.model, dict(self.digests), self.recorded_at, self.revision, host)

    @property
    def recorded_with(self) -> RecordedWith:
        """As a value."""
        engine = self.engine
        versions = dict(engine.versions)
        return RecordedWith(engine.name, engine.dtype, engine.device, engine.threads, versions, engine.parameters)


def read_manifest(folder: Path) -> Manifest:
    """Reads and checks the manifest of a corpus; raises `ArtefactError`."""
    path = folder / MANIFEST
    value = read_json(path, max_bytes=MAX_MANIFEST_BYTES)
    if value.get("schema_version") != SCHEMA_VERSION:
        raise ArtefactError(
            "schema version", path=path, expected=f"{SCHEMA_VERSION}", found=repr(value.get("schema_version"))[:80]
        )
    try:
        return Manifest.model_validate(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "manifest"
        raise ArtefactError(f"{where}: {first['msg']}", path=path) from exc
    except RecursionError as exc:
        raise ArtefactError("is nested too deep", path=path) from exc


def manifest_bytes(corpus: GoldenCorpus) -> bytes:
    """The manifest of a corpus whose recordings are written; equal corpora give equal bytes."""
    provenance, engine = corpus.provenance, corpus.engine
    value: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "model": provenance.model,
        "revision": provenance.revision,
        "recorded_at": provenance.recorded_at,
        "digests": dict(sorted(provenance.digests.items())),
        "engine": {
            "name": engine.name,
            "dtype": engine.dtype,
            "device": engine.device,
            "threads": engine.threads,
            "versions": dict(sorted(engine.versions.items())),
            "parameters": engine.parameters,
        },
        "host": None if provenance.host is None else dict(provenance.host),
        "vocabulary": corpus.vocabulary,
        "top_k": corpus.top_k,
        "prompts": [
            {
                "id": each.prompt.id,
                "text": each.prompt.text,
                "prompting": str(each.prompt.prompting),
                "file": f"{each.prompt.id}.safetensors",
                "sha256": each.sha256,
            }
            for each in corpus.prompts
        ],
    }
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
