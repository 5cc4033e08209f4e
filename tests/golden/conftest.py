from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.golden import GoldenCorpus, record
from tests.golden.talker import PROMPTS, PROVENANCE, Talker, facts


@pytest.fixture
def corpus(tmp_path: Path) -> GoldenCorpus:
    """A recorded corpus of three prompts, in a folder of its own."""
    return record(Talker(), facts(), PROVENANCE, PROMPTS, tmp_path / "talker" / "1")


@pytest.fixture
def folder(corpus: GoldenCorpus) -> Path:
    """That corpus' folder."""
    assert corpus.folder is not None
    return corpus.folder
