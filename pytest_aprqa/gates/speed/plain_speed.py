"""Speed as plain JSON: what a record keeps under ``details.speed``, and what a later run compares itself with.

Units end the names; an end of an interval that is not known is null. Knows no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from pytest_aprqa.core import Json
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.speed.measurement import Measurement
from pytest_aprqa.gates.speed.numbers import mean_of, plain, variation
from pytest_aprqa.gates.speed.timing import Timing
from pytest_aprqa.parity import Estimate, quantile_estimate

RATE: Final = "decode_tok_per_s"
FIRST: Final = "ttft_ms"
BETWEEN: Final = "between_tokens_p50_ms"
_MOST_SAMPLES: Final = 100
"""Answers whose numbers are written down; of more, evenly spaced ones."""
_SAME_WORK: Final = ("model", "format", "quantization", "prompt_tokens", "tokens")
_SAME_PLACE: Final = ("backend", "engine", "device", "dtype", "threads", "machine")


def speed_of(timing: Timing, found: Measurement) -> dict[str, Json]:
    """Everything that was measured."""
    return {
        **_circumstances(timing, found),
        "load_ms": plain(found.facts.load_ms),
        RATE: _plain_estimate(mean_of(found.rates)),
        "rate_variation_rel": plain(variation(found.rates)),
        "prefill_tok_per_s": _plain_estimate(mean_of(found.prefill_rates)),
        FIRST: _plain_estimate(mean_of(found.first_ms)),
        BETWEEN: _plain_estimate(between(found, 0.5)),
        "between_tokens_p95_ms": _plain_estimate(between(found, 0.95)),
        "between_tokens_p99_ms": _plain_estimate(between(found, 0.99)),
        "peak_rss_bytes": found.peak_rss_bytes,
        "peak_vram_bytes": max(found.peaks_vram_bytes, default=None),
        "samples": {
            RATE: _plain_samples(found.rates),
            FIRST: _plain_samples(found.first_ms),
            BETWEEN: _plain_samples(found.medians_ms),
            "rss_bytes": [int(size) for size in _spaced(found.rss_bytes)],
        },
    }


def between(found: Measurement, share: float) -> Estimate:
    """A quantile of the times between tokens.

    The ranks of the interval's ends suppose independent times, which neighbors are not quite; and it ends at the
    largest time seen where there are too few to know better.
    """
    return quantile_estimate(np.asarray(found.between_ms, dtype=np.float64), share)


def samples_of(speed: Mapping[str, Json], name: str, *, whose: str) -> tuple[float, ...]:
    """The numbers of each answer, as somebody wrote them down.

    Raises:
        Unjudgeable: there are none, or they cannot be what was measured.
    """
    samples = speed.get("samples")
    numbers = samples.get(name) if isinstance(samples, Mapping) else None
    if not isinstance(numbers, list) or not numbers:
        raise Unjudgeable(f"{whose} has no samples.{name}")
    if not all(_is_measured(number) for number in numbers):
        raise Unjudgeable(f"{whose} has samples.{name} that are not positive numbers")
    return tuple(number for number in numbers if isinstance(number, int | float))


def refuse_other_work(now: Mapping[str, Json], then: Mapping[str, Json], *, whose: str) -> None:
    """Raises `Unjudgeable` unless both did the same, wherever they did it."""
    _refuse_differences(now, then, _SAME_WORK, whose)


def refuse_other_circumstances(now: Mapping[str, Json], then: Mapping[str, Json], *, whose: str) -> None:
    """Raises `Unjudgeable` unless both did the same in the same place; versions may differ, they are on trial."""
    _refuse_differences(now, then, (*_SAME_WORK, *_SAME_PLACE), whose)


def _refuse_differences(now: Mapping[str, Json], then: Mapping[str, Json], names: Sequence[str], whose: str) -> None:
    differences = [
        f"{name} is {_short(then.get(name))} there and {_short(now[name])} here"
        for name in names
        if now[name] != "" and then.get(name) != "" and then.get(name) != now[name]
    ]
    if differences:
        raise Unjudgeable(f"{whose} is of something else: {'; '.join(differences)}")


def _circumstances(timing: Timing, found: Measurement) -> dict[str, Json]:
    facts = found.facts
    return {
        "model": timing.model,
        "format": str(timing.format),
        "quantization": None if timing.quantization is None else str(timing.quantization),
        "backend": str(timing.backend),
        "engine": facts.name,
        "versions": dict(facts.versions),
        "device": facts.device,
        "dtype": facts.dtype,
        "threads": facts.threads,
        "machine": timing.machine,
        "prompt_tokens": found.paces[0].prompt_tokens,
        "tokens": timing.tokens,
        "warmup": timing.warmup,
        "answers": len(found.paces),
        "measurements": found.rounds,
    }


def _plain_estimate(estimate: Estimate) -> dict[str, Json]:
    return {"value": plain(estimate.value), "low": plain(estimate.low), "high": plain(estimate.high)}


def _plain_samples(samples: Sequence[float]) -> list[Json]:
    return [plain(sample) for sample in _spaced(samples)]


def _spaced(samples: Sequence[float]) -> Sequence[float]:
    return samples[:: -(-len(samples) // _MOST_SAMPLES)]


def _is_measured(number: Json) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number) and number > 0


def _short(value: Json | None) -> str:
    return repr(value)[:60]
