from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Format, Quantization
from tests.gates.comparison.pairs import make


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Conversions of the tiny model, by a word; not to be changed."""
    home = tmp_path_factory.mktemp("healthy")
    wanted = {
        "f32": (Format.GGUF, Quantization.F32),
        "q8_0": (Format.GGUF, Quantization.Q8_0),
        "q4_k_m": (Format.GGUF, Quantization.Q4_K_M),
        "apr": (Format.APR, None),
    }
    return {word: make(home / word, *what) for word, what in wanted.items()}
