"""Evidence files on the disk, each with its digest, and those of a folder by the model they are about."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import EVIDENCE_NAME, Dialect, Evidence, read_evidence
from pytest_aprqa.registry.awards import AWARDS_NAME
from pytest_aprqa.registry.errors import RegistryError
from pytest_aprqa.registry.moments import moment_of

MAX_FILES: Final = 10_000
"""Most files of one folder that are looked at."""

OTHER_NAMES: Final = frozenset({AWARDS_NAME, "mqs.json", "statement.json", "tool_tests.json"})
"""What this package itself writes beside evidence."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One evidence file."""

    path: Path
    sha256: str
    """Of its bytes; 64 hex digits."""
    evidence: Evidence

    @property
    def model(self) -> str:
        """The model that it is about."""
        return self.evidence.playbook.model

    @property
    def ours(self) -> bool:
        """True when this package measured it."""
        return self.evidence.dialect is Dialect.APRQA

    @property
    def at(self) -> datetime | None:
        """When it was measured, as it says itself."""
        return measured_at(self.evidence)


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """What a folder holds."""

    folder: Path
    by_model: Mapping[str, tuple[EvidenceFile, ...]]
    """By the model's name in lower case; the oldest first."""
    unreadable: tuple[str, ...]
    """Why a json file could not be read as evidence, one sentence a file."""

    def of(self, model_id: str) -> tuple[EvidenceFile, ...]:
        """The files about a model, the oldest first."""
        return self.by_model.get(model_id.lower(), ())


def read_evidence_file(path: Path) -> EvidenceFile:
    """Reads an evidence file of any known shape.

    Raises:
        EvidenceError: it cannot be read.
    """
    evidence = read_evidence(path)
    return EvidenceFile(path, sha256_of(path), evidence)


def index_evidence(folder: Path) -> EvidenceIndex:
    """Reads every json file of a folder and of the folders in it; what is no evidence is told.

    What this package writes beside evidence is passed over.

    Raises:
        RegistryError: it is no folder, or holds more files than `MAX_FILES`.
    """
    if not folder.is_dir():
        raise RegistryError("expected a folder with evidence files", path=folder)
    found: dict[str, list[EvidenceFile]] = {}
    unreadable: list[str] = []
    for path in _json_files(folder):
        try:
            file = read_evidence_file(path)
        except EvidenceError as exc:
            unreadable.append(str(exc))
        else:
            found.setdefault(file.model.lower(), []).append(file)
    by_model = {model: tuple(sorted(files, key=_age)) for model, files in sorted(found.items())}
    return EvidenceIndex(folder, by_model, tuple(unreadable))


def measured_at(evidence: Evidence) -> datetime | None:
    """When evidence was measured, as it says itself: its run's end, in foreign evidence its last record's."""
    if evidence.dialect is Dialect.APRQA:
        return moment_of(evidence.run.finished_at or evidence.run.started_at)
    stamps = (record.details.get("timestamp") for record in evidence.records)
    moments = [moment for stamp in stamps if isinstance(stamp, str) and (moment := moment_of(stamp))]
    return max(moments, default=None)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes; 64 hex digits.

    Raises:
        EvidenceError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise EvidenceError(f"{path}: cannot be read: {exc.strerror}") from exc


def _age(file: EvidenceFile) -> tuple[datetime, bool, str]:
    # Of the same run's files the one that no later run overwrites comes last.
    return file.at or _EPOCH, file.path.name != EVIDENCE_NAME, str(file.path)


def _json_files(folder: Path) -> Iterator[Path]:
    seen = 0
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            if not name.endswith(".json") or name in OTHER_NAMES or name.startswith("."):
                continue
            seen += 1
            if seen > MAX_FILES:
                raise RegistryError(f"holds more than {MAX_FILES:,} json files; name a folder of evidence", path=folder)
            yield Path(parent) / name
