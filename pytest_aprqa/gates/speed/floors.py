"""Where thresholds come from: the playbook, else the floors and ceilings that every target must keep to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_aprqa.core import Backend, Format
from pytest_aprqa.gates.speed.timing import Thresholds
from pytest_aprqa.playbook.blocks import ProfileAssertions

_MIB: Final = 1 << 20
_PLAYBOOK: Final = "the playbook"
_FLOORS_TOK_PER_S: Final = {Backend.CPU: 5.0, Backend.GPU: 50.0}
"""Of the reference's six-column profile, for what was converted; the ground truth has none."""
_CEILINGS_TTFT_MS: Final = {Backend.CPU: 2000.0, Backend.GPU: 500.0}
"""Of the reference's playbook template, for every format."""


def default_thresholds(format: Format, backend: Backend) -> Thresholds:
    """What a target must keep to where nobody says anything."""
    sources = {"max_ttft_ms": f"default for a {backend}"}
    if format is Format.SAFETENSORS:
        return Thresholds(max_ttft_ms=_CEILINGS_TTFT_MS[backend], sources=sources)
    return Thresholds(
        min_throughput=_FLOORS_TOK_PER_S[backend],
        max_ttft_ms=_CEILINGS_TTFT_MS[backend],
        sources={**sources, "min_throughput": f"default for {format} on a {backend}"},
    )


def thresholds_of(assertions: ProfileAssertions | None, format: Format, backend: Backend) -> Thresholds:
    """What a playbook asserts of a target, over the defaults; a floor of 0 asserts that there is none."""
    stated = {} if assertions is None else _stated(assertions, backend)
    defaults = default_thresholds(format, backend)
    merged: dict[str, Any] = {
        "min_throughput": defaults.min_throughput,
        "max_ttft_ms": defaults.max_ttft_ms,
        **stated,
    }
    return Thresholds(**merged, sources={**defaults.sources, **dict.fromkeys(stated, _PLAYBOOK)})


def _stated(assertions: ProfileAssertions, backend: Backend) -> Mapping[str, float | int]:
    """The playbook's thresholds by the names of `Thresholds`; not those that it leaves out."""
    own = assertions.min_throughput_cpu if backend is Backend.CPU else assertions.min_throughput_gpu
    memory_mb = assertions.max_memory_mb
    values: dict[str, float | int | None] = {
        "min_throughput": assertions.min_throughput if own is None else own,
        "max_memory_bytes": None if memory_mb is None else round(memory_mb * _MIB),
    }
    # Those that have a default of their own are the playbook's only where it writes them down.
    names = assertions.model_fields_set & {
        "max_p50_ms",
        "max_p99_ms",
        "max_ttft_ms",
        "max_load_ms",
        "min_gpu_ratio",
        "max_throughput_drop",
        "max_latency_rise",
    }
    values.update({name: getattr(assertions, name) for name in sorted(names)})
    return {name: value for name, value in values.items() if value is not None}
