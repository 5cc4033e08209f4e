"""Thresholds: the playbook's word before the defaults, and who said it."""

from __future__ import annotations

import pytest

from pytest_aprqa.core import Backend, Format
from pytest_aprqa.gates.speed import default_thresholds, thresholds_of
from pytest_aprqa.playbook.blocks import ProfileAssertions

CPU, GPU = Backend.CPU, Backend.GPU


@pytest.mark.parametrize(
    ("format", "backend", "floor", "ttft"),
    [
        (Format.GGUF, CPU, 5.0, 2000.0),
        (Format.APR, GPU, 50.0, 500.0),
        (Format.SAFETENSORS, CPU, None, 2000.0),
        (Format.SAFETENSORS, GPU, None, 500.0),
    ],
)
def test_defaults_are_those_of_the_reference(
    format: Format, backend: Backend, floor: float | None, ttft: float
) -> None:
    found = default_thresholds(format, backend)
    assert (found.min_throughput, found.max_ttft_ms) == (floor, ttft)
    assert found == thresholds_of(None, format, backend) == thresholds_of(ProfileAssertions(), format, backend)
    assert all("default" in source for source in found.sources.values())


def test_the_backends_own_floor_comes_before_the_general_one_and_that_before_the_default() -> None:
    both = ProfileAssertions(min_throughput=7, min_throughput_gpu=70)
    assert thresholds_of(both, Format.GGUF, GPU).min_throughput == 70
    assert thresholds_of(both, Format.GGUF, CPU).min_throughput == 7
    assert thresholds_of(both, Format.SAFETENSORS, CPU).min_throughput == 7
    assert thresholds_of(ProfileAssertions(min_throughput_gpu=70), Format.GGUF, CPU).min_throughput == 5


def test_a_floor_of_nothing_replaces_the_default() -> None:
    assert thresholds_of(ProfileAssertions(min_throughput_gpu=0), Format.GGUF, GPU).min_throughput == 0


def test_everything_else_a_playbook_asserts_comes_through_with_its_source() -> None:
    stated = ProfileAssertions(
        max_p50_ms=1,
        max_p99_ms=2,
        max_ttft_ms=3,
        max_load_ms=4,
        max_memory_mb=5,
        min_gpu_ratio=6,
        max_throughput_drop=0.7,
        max_latency_rise=8,
    )
    found = thresholds_of(stated, Format.GGUF, CPU)
    assert (found.max_p50_ms, found.max_p99_ms, found.max_ttft_ms, found.max_load_ms) == (1, 2, 3, 4)
    assert (found.max_memory_bytes, found.min_gpu_ratio) == (5 << 20, 6)
    assert (found.max_throughput_drop, found.max_latency_rise) == (0.7, 8)
    assert found.sources["max_ttft_ms"] == found.sources["min_gpu_ratio"] == "the playbook"
    assert "default" in found.sources["min_throughput"]
