"""Fixtures that every test folder may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Folder of real playbooks and evidence that nobody here wrote; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("APRQA_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"the corpus is not at {folder}; set APRQA_CORPUS to its folder")
    return folder
