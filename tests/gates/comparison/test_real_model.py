"""A real model: a GGUF that somebody else made against its dequantized weights, and one of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pytest_aprqa.conversion import convert, open_model
from pytest_aprqa.core import Backend, Format, Outcome, Quantization, Target, Weights
from pytest_aprqa.engines import Limits, SupervisedEngine, open_engine
from pytest_aprqa.gates import Options, Pair, judge_gate
from pytest_aprqa.weights import SMOLLM2, SMOLLM2_GGUF

pytestmark = pytest.mark.real_model

GATES = (
    "F-META-ROPE-001",
    "F-CONTRACT-I2-001",
    "F-LAYOUT-002",
    "F-QUANT-ERROR-001",
    "F-TOKEN-IDS-001",
    "F-LOGIT-NMSE-001",
)
PROMPTS = ("The capital of France is", "def reverse_string(s):", "Once upon a time")
TOKENS = 24


@pytest.fixture(scope="module")
def cache() -> Path:
    """The model cache, where it holds the real model."""
    cache = Path(os.environ.get("APRQA_MODEL_CACHE", "models"))
    if not (cache / SMOLLM2).is_dir() or not (cache / SMOLLM2_GGUF).is_file():
        pytest.skip("apr-qa fetch smollm2-135m --model-cache DIR makes the real model, APRQA_MODEL_CACHE names DIR")
    pytest.importorskip("torch")
    pytest.importorskip("xllamacpp")
    pytest.importorskip("cyllama")
    return cache


@pytest.fixture(scope="module")
def truth(cache: Path) -> Iterator[SupervisedEngine]:
    """The ground truth, loaded."""
    with closing(opened(Format.SAFETENSORS, cache / SMOLLM2 / "model.safetensors")) as engine:
        yield engine


def opened(format: Format, file: Path) -> SupervisedEngine:
    """An engine with a file in it."""
    weights = Weights(file.parent, (file,), "test")
    engine = open_engine(Target(SMOLLM2, format, None, Backend.CPU), weights, Limits(threads=2))
    assert isinstance(engine, SupervisedEngine)
    return engine


def test_somebody_elses_q4_1_file_is_its_own_dequantized_weights(
    cache: Path, truth: SupervisedEngine, tmp_path: Path
) -> None:
    with closing(opened(Format.GGUF, cache / SMOLLM2_GGUF)) as artefact:
        pair = Pair(
            open_model(cache / SMOLLM2),
            cache / SMOLLM2_GGUF,
            Format.GGUF,
            None,
            tmp_path,
            lambda: truth,
            lambda: artefact,
            options=Options(positions=64, long_tokens=0),
        )
        outcomes = {gate: judge_gate(gate, pair).outcome for gate in GATES}
    assert outcomes == dict.fromkeys(GATES, Outcome.CORROBORATED)


def test_a_gguf_of_ours_gives_the_greedy_text_of_the_original(
    cache: Path, truth: SupervisedEngine, tmp_path: Path
) -> None:
    made = convert(cache / SMOLLM2, tmp_path / "made", format=Format.GGUF, quantization=Quantization.F16)
    rows = truth.encode(PROMPTS, special=True)
    expected = truth.greedy(rows, max_tokens=TOKENS)
    with closing(opened(Format.GGUF, made.path)) as engine:
        assert engine.encode(PROMPTS, special=True) == rows
        assert engine.greedy(rows, max_tokens=TOKENS) == expected
        assert engine.decode(expected) == truth.decode(expected)
