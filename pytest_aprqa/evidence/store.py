"""The evidence file: where it goes, how it is written, how it is read back.

The folder of a model is ``<root>/<org>--<name>`` in lower case, dots kept: ``Qwen/Qwen2.5-0.5B`` →
``qwen--qwen2.5-0.5b``. The organisation is part of it, so that two models of the same name do not share a folder; and
where two names still meet, the second writer is refused. Knows nothing of scores or of who runs.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_aprqa.core import EvidenceError, Json
from pytest_aprqa.evidence.atomic import write_atomically
from pytest_aprqa.evidence.evidence import SCHEMA_VERSION, Evidence, Selection
from pytest_aprqa.evidence.foreign import read_foreign
from pytest_aprqa.evidence.journal import JOURNAL_NAME, read_journal
from pytest_aprqa.evidence.parse import MAX_BYTES, check_count, parse_json, read_bytes

EVIDENCE_NAME: Final = "evidence.json"
"""File name of the evidence in the output folder."""

COMPLETE_NAME: Final = "evidence.complete.json"
"""File name of the last complete run's evidence, where a partial run took its place."""

_MAX_FOLDER_CHARS: Final = 120
"""File systems allow 255 bytes; temporary names need some."""


def model_folder(model: str) -> str:
    """Folder name of a model.

    >>> model_folder("Qwen/Qwen2.5-Coder-0.5B-Instruct"), model_folder("aprqa-tiny"), model_folder("../..")
    ('qwen--qwen2.5-coder-0.5b-instruct', 'aprqa-tiny', 'x')
    """
    parts = [_slug(part) for part in model.lower().split("/", 1)]
    return "--".join(part for part in parts if part)[:_MAX_FOLDER_CHARS] or "x"


def output_folder(root: Path, model: str, *, playbook: str | None = None) -> Path:
    """Folder for the evidence of a model; it is not made here.

    Args:
        root: such as ``certifications``.
        model: ``org/name``.
        playbook: name of the playbook, for a folder of its own below the model's where one run has several.

    Raises:
        EvidenceError: the folder holds evidence of another model, or evidence that cannot be read.
    """
    folder = root / model_folder(model)
    if playbook is not None:
        folder /= _slug(playbook.lower()) or "x"
    owner = _owner(folder)
    if owner is not None and owner.lower() != model.lower():
        raise EvidenceError(
            f"{folder}: holds evidence of {owner}, not of {model}; move it away or choose another output folder"
        )
    return folder


def write_evidence(folder: Path, evidence: Evidence) -> Path:
    """Writes ``evidence.json`` into the folder in one step.

    Returns:
        The file.

    Raises:
        EvidenceError: it cannot be written.
    """
    path = folder / EVIDENCE_NAME
    text = json.dumps(evidence.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text.encode("utf-8") + b"\n")
    return path


def keep_complete(folder: Path) -> None:
    """Puts a complete run's evidence aside before a partial run, such as ``--lf``, writes its own.

    Evidence that cannot be read, or cannot be moved, stays where it is.
    """
    path = folder / EVIDENCE_NAME
    with suppress(EvidenceError, OSError):
        if path.is_file() and read_evidence(path).run.selection is Selection.COMPLETE:
            path.replace(folder / COMPLETE_NAME)


def read_evidence(path: Path, *, max_bytes: int = MAX_BYTES) -> Evidence:
    """Reads our own evidence file or foreign evidence of any known shape.

    Args:
        path: the file.
        max_bytes: a larger file is refused.

    Raises:
        EvidenceError: it is not there, not readable, too large or not evidence; the message names the limit.
    """
    value = parse_json(read_bytes(path, max_bytes=max_bytes), where=str(path))
    if not isinstance(value, dict) or "schema_version" not in value:
        return read_foreign(value, where=str(path))
    version = value["schema_version"]
    if version != SCHEMA_VERSION:
        raise EvidenceError(
            f"{path}: schema_version: expected {SCHEMA_VERSION!r}, found {_short(version)}; "
            "read it with the version of pytest-aprqa that wrote it"
        )
    records = value.get("records")
    check_count(len(records) if isinstance(records, list) else 0, where=str(path))
    return Evidence.from_json(value, where=str(path))


def _owner(folder: Path) -> str | None:
    evidence, journal = folder / EVIDENCE_NAME, folder / JOURNAL_NAME
    try:
        if evidence.exists():
            return read_evidence(evidence).playbook.model
        if journal.exists():
            return read_journal(journal).header.playbook.model
    except EvidenceError as exc:
        raise EvidenceError(
            f"{folder}: holds evidence that cannot be read, so it is not overwritten; "
            f"move it away or choose another output folder ({exc})"
        ) from exc
    except OSError as exc:
        raise EvidenceError(f"{folder}: cannot be read: {exc.strerror}; choose another output folder") from exc
    return None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text).strip("-._")


def _short(value: Json) -> str:
    return repr(value)[:60]
