"""Real engines on the embedded model: healthy ones stand; one whose model keeps its past, or loses its place, falls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert
from pytest_aprqa.core import Backend, Format, Outcome, Quantization, Target, Weights
from pytest_aprqa.engines import Engine, Instruments, Limits, instruments_of, open_engine
from pytest_aprqa.gates.check import by_gate
from pytest_aprqa.gates.state import STATE_CHECKS, Work, judge_state

if TYPE_CHECKING:
    from pytest_aprqa.engines.transformers import TransformersModel

pytest.importorskip("torch")
pytest.importorskip("transformers")

CHECKS = by_gate(STATE_CHECKS)
ON_CPU = [gate_id for gate_id in CHECKS if gate_id != "F-PAR-001"]
LIMITS = Limits(threads=1, dtype="float32")

Hook = Callable[[object, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]


def keep_the_past(share: float = 0.02) -> Hook:
    """What was computed last stays in the sums of what comes next."""
    past: list[Any] = []

    def hook(model: object, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        embed = cast("Any", model).get_input_embeddings()
        embedded_ids = embed(named.pop("input_ids"))
        if past:
            embedded_ids = embedded_ids + share * past[-1]
        past.append(embedded_ids.mean(dim=(0, 1)).detach())
        return inputs, {**named, "inputs_embeds": embedded_ids}

    return hook


def advance_twice() -> Hook:
    """A single token is given the place after its own."""

    def hook(model: object, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if named["input_ids"].shape[1] == 1 and named.get("position_ids") is not None:
            named = {**named, "position_ids": named["position_ids"] + 1}
        return inputs, named

    return hook


def forget_the_mask() -> Hook:
    """Padding is attended to as if it were text."""

    def hook(model: object, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        mask = named.get("attention_mask")
        return inputs, named if mask is None else {**named, "attention_mask": mask.new_ones(mask.shape)}

    return hook


FAULTS: Mapping[str, Callable[[], Hook]] = {
    "F-STATE-REPEAT-001": lambda: keep_the_past(1.0),
    "F-STATE-CORRUPT-001": keep_the_past,
    "F-STATE-TIMING-001": advance_twice,
    "F-STATE-BATCH-001": forget_the_mask,
}


@pytest.fixture(scope="module")
def model() -> TransformersModel:
    """The embedded model, in this process."""
    from pytest_aprqa.engines import transformers

    target = Target(embedded.MODEL, Format.SAFETENSORS, None, Backend.CPU)
    folder = embedded.folder()
    return transformers.load(target, Weights(folder, (folder / "model.safetensors",), "test"), LIMITS)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A quantized file of it in llama.cpp, in a child."""
    pytest.importorskip("xllamacpp")
    pytest.importorskip("cyllama")
    folder = tmp_path_factory.mktemp("state")
    file = convert(embedded.folder(), folder, format=Format.GGUF, quantization=Quantization.Q4_K_M).path
    target = Target(embedded.MODEL, Format.GGUF, Quantization.Q4_K_M, Backend.CPU)
    engine = open_engine(target, Weights(Path(folder), (file,), "test"), LIMITS)
    yield engine
    engine.close()


def in_process(model: TransformersModel, backend: Backend = Backend.CPU) -> Work:
    instruments = cast("Instruments", model)
    return Work(
        Format.SAFETENSORS, None, backend, lambda: cast("Engine", model), lambda: instruments, cpu=lambda: instruments
    )


@contextmanager
def planted(model: TransformersModel, hook: Hook) -> Iterator[None]:
    module: Any = model.model
    handle = module.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize("gate_id", ON_CPU)
def test_the_healthy_model_stands_in_torch(gate_id: str, model: TransformersModel) -> None:
    verdict = judge_state(CHECKS[gate_id], in_process(model), alone=True)
    assert verdict.outcome is Outcome.CORROBORATED, verdict.reason


@pytest.mark.parametrize("gate_id", ON_CPU)
def test_a_healthy_quantized_file_stands_in_llama_cpp(gate_id: str, llama: Engine) -> None:
    work = Work(Format.GGUF, Quantization.Q4_K_M, Backend.CPU, lambda: llama, lambda: instruments_of(llama))
    verdict = judge_state(CHECKS[gate_id], work, alone=True)
    assert verdict.outcome is Outcome.CORROBORATED, verdict.reason


@pytest.mark.parametrize("gate_id", FAULTS)
def test_a_planted_fault_is_caught_in_torch(gate_id: str, model: TransformersModel) -> None:
    with planted(model, FAULTS[gate_id]()):
        verdict = judge_state(CHECKS[gate_id], in_process(model), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason


def test_drawing_from_torchs_own_generator_is_caught(model: TransformersModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from pytest_aprqa.engines import transformers

    def drawing(temperature: float, seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda logits: torch.multinomial(torch.softmax(logits.float() / max(temperature, 1e-6), -1), 1)[:, 0]

    monkeypatch.setattr(transformers, "sampler", drawing)
    verdict = judge_state(CHECKS["F-RUN-005"], in_process(model), alone=True)
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason


def test_a_gpu_is_held_against_the_cpu(model: TransformersModel) -> None:
    work = in_process(model, Backend.GPU)
    assert judge_state(CHECKS["F-PAR-001"], work).outcome is Outcome.CORROBORATED
