"""The evidence of one run of one playbook: a versioned object that holds everything a score or a report rests on.

The same playbook, model and machine give the same evidence whatever the number of workers, but for what `untimed`
leaves out. Knows nothing of files (`store`), of foreign dialects (`foreign`) or of how a score comes about.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, Self, TypeVar

from pydantic import Field, JsonValue, field_validator, model_validator

from pytest_aprqa.core import Json, Outcome
from pytest_aprqa.evidence.door import EvidenceModel
from pytest_aprqa.evidence.record import Record, untimed_record

SCHEMA_VERSION: Final = "1.0"
"""Version of the object; a reader refuses another."""


class Selection(StrEnum):
    """Which of the playbook's cases were in the run."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some were deselected; such a run is never a certificate."""


class Dialect(StrEnum):
    """How the file was written that the evidence was read from."""

    APRQA = "aprqa"
    """This package's own object."""
    ARRAY = "array"
    """A bare array of records, as published."""
    DOCUMENTED = "documented"
    """An object with ``evidence`` and ``metadata``."""
    EXPORT = "export"
    """An object with ``evidence``, ``summary`` and ``model``."""
    RESULT = "result"
    """An object with ``evidence`` and totals."""


class RunInfo(EvidenceModel):
    """One pytest run; all empty in foreign evidence."""

    id: str = ""
    """Unique among runs."""
    started_at: str = ""
    """ISO 8601 in UTC."""
    finished_at: str | None = None
    """ISO 8601 in UTC; null while it runs, and in the header of a journal."""
    command: tuple[str, ...] = ()
    """The command line's words."""
    folder: str = ""
    """Absolute path of the folder that it was started in. Certificates, statements, tickets and awards name files
    from there, and hold no absolute path."""
    pytest_version: str = ""
    """Such as ``9.2.0``."""
    aprqa_version: str = ""
    """Version of this package."""
    workers: int = Field(default=0, ge=0)
    """Number of pytest-xdist workers; 0 without."""
    selection: Selection = Selection.COMPLETE
    """Whether all of the playbook's cases were in the run."""
    selection_reason: str = ""
    """Why the selection is partial, such as ``-k chat``."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Options that bear on what is tested and how it is judged; where the output goes is not among them."""
    failure_policy: str = ""
    """Such as ``stop-on-p0``."""


class HostInfo(EvidenceModel):
    """The machine; fields are empty or null where unknown."""

    hostname: str = ""
    """Network name."""
    os: str = ""
    """Name, release and architecture."""
    python: str = ""
    """Version, such as ``3.11.2``."""
    cpu: str = ""
    """Model name of the processor."""
    cores: int | None = Field(default=None, ge=1)
    """Logical processors."""
    memory_bytes: int | None = Field(default=None, ge=0)
    """Physical memory; bytes."""
    gpus: tuple[str, ...] = ()
    """Names of the accelerators that the driver reports."""


class EngineInfo(EvidenceModel):
    """The engine that answered for one target."""

    target: str
    """Target id."""
    name: str
    """Such as ``transformers``."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Library to version."""
    device: str = ""
    """Such as ``cpu`` or ``cuda:0``."""
    dtype: str = ""
    """Type that it computed in, such as ``float32``."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of computation; null when the engine decides."""


class WeightsInfo(EvidenceModel):
    """The weights of one target, and where they came from."""

    target: str
    """Target id."""
    folder: str
    """Absolute path."""
    source: str
    """How they were found, such as ``Hugging Face cache``."""
    revision: str | None = None
    """Commit of the hub repository, when it is known."""
    digests: dict[str, str] = Field(default_factory=dict)
    """File name to SHA-256 (64 hex digits)."""
    converter: str = ""
    """Name and versions of what made the files; empty for files that were not converted here."""
    made_from: dict[str, str] = Field(default_factory=dict)
    """The files that they were made from: name to SHA-256; empty for files that were not converted here."""
    signature: str = ""
    """What a model signature (``model.sig``) beside them says of the files: empty without one, ``matches``,
    ``differs: ...`` or ``unverified: ...``. Digests are compared; who signed is not verified here, but by
    ``model_signing verify``."""


class PlaybookInfo(EvidenceModel):
    """The playbook that was run; in foreign evidence only `model` is known."""

    name: str = ""
    """Its name."""
    path: str = ""
    """Its file."""
    sha256: str = ""
    """Digest of the file's bytes; 64 hex digits."""
    tier: str | None = None
    """``smoke``, ``mvp``, ``quick``, ``standard`` or ``deep``; null when it names none."""
    model: str
    """``org/name``."""
    reports: tuple[str, ...] = ()
    """Reports that it asks for."""
    warnings: tuple[str, ...] = ()
    """What the loader remarked."""
    planned: int = Field(default=0, ge=0)
    """Number of cases that it stands for, before any selection."""
    scenarios_digest: str = ""
    """SHA-256 of all scenarios, drawn ones included."""
    question_sha256: str = ""
    """Digest of what it asks, 64 hex digits: as its meaning, but without the places of the model's files."""
    hypothesis_version: str = ""
    """Version of hypothesis, whose strategies share their domains with the drawn scenarios."""


_Part = TypeVar("_Part", EngineInfo, WeightsInfo)


class Evidence(EvidenceModel):
    """Everything about one run of one playbook."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    """Version of this object."""
    dialect: Dialect = Dialect.APRQA
    """How the file was written that this was read from."""
    run: RunInfo
    """The pytest run."""
    host: HostInfo
    """The machine."""
    playbook: PlaybookInfo
    """What was run."""
    engines: tuple[EngineInfo, ...] = ()
    """The engines that answered, sorted by target."""
    weights: tuple[WeightsInfo, ...] = ()
    """The weights that were tested, sorted by target."""
    distinct_prompts: int = Field(default=0, ge=0)
    """How many different prompts (system prompt and turns) were sent."""
    records: tuple[Record, ...] = ()
    """One for each case and gateway check, in collection order."""
    mqs: JsonValue = None
    """The score, as the scoring room writes it; null before it is known."""

    @field_validator("engines", "weights", mode="after")
    @classmethod
    def _sorted_parts(cls, parts: tuple[_Part, ...]) -> tuple[_Part, ...]:
        # Workers report in any order, and two workers may load the same target.
        unique = {part.model_dump_json(): part for part in parts}
        return tuple(unique[key] for key in sorted(unique, key=lambda key: (unique[key].target, key)))

    @field_validator("records", mode="after")
    @classmethod
    def _sorted_records(cls, records: tuple[Record, ...]) -> tuple[Record, ...]:
        return tuple(sorted(records, key=lambda record: (record.index, record.case_id)))

    @model_validator(mode="after")
    def _ours_says_what_it_compared(self) -> Self:
        if self.dialect is Dialect.APRQA and any(record.compared is None for record in self.records):
            raise ValueError("compared is null, which is for foreign evidence alone")
        return self


def distinct_prompts(records: Iterable[Record]) -> int:
    """How many different prompts (system prompt and turns) the records say were sent."""
    return len({(record.system, record.turns) for record in records if record.turns and _was_sent(record)})


def untimed(evidence: Evidence) -> dict[str, Json]:
    """The evidence without what may differ between two runs that tested the same: times, memory, batches, workers.

    Left out: the run's id, times, command line, folder and number of workers; the engines' threads (workers share the
    cores); and what `untimed_record` leaves out of each record.
    """
    plain = evidence.to_json()
    run = evidence.run.to_json()
    for name in ("id", "started_at", "finished_at", "command", "folder", "workers"):
        del run[name]
    plain["run"] = run
    plain["engines"] = [
        {key: value for key, value in engine.to_json().items() if key != "threads"} for engine in evidence.engines
    ]
    plain["records"] = [untimed_record(record) for record in evidence.records]
    return plain


def _was_sent(record: Record) -> bool:
    return record.outcome is not Outcome.SKIPPED
