from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_aprqa.certification.estimate import Estimate, Work, estimate
from pytest_aprqa.core import Backend, Format, Quantization, Target
from pytest_aprqa.gates import Kind

CPU = Target("a/b", Format.SAFETENSORS, None, Backend.CPU)
GGUF = Target("a/b", Format.GGUF, Quantization.Q4_K_M, Backend.CPU)
WORK = Work(CPU, requests=50, tokens=1600, checks={})


def made(*work: Work, parameters: float = 1e9, workers: int = 1, cores: int = 2) -> Estimate:
    estimated = estimate(work, parameters, workers=workers, cores=cores)
    assert estimated is not None
    return estimated


def test_nothing_to_do_has_no_estimate() -> None:
    assert estimate([], 1e9, workers=1, cores=2) is None


def test_a_measured_run_is_met_within_a_factor_of_three() -> None:
    """SmolLM2-135M at mvp with two workers on two cores: 2,240 s; 994 records."""
    kinds = {
        Kind.CONTRACT: 78, Kind.PARITY: 73, Kind.CONVERSION: 24, Kind.STATE: 20, Kind.PROFILE: 15, Kind.SERVER: 180,
    }  # fmt: skip
    targets = [CPU, replace(CPU, format=Format.APR), replace(GGUF, quantization=Quantization.Q8_0), GGUF]
    work = [Work(target, 30, 30 * 64, {kind: round(count / 4) for kind, count in kinds.items()}) for target in targets]
    assert 2240 / 3 < made(*work, parameters=134.5e6, workers=2).seconds < 2240 * 3


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (replace(WORK, tokens=16_000), "tokens"),
        (replace(WORK, checks={Kind.PARITY: 5}), "checks"),
    ],
)
def test_more_work_takes_longer(more: Work, why: str) -> None:
    assert made(more).seconds > made(WORK).seconds, why


def test_size_bits_and_device_count() -> None:
    assert made(WORK, parameters=7e9).seconds > 5 * made(WORK).seconds
    assert made(replace(WORK, target=GGUF)).memory_bytes < made(WORK).memory_bytes
    assert made(replace(WORK, target=replace(CPU, backend=Backend.GPU))).seconds < made(WORK).seconds
    assert made(WORK, cores=64).seconds == pytest.approx(made(WORK).seconds / 4)


def test_workers_save_time_and_cost_memory() -> None:
    both = (WORK, replace(WORK, target=GGUF))
    one, two = made(*both), made(*both, workers=2)
    assert made(WORK).seconds <= two.seconds < one.seconds
    assert two.memory_bytes > one.memory_bytes
    assert made(*both, workers=8) == two
