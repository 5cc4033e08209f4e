"""How long a run may take and how much memory it needs, before it is run: a simple model, and an estimate. Pure.

Decoding is bound by memory: a token of one sequence costs one reading of the weights, and requests computed together
share it. A check costs a fixed time and a time for each gigabyte of the model. The constants were measured with models
of 2 and 135 million parameters on two cores of a shared server; expect a factor of three in either direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_aprqa.core import Backend, Format, Quantization, Target
from pytest_aprqa.gates import Kind

_F32_BITS: Final = 32.0
_BITS: Final[Mapping[Quantization, float]] = {
    Quantization.F32: 32.0,
    Quantization.F16: 16.0,
    Quantization.BF16: 16.0,
    Quantization.Q8_0: 8.5,
    Quantization.Q6_K: 6.6,
    Quantization.Q5_K_M: 5.7,
    Quantization.Q5_0: 5.5,
    Quantization.Q4_K_M: 4.9,
    Quantization.Q4_0: 4.5,
    Quantization.Q3_K_M: 3.9,
    Quantization.Q2_K: 3.4,
}
"""Bits of a weight on average, as llama.cpp's quantizer states them."""
_BANDWIDTH: Final = {Backend.CPU: 9e9, Backend.GPU: 4e11}
"""Bytes of weights that are read in a second while one sequence is decoded."""
_TOKEN_S: Final = 0.004
"""Least time of a token, whatever the size."""
_TOGETHER: Final = {Format.SAFETENSORS: 7.0, Format.APR: 7.0, Format.GGUF: 2.3}
"""How much faster requests are that are computed together (16 in torch, 8 in llama.cpp)."""
_ANSWERED: Final = 0.5
"""Part of the token limit that an answer uses."""
_START_S: Final = 5.0
"""Time until an engine's libraries are loaded."""
_LOAD_BYTES_PER_S: Final = 5e8
_CHECK_S: Final = 0.4
_CHECK_S_PER_GB: Final[Mapping[Kind, float]] = {
    Kind.CONTRACT: 2.0,
    Kind.PARITY: 15.0,
    Kind.CONVERSION: 40.0,
    Kind.STATE: 25.0,
    Kind.PROFILE: 40.0,
    Kind.SERVER: 15.0,
}
"""Time of one check for each gigabyte of the model in float32."""
_MEASURED_CORES: Final = 2
_LEAST_SCALE: Final = 0.25
"""More than eight cores make little faster: what is bound by memory stays so."""
_RUNTIME_BYTES: Final = int(1.5e9)
"""An engine without a model, and pytest."""
_ROOM: Final = 1.3
"""Memory over the weights: caches, activations."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a playbook asks of one target."""

    target: Target
    requests: int
    tokens: int
    """Sum of the requests' token limits."""
    checks: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate, good to a factor of three."""

    seconds: float
    memory_bytes: int


def estimate(work: Iterable[Work], parameters: float, *, workers: int, cores: int) -> Estimate | None:
    """Time and memory of a run; None where nothing is asked.

    Args:
        work: what is asked, target by target.
        parameters: number of weights.
        workers: processes that test targets at the same time.
        cores: of this machine.
    """
    wanted = tuple(work)
    if not wanted:
        return None
    scale = max(_LEAST_SCALE, min(1.0, _MEASURED_CORES / cores))
    seconds = [_seconds(one, parameters) * scale for one in wanted]
    busy = min(workers, len(wanted))
    # Workers share the cores, so that only the longest target's time and the starts can be saved.
    shared = max(*seconds, sum(seconds) / (1 + 0.5 * (busy - 1)))
    largest = sorted((_weights_bytes(one.target, parameters) for one in wanted), reverse=True)[:busy]
    truth = parameters * _F32_BITS / 8
    return Estimate(shared, int(sum(largest) * _ROOM + truth + _RUNTIME_BYTES * busy))


def _seconds(work: Work, parameters: float) -> float:
    size = _weights_bytes(work.target, parameters)
    gigabytes = parameters * _F32_BITS / 8 / 1e9
    token = max(_TOKEN_S, size / _BANDWIDTH[work.target.backend]) / _TOGETHER[work.target.format]
    checks = sum(count * (_CHECK_S + _CHECK_S_PER_GB[kind] * gigabytes) for kind, count in work.checks.items())
    return _START_S + size / _LOAD_BYTES_PER_S + work.tokens * _ANSWERED * token + checks


def _weights_bytes(target: Target, parameters: float) -> float:
    """Bytes that the engine holds; float32 on the cpu and two bytes on the gpu where the format does not say."""
    if target.format is Format.GGUF:
        bits = _BITS[target.quantization] if target.quantization else _BITS[Quantization.Q8_0]
    else:
        bits = _F32_BITS if target.backend is Backend.CPU else _F32_BITS / 2
    return parameters * bits / 8
