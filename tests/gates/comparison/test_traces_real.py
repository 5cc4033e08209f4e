"""Poisoned copies of the embedded model, run by real engines: each gate names the module that was poisoned."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert, open_model
from pytest_aprqa.core import Backend, Format, Outcome, Quantization, Target, Weights
from pytest_aprqa.engines import Instruments, Limits
from pytest_aprqa.gates import EnginePool, Pair, judge_gate
from tests.gates.comparison.pairs import OPTIONS

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

LIMITS = Limits(threads=1, dtype="float32")
LAYER = "model.layers.1."

Poison = Callable[[dict[str, Any]], None]


def one_nan(tensors: dict[str, Any]) -> None:
    tensors[f"{LAYER}mlp.down_proj.weight"][3, 5] = float("nan")


def one_infinity(tensors: dict[str, Any]) -> None:
    tensors[f"{LAYER}self_attn.o_proj.weight"][3, 5] = float("inf")


def norm_times_10000(tensors: dict[str, Any]) -> None:
    tensors[f"{LAYER}input_layernorm.weight"] *= 1e4


def no_attention(tensors: dict[str, Any]) -> None:
    tensors[f"{LAYER}self_attn.o_proj.weight"][:] = 0


def half_an_mlp(tensors: dict[str, Any]) -> None:
    tensors[f"{LAYER}mlp.down_proj.weight"] *= 0.1


def head_of_noise(tensors: dict[str, Any]) -> None:
    norm = tensors["model.norm.weight"]
    norm.copy_(torch.where(torch.arange(len(norm)) == 0, 50.0, 0.0))


CASES: dict[str, tuple[Poison, str, str]] = {
    "nan": (one_nan, "F-TRACE-PAYLOAD-001", "mlp"),
    "infinity": (one_infinity, "F-TRACE-PAYLOAD-001", "self_attn"),
    "exploding norm": (norm_times_10000, "F-TRACE-006", "input_layernorm"),
    "dead attention": (no_attention, "F-TRACE-DEAD-001", "self_attn"),
    "faint mlp": (half_an_mlp, "F-TRACE-PAYLOAD-003", "mlp"),
    "garbage": (head_of_noise, "F-TRACE-PAYLOAD-002", ""),
}
IN_LLAMA_CPP = {"mlp": "ffn_out-1", "self_attn": "attn_out-1", "input_layernorm": "attn_norm-1"}


@pytest.fixture(scope="module")
def ground_truth() -> Instruments:
    return in_process(embedded.folder())


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    with EnginePool(LIMITS) as pool:
        yield pool


def in_process(folder: Path) -> Instruments:
    from pytest_aprqa.engines import transformers

    target = Target(embedded.MODEL, Format.SAFETENSORS, None, Backend.CPU)
    model = transformers.load(target, Weights(folder, (folder / "model.safetensors",), "test"), LIMITS)
    return cast("Instruments", model)


def poisoned(poison: Poison, into: Path) -> Path:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(embedded.folder(), into))
    tensors = load_file(folder / "model.safetensors")
    poison(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[1] != "F-TRACE-PAYLOAD-003"])
def test_a_poisoned_folder_is_refuted_at_its_module(name: str, tmp_path: Path) -> None:
    poison, gate_id, module = CASES[name]
    folder = poisoned(poison, tmp_path / "model")
    model = in_process(folder)
    pair = Pair(
        open_model(folder),
        folder,
        Format.SAFETENSORS,
        None,
        tmp_path,
        reference_instruments=lambda: model,
        options=OPTIONS,
    )
    verdict = judge_gate(gate_id, pair, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    if module:
        assert verdict.details["first_module"] == LAYER + module


@pytest.mark.parametrize("name", CASES)
def test_a_poisoned_gguf_is_refuted_at_its_module(
    name: str, tmp_path: Path, ground_truth: Instruments, pool: EnginePool
) -> None:
    pytest.importorskip("xllamacpp")
    pytest.importorskip("cyllama")
    poison, gate_id, module = CASES[name]
    folder = poisoned(poison, tmp_path / "model")
    path = convert(folder, tmp_path / "made", format=Format.GGUF, quantization=Quantization.F32).path
    pair = Pair(
        open_model(embedded.folder()),
        path,
        Format.GGUF,
        Quantization.F32,
        tmp_path / "scratch",
        reference_instruments=lambda: ground_truth,
        artefact_instruments=lambda: pool.instruments(path, Format.GGUF),
        traced=in_process,
        options=OPTIONS,
    )
    verdict = judge_gate(gate_id, pair, alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason
    if module:
        named = IN_LLAMA_CPP[module] if "own engine" in str(verdict.details["traced"]) else LAYER + module
        assert verdict.details["first_module"] == named
