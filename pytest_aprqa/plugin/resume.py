"""What ``--aprqa-resume`` names: answered records of an earlier run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence import JOURNAL_NAME, Resumable, read_evidence, read_journal


def read_resumable(path: Path | None) -> Resumable:
    """Answered records of a journal, an evidence file, or a folder with a journal; nothing for None.

    Raises:
        pytest.UsageError: it cannot be read.
    """
    if path is None:
        return Resumable({})
    file = path / JOURNAL_NAME if path.is_dir() else path
    try:
        if file.suffix != ".jsonl":
            return Resumable.of(read_evidence(file).records)
        contents = read_journal(file)
        return Resumable.of((*contents.records, *contents.carried))
    except EvidenceError as problem:
        raise pytest.UsageError(f"--aprqa-resume: {problem}") from None
