"""Healthy conversions of the tiny model, asked of real engines: no gate raises an alarm; a defect is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Backend, Format, Outcome, Quantization, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.gates import EnginePool, Pair, diagnose_pair, judge_gate
from pytest_aprqa.parity import Family
from tests.defects.edits import edited_json
from tests.gates.comparison.pairs import outcomes, pair_of

if TYPE_CHECKING:
    from pytest_aprqa.engines import Instruments

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("xllamacpp")
pytest.importorskip("cyllama")

LIMITS = Limits(threads=1, dtype="float32")


@pytest.fixture(scope="module")
def ground_truth() -> Instruments:
    """In this process, where a module's tests can share it."""
    return in_process(embedded.folder())


def in_process(folder: Path) -> Instruments:
    from pytest_aprqa.engines import transformers

    target = Target(embedded.MODEL, Format.SAFETENSORS, None, Backend.CPU)
    weights = Weights(folder, (folder / "model.safetensors",), "test")
    return cast("Instruments", transformers.load(target, weights, LIMITS))


@pytest.fixture
def pool() -> Iterator[EnginePool]:
    with EnginePool(LIMITS) as pool:
        yield pool


def real_pair(path: Path, scratch: Path, ours: Instruments, pool: EnginePool, word: str) -> Pair:
    pair = pair_of(path, scratch, quantization=Quantization(word))
    pair.reference_instruments = lambda: ours
    pair.artefact_instruments = lambda: pool.instruments(path, Format.GGUF)
    pair.traced = in_process
    pair.options = replace(pair.options, positions=2048)
    return pair


@pytest.mark.parametrize("word", ["f32", "q8_0", "q4_k_m"])
def test_a_healthy_gguf_raises_no_alarm(
    word: str, healthy: dict[str, Path], tmp_path: Path, ground_truth: Instruments, pool: EnginePool
) -> None:
    pair = real_pair(healthy[word], tmp_path, ground_truth, pool, word)
    found = outcomes(pair)
    assert {gate_id: pair.verdicts[gate_id].reason for gate_id, it in found.items() if not it.passed} == {}
    assert diagnose_pair(pair) == ()


def test_swapped_tokens_are_refuted_by_llama_cpp_and_named(
    tmp_path: Path, ground_truth: Instruments, pool: EnginePool
) -> None:
    source = Path(shutil.copytree(embedded.folder(), tmp_path / "source"))
    with edited_json(source / "tokenizer.json") as tokenizer:
        vocabulary = tokenizer["model"]["vocab"]
        vocabulary["a"], vocabulary["e"] = vocabulary["e"], vocabulary["a"]
    path = convert(source, tmp_path / "made", format=Format.GGUF, quantization=Quantization.F32).path
    pair = real_pair(path, tmp_path / "scratch", ground_truth, pool, "f32")
    verdict = judge_gate("F-TOKEN-IDS-001", pair)
    assert verdict.outcome is Outcome.FALSIFIED
    cause = verdict.details["probable_cause"]
    assert isinstance(cause, dict)
    assert cause["family"] == Family.TOKENIZER_VOCABULARY
    assert "; probably: " in verdict.reason
    assert judge_gate("F-LOGIT-NMSE-001", pair).outcome is Outcome.CORROBORATED
