"""What the gates on speed are judged on: a clock, thresholds, and what was measured before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_aprqa.core import Backend, Format, Json, Quantization, Verdict
from pytest_aprqa.engines import Engine, Instruments


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a playbook asserts; None asserts nothing."""

    min_throughput: float | None = None
    """Tokens per second."""
    max_p50_ms: float | None = None
    max_p99_ms: float | None = None
    max_ttft_ms: float | None = None
    max_load_ms: float | None = None
    max_memory_bytes: int | None = None
    min_gpu_ratio: float = 1.0
    max_throughput_drop: float = 0.05
    max_latency_rise: float = 0.10
    sources: Mapping[str, str] = field(default_factory=dict)
    """Name of a threshold to where it comes from, such as ``playbook`` or ``default floor of gguf on a cpu``."""


@dataclass(slots=True)
class Timing:
    """One target's engine under a clock."""

    format: Format
    quantization: Quantization | None
    backend: Backend
    engine: Callable[[], Engine]
    instruments: Callable[[], Instruments]
    thresholds: Thresholds = field(default_factory=Thresholds)
    prompt: str = "What is 2+2?"
    tokens: int = 32
    """Tokens of each answer."""
    warmup: int = 3
    """Answers before the clock counts."""
    measure: int = 10
    """Answers that are measured."""
    baseline: Mapping[str, Json] | None = None
    """What an earlier run's record says of this target under ``details.speed``; None when there is none."""
    cpu_speed: Callable[[], Mapping[str, Json] | None] | None = None
    """For a gpu target, the same of the cpu target of this run."""
    model: str = ""
    """``org/name``; a baseline of another model is not compared. Empty: not known, and not held against one."""
    machine: str = ""
    """Processor and accelerator; a baseline of another machine is not compared. Empty as for `model`."""
    memory: dict[str, object] = field(default_factory=dict, repr=False)
    verdicts: dict[str, Verdict] = field(default_factory=dict, repr=False)
