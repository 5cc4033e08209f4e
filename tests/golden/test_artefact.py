from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.golden import GoldenCorpus
from pytest_aprqa.golden.artefact import artefact_of
from tests.bootstrap.samples import gguf_file


@pytest.mark.parametrize(("file_type", "word"), [(15, "q4_k_m"), (9, "q5_1"), (14, "f16"), (None, "f16")])
def test_the_word_is_the_file_s_own_where_that_has_limits_else_that_of_most_values(
    corpus: GoldenCorpus, tmp_path: Path, file_type: int | None, word: str
) -> None:
    file = gguf_file(tmp_path / "some.gguf", file_type=file_type)
    assert artefact_of(file, corpus).word == word
