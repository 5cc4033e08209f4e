"""Judges of two runs: the gpu against the cpu, and now against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_aprqa.core import Backend, Json, Verdict
from pytest_aprqa.gates.measured import Unjudgeable
from pytest_aprqa.gates.speed.claim import Claim, settle
from pytest_aprqa.gates.speed.limits import source_of
from pytest_aprqa.gates.speed.measurement import Measurement
from pytest_aprqa.gates.speed.numbers import ratio_of
from pytest_aprqa.gates.speed.plain_speed import (
    BETWEEN,
    FIRST,
    RATE,
    refuse_other_circumstances,
    refuse_other_work,
    samples_of,
    speed_of,
)
from pytest_aprqa.gates.speed.timing import Timing

_CPU = "the cpu's measurement"
_BASELINE = "the baseline"


def judge_gpu(timing: Timing) -> Verdict:
    """The gpu's rate over the cpu's, against the smallest ratio."""
    if timing.backend is not Backend.GPU:
        raise Unjudgeable("the gate is about a gpu")
    least = timing.thresholds.min_gpu_ratio
    if least <= 0:
        raise Unjudgeable("no ratio of gpu to cpu above 0 is asserted")
    cpu = timing.cpu_speed() if timing.cpu_speed is not None else None
    if cpu is None:
        raise Unjudgeable("the cpu was not measured in this run")
    slower, source = samples_of(cpu, RATE, whose=_CPU), source_of(timing.thresholds, "min_gpu_ratio")

    def claims(found: Measurement) -> list[Claim]:
        refuse_other_work(speed_of(timing, found), cpu, whose=_CPU)
        return [_claim("gpu over cpu, tokens per second", found.rates, slower, least, floor=True, source=source)]

    return settle(timing, claims)


def judge_rate_since(timing: Timing) -> Verdict:
    """The rate of decoding over the baseline's, against the largest drop."""
    then = _baseline(timing)
    least, source = 1 - timing.thresholds.max_throughput_drop, source_of(timing.thresholds, "max_throughput_drop")
    if least <= 0:
        raise Unjudgeable("a drop of throughput to nothing is allowed")
    before = samples_of(then, RATE, whose=_BASELINE)

    def claims(found: Measurement) -> list[Claim]:
        refuse_other_circumstances(speed_of(timing, found), then, whose=_BASELINE)
        return [_claim("now over baseline, tokens per second", found.rates, before, least, floor=True, source=source)]

    return settle(timing, claims, doubt=True)


def judge_latency_since(timing: Timing) -> Verdict:
    """Times to the first token, and the medians between tokens, over the baseline's, against the largest rise."""
    then = _baseline(timing)
    most, source = 1 + timing.thresholds.max_latency_rise, source_of(timing.thresholds, "max_latency_rise")
    before = {name: samples_of(then, name, whose=_BASELINE) for name in (FIRST, BETWEEN)}

    def claims(found: Measurement) -> list[Claim]:
        refuse_other_circumstances(speed_of(timing, found), then, whose=_BASELINE)
        first, between = "now over baseline, time to the first token", "now over baseline, median time between tokens"
        return [
            _claim(first, found.first_ms, before[FIRST], most, floor=False, source=source),
            _claim(between, found.medians_ms, before[BETWEEN], most, floor=False, source=source),
        ]

    return settle(timing, claims, doubt=True)


def _baseline(timing: Timing) -> Mapping[str, Json]:
    if timing.baseline is None:
        raise Unjudgeable("there is no baseline of this target")
    return timing.baseline


def _claim(
    what: str, above: Sequence[float], below: Sequence[float], limit: float, *, floor: bool, source: str
) -> Claim:
    observed = f"{len(above)} answers against {len(below)}"
    return Claim(what, ratio_of(above, below), limit, floor, "", observed, min(len(above), len(below)), source)
