"""Thresholds of one run: each holds a good engine and refuses one with a planted fault."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_aprqa.core import AprqaError, Backend, EngineCrashed, EngineUnavailable, Format, Outcome, Verdict
from pytest_aprqa.gates.check import by_gate
from pytest_aprqa.gates.speed import SPEED_CHECKS, Timing, asserted, judge_speed
from pytest_aprqa.gates.speed.limits import judge_control
from tests.gates.speed.stopwatch import FACTS, MIB, NOISY, Stopwatch, a_timing, slower

CHECKS = by_gate(SPEED_CHECKS)


def judge(gate_id: str, timing: Timing) -> Verdict:
    return judge_speed(CHECKS[gate_id], timing)


def always(outcome: Outcome) -> Callable[[Timing], Verdict]:
    return lambda _timing: Verdict(outcome, "whatever", 1)


LIMITS = [
    ("F-PROFILE-CI-001", {"min_throughput": 50.0}, slower(4)),
    ("F-PROFILE-CI-002", {"max_p99_ms": 20.0}, slower(4)),
    ("F-PROFILE-CI-003", {"max_p50_ms": 20.0}, slower(4)),
    ("F-PERF-002", {"max_ttft_ms": 100.0}, slower(4)),
    ("F-PERF-005", {"max_memory_bytes": 600 * MIB}, Stopwatch(rss_bytes=lambda _: 700 * MIB)),
    ("F-PERF-007", {"max_load_ms": 1000.0}, Stopwatch(facts=replace(FACTS, load_ms=1500.0))),
]


@pytest.mark.parametrize(("gate_id", "asserts", "faulty"), LIMITS)
def test_a_limit_holds_a_good_engine_and_refuses_a_faulty_one(
    gate_id: str, asserts: dict[str, float], faulty: Stopwatch
) -> None:
    good, bad = a_timing(asserts=asserts), a_timing(faulty, asserts=asserts)
    assert judge(gate_id, good).outcome is Outcome.CORROBORATED
    assert judge(gate_id, bad).outcome is Outcome.FALSIFIED
    assert gate_id in asserted(good.thresholds)


@pytest.mark.parametrize(("gate_id", "asserts", "faulty"), LIMITS)
def test_without_an_asserted_limit_nothing_is_judged(
    gate_id: str, asserts: dict[str, float], faulty: Stopwatch
) -> None:
    timing = a_timing(faulty)
    verdict = judge(gate_id, timing)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "is asserted" in verdict.reason
    assert gate_id not in asserted(timing.thresholds)


def test_a_floor_of_nothing_asserts_nothing() -> None:
    timing = a_timing(asserts={"min_throughput": 0.0})
    assert judge("F-PROFILE-CI-001", timing).outcome is Outcome.INCONCLUSIVE
    assert "F-PROFILE-CI-001" not in asserted(timing.thresholds)


def test_one_measurement_serves_every_gate() -> None:
    watch = Stopwatch()
    timing = a_timing(watch, measure=8, asserts={"min_throughput": 50.0, "max_ttft_ms": 100.0, "max_p99_ms": 20.0})
    for check in SPEED_CHECKS:
        judge_speed(check, timing)
    assert len(watch.rows) == 1 + 8, "warm-up and answers, once"


def test_a_floor_inside_the_interval_is_measured_twice_and_then_left_open() -> None:
    watch = Stopwatch(factors=NOISY)
    timing = a_timing(watch, warmup=0, asserts={"min_throughput": 100.0})
    verdict = judge("F-PROFILE-CI-001", timing)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "measured twice" in verdict.reason
    assert len(watch.rows) == 2 * 5
    assert judge("F-PERF-002", replace(timing, thresholds=replace(timing.thresholds, max_ttft_ms=50.0))).outcome is (
        Outcome.INCONCLUSIVE
    )
    assert len(watch.rows) == 2 * 5, "the second measurement is shared too"


def test_a_second_measurement_can_settle_what_the_first_left_open() -> None:
    watch = Stopwatch(factors=(0.5, 0.75), token_ms=10)
    timing = a_timing(watch, warmup=0, measure=2, asserts={"min_throughput": 100.0})
    verdict = judge("F-PROFILE-CI-001", timing)
    assert (verdict.outcome, verdict.compared, len(watch.rows)) == (Outcome.CORROBORATED, 4, 4)
    speed = verdict.details["speed"]
    assert isinstance(speed, dict)
    assert (speed["answers"], speed["measurements"]) == (4, 2)


def test_a_single_answer_has_no_interval_and_is_measured_again() -> None:
    watch = Stopwatch()
    verdict = judge("F-PROFILE-CI-001", a_timing(watch, warmup=0, measure=1, asserts={"min_throughput": 5.0}))
    assert (verdict.outcome, len(watch.rows)) == (Outcome.CORROBORATED, 2)


def test_a_fast_first_answer_among_slow_ones_is_not_a_fast_engine() -> None:
    watch = Stopwatch(token_ms=100, factors=(0.01, 1, 1, 1, 1))
    verdict = judge("F-PROFILE-CI-001", a_timing(watch, warmup=0, asserts={"min_throughput": 50.0}))
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_the_impossible_floor_is_refused_and_a_judge_that_accepts_it_is_found_out() -> None:
    control = judge("F-PROFILE-007", a_timing())
    assert control.outcome is Outcome.CORROBORATED
    for outcome in (Outcome.CORROBORATED, Outcome.INCONCLUSIVE):
        assert judge_control(always(outcome))(a_timing()).outcome is Outcome.FALSIFIED


def test_where_the_control_fails_no_threshold_is_held() -> None:
    impossible = Stopwatch(token_ms=1e-6)
    timing = a_timing(impossible, asserts={"min_throughput": 5.0})
    assert judge("F-PROFILE-CI-001", timing).details == {"not_checked": "F-PROFILE-007"}
    assert judge("F-PROFILE-007", timing).outcome is Outcome.FALSIFIED


def test_the_control_leaves_the_playbooks_own_floor_alone() -> None:
    timing = a_timing(asserts={"min_throughput": 50.0})
    judge("F-PROFILE-007", timing)
    assert timing.thresholds.min_throughput == 50.0
    assert judge("F-PROFILE-CI-001", timing).outcome is Outcome.CORROBORATED


def test_memory_of_a_gpu_is_the_devices() -> None:
    asserts = {"max_memory_bytes": 600 * MIB}
    fits = Stopwatch(rss_bytes=lambda _: 900 * MIB, vram_bytes=lambda _: 500 * MIB)
    large = Stopwatch(vram_bytes=lambda _: 700 * MIB)
    for watch, outcome in (
        (fits, Outcome.CORROBORATED),
        (large, Outcome.FALSIFIED),
        (Stopwatch(), Outcome.INCONCLUSIVE),
    ):
        assert judge("F-PERF-005", a_timing(watch, backend=Backend.GPU, asserts=asserts)).outcome is outcome


@pytest.mark.parametrize(
    ("watch", "outcome"),
    [
        pytest.param(Stopwatch(), Outcome.CORROBORATED, id="steady"),
        pytest.param(Stopwatch(rss_bytes=lambda n: (500 + 20 * n) * MIB), Outcome.FALSIFIED, id="leak"),
        pytest.param(Stopwatch(rss_bytes=lambda n: (500 + n) * MIB), Outcome.CORROBORATED, id="little"),
        pytest.param(
            Stopwatch(rss_bytes=lambda n: (900 if n == 4 else 500) * MIB), Outcome.CORROBORATED, id="one outlier"
        ),
        pytest.param(
            Stopwatch(rss_bytes=lambda n: (900 if n >= 8 else 500) * MIB), Outcome.CORROBORATED, id="outlier at the end"
        ),
        pytest.param(
            Stopwatch(rss_bytes=lambda n: (900 if n >= 4 else 500) * MIB), Outcome.CORROBORATED, id="taken once"
        ),
        pytest.param(Stopwatch(vram_bytes=lambda n: (500 + 20 * n) * MIB), Outcome.FALSIFIED, id="leak of the device"),
        pytest.param(Stopwatch(rss_bytes=lambda _: 0), Outcome.INCONCLUSIVE, id="not told"),
    ],
)
@pytest.mark.parametrize("measure", [2, 8])
def test_memory_that_keeps_growing_is_a_leak(watch: Stopwatch, outcome: Outcome, measure: int) -> None:
    watch = replace(watch, rows=[])
    assert judge("F-PERF-006", a_timing(watch, measure=measure)).outcome is outcome
    assert len(watch.rows) == 1 + 8, "eight answers make a trend, however few are measured"


@pytest.mark.parametrize(
    "watch",
    [
        Stopwatch(change=lambda pace: replace(pace, token_ms=pace.token_ms[:-1])),
        Stopwatch(change=lambda pace: replace(pace, token_ms=(0.0,) * 10)),
        Stopwatch(change=lambda pace: replace(pace, token_ms=(-1.0, *pace.token_ms[1:]))),
        Stopwatch(change=lambda pace: replace(pace, prefill_ms=0.0)),
        Stopwatch(change=lambda pace: replace(pace, prefill_ms=math.nan)),
        Stopwatch(change=lambda pace: replace(pace, token_ms=(math.inf, *pace.token_ms[1:]))),
    ],
    ids=["tokens missing", "stands still", "backwards", "no first", "not a number", "for ever"],
)
def test_a_clock_that_cannot_be_right_decides_nothing(watch: Stopwatch) -> None:
    timing = a_timing(watch, asserts={"min_throughput": 5.0})
    for gate_id in ("F-PROFILE-007", "F-PROFILE-CI-001", "F-PERF-006"):
        assert judge(gate_id, timing).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (EngineCrashed("pacing", exit_code=-11), Outcome.FALSIFIED),
        (EngineUnavailable("scripted", "no instrument 'pace'", install="pip"), Outcome.INCONCLUSIVE),
    ],
)
def test_an_engine_that_dies_is_refuted_and_one_that_lacks_the_instrument_is_not(
    error: AprqaError, outcome: Outcome
) -> None:
    assert judge("F-PROFILE-007", a_timing(Stopwatch(error=error))).outcome is outcome


def test_the_prompt_goes_through_the_template_where_there_is_one() -> None:
    rendered, refused = Stopwatch(), Stopwatch(no_template=True)
    plain = Stopwatch(facts=replace(FACTS, chat_template=False))
    for watch in (rendered, refused, plain):
        judge("F-PROFILE-007", a_timing(watch, prompt="Hi"))
    assert set(rendered.rows) == {tuple(b"<user>Hi")}
    assert set(refused.rows) == set(plain.rows) == {tuple(b"Hi")}


def test_what_is_kept_is_plain_json_with_the_numbers_of_the_script() -> None:
    verdict = judge("F-PROFILE-CI-001", a_timing(measure=300, asserts={"min_throughput": 50.0}))
    speed = json.loads(json.dumps(dict(verdict.details), allow_nan=False))["speed"]
    assert speed["decode_tok_per_s"]["value"] == pytest.approx(100, rel=0.02)
    assert speed["decode_tok_per_s"]["low"] < 100 < speed["decode_tok_per_s"]["high"]
    assert speed["ttft_ms"]["value"] == pytest.approx(50, rel=0.02)
    assert speed["prefill_tok_per_s"]["value"] == pytest.approx(1000 * speed["prompt_tokens"] / 50, rel=0.02)
    assert speed["between_tokens_p50_ms"]["value"] < speed["between_tokens_p99_ms"]["value"] <= 10 * 1.02 * 1.1
    assert speed["peak_rss_bytes"] == 500 * MIB
    assert speed["peak_vram_bytes"] is None
    assert speed["rate_variation_rel"] == pytest.approx(0.014, rel=0.1)
    assert speed["load_ms"] == 800
    assert {len(samples) for samples in speed["samples"].values()} == {100}, "bounded"


def test_even_one_answer_leaves_plain_json() -> None:
    verdict = judge("F-PERF-007", a_timing(measure=1, asserts={"max_load_ms": 1000.0}))
    speed = json.loads(json.dumps(dict(verdict.details), allow_nan=False))["speed"]
    assert speed["decode_tok_per_s"] == {"value": pytest.approx(101, rel=0.02), "low": 0.0, "high": None}


def test_every_gate_is_about_every_format_and_the_control_comes_first() -> None:
    assert SPEED_CHECKS[0].gate_id == "F-PROFILE-007"
    assert all(check.formats == frozenset(Format) for check in SPEED_CHECKS)
    assert all(ground in CHECKS for check in SPEED_CHECKS for ground in check.after)
