"""The gpu against the cpu, and now against a baseline: regressions are found, other circumstances are not compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pytest_aprqa.core import Backend, Json, Outcome, Verdict
from pytest_aprqa.gates.check import by_gate
from pytest_aprqa.gates.speed import SPEED_CHECKS, Timing, judge_speed, measurement, speed_of
from tests.gates.speed.stopwatch import FACTS, NOISY, Stopwatch, a_timing, slower

CHECKS = by_gate(SPEED_CHECKS)
RATE, LATENCY, GPU = "F-PROFILE-DIFF-001", "F-PROFILE-DIFF-002", "F-PERF-003"


def speed(watch: Stopwatch | None = None, **fields: Any) -> dict[str, Json]:  # noqa: ANN401 - any field of Timing
    timing = a_timing(watch, measure=10, **fields)
    return speed_of(timing, measurement(timing))


def judge(gate_id: str, timing: Timing) -> Verdict:
    return judge_speed(CHECKS[gate_id], timing)


def since(watch: Stopwatch, baseline: Mapping[str, Json], gate_id: str = RATE, **fields: Any) -> Verdict:  # noqa: ANN401 - as above
    return judge(gate_id, a_timing(watch, measure=10, baseline=baseline, **fields))


@pytest.mark.parametrize("gate_id", [RATE, LATENCY])
def test_the_same_speed_stands_and_a_slower_engine_is_a_regression(gate_id: str) -> None:
    baseline = speed()
    assert since(Stopwatch(), baseline, gate_id).outcome is Outcome.CORROBORATED
    assert since(slower(0.5), baseline, gate_id).outcome is Outcome.CORROBORATED, "faster is no regression"
    assert since(slower(1.5), baseline, gate_id).outcome is Outcome.FALSIFIED


def test_a_first_token_that_alone_became_later_is_a_regression() -> None:
    verdict = since(Stopwatch(first_ms=80), speed(), LATENCY)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "first token" in verdict.reason
    assert "between" not in verdict.reason
    assert since(Stopwatch(first_ms=80), speed(), RATE).outcome is Outcome.CORROBORATED


def test_the_playbooks_own_limits_decide() -> None:
    watch, baseline = slower(1.5), speed()
    allowed = {"max_throughput_drop": 0.5, "max_latency_rise": 1.0}
    assert since(watch, baseline, asserts=allowed).outcome is Outcome.CORROBORATED
    assert since(watch, baseline, LATENCY, asserts=allowed).outcome is Outcome.CORROBORATED
    anything = {"max_throughput_drop": 1.0}
    assert since(watch, baseline, asserts=anything).outcome is Outcome.INCONCLUSIVE, "what cannot fail is no pass"


@pytest.mark.parametrize("gate_id", [RATE, LATENCY])
def test_noise_is_measured_once_more_and_then_left_open(gate_id: str) -> None:
    watch = Stopwatch(factors=NOISY)
    assert since(watch, speed(), gate_id, warmup=0).outcome is Outcome.INCONCLUSIVE
    assert len(watch.rows) == 2 * 10


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"model": "org/other"}, "model"),
        ({"engine": "other"}, "engine"),
        ({"threads": 64}, "threads"),
        ({"tokens": 128}, "tokens"),
        ({"quantization": "q4_0"}, "quantization"),
        ({"machine": "another cpu"}, "machine"),
        ({"prompt_tokens": 5}, "prompt_tokens"),
        ({"dtype": None}, "dtype"),
    ],
)
def test_a_baseline_of_something_else_is_not_compared(change: dict[str, Json], word: str) -> None:
    verdict = since(slower(9), speed() | change)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"{word} is" in verdict.reason


def test_another_version_of_the_engine_is_what_a_baseline_is_for() -> None:
    assert since(slower(9), speed() | {"versions": {"script": "0"}}).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize(
    "samples",
    [None, {}, {"decode_tok_per_s": []}, {"decode_tok_per_s": [1, "2"]}, {"decode_tok_per_s": [1, 0]}, [1, 2]],
)
def test_a_baseline_without_sound_samples_decides_nothing(samples: Json) -> None:
    assert since(slower(9), speed() | {"samples": samples}).outcome is Outcome.INCONCLUSIVE


def test_absurd_but_positive_samples_overflow_nothing() -> None:
    samples: Json = {"decode_tok_per_s": [1e-300, 1e300, 5.0]}
    assert since(Stopwatch(), speed() | {"samples": samples}).outcome is Outcome.INCONCLUSIVE


def test_without_a_baseline_nothing_is_compared() -> None:
    assert judge(RATE, a_timing()).outcome is Outcome.INCONCLUSIVE
    assert judge(LATENCY, a_timing()).outcome is Outcome.INCONCLUSIVE


def on_gpu(watch: Stopwatch, cpu: Mapping[str, Json] | None, **fields: Any) -> Verdict:  # noqa: ANN401 - as above
    watch = replace(watch, facts=replace(FACTS, device="cuda: a gpu", dtype="float16"))
    return judge(GPU, a_timing(watch, measure=10, backend=Backend.GPU, cpu_speed=lambda: cpu, **fields))


def test_a_gpu_that_is_slower_than_the_cpu_is_found() -> None:
    cpu = speed()
    assert on_gpu(slower(0.2), cpu).outcome is Outcome.CORROBORATED
    assert on_gpu(slower(1.5), cpu).outcome is Outcome.FALSIFIED
    assert on_gpu(slower(0.2), cpu, asserts={"min_gpu_ratio": 10.0}).outcome is Outcome.FALSIFIED


def test_without_the_cpus_speed_or_with_that_of_other_work_nothing_is_compared() -> None:
    assert on_gpu(slower(1.5), None).outcome is Outcome.INCONCLUSIVE
    assert on_gpu(slower(1.5), speed() | {"tokens": 99}).outcome is Outcome.INCONCLUSIVE
    assert judge(GPU, a_timing(backend=Backend.GPU)).outcome is Outcome.INCONCLUSIVE
    assert judge(GPU, a_timing()).outcome is Outcome.INCONCLUSIVE, "a cpu is not compared with itself"
    assert on_gpu(slower(1.5), speed(), asserts={"min_gpu_ratio": 0.0}).outcome is Outcome.INCONCLUSIVE
