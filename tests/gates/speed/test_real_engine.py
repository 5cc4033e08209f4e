"""One real engine under the clock: what is asserted is what was measured, never how fast."""

from __future__ import annotations

import json

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.core import Backend, Format, Outcome, Target, Weights
from pytest_aprqa.engines import Limits, instruments_of, open_engine
from pytest_aprqa.gates.speed import SPEED_CHECKS, Timing, asserted, default_thresholds, judge_speed

pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_a_real_engine_gives_every_number_and_every_gate_an_outcome() -> None:
    target = Target(embedded.MODEL, Format.SAFETENSORS, None, Backend.CPU)
    folder = embedded.folder()
    weights = Weights(folder, (folder / "model.safetensors",), "the package")
    engine = open_engine(target, weights, Limits(threads=1))
    try:
        timing = Timing(
            format=target.format,
            quantization=None,
            backend=target.backend,
            engine=lambda: engine,
            instruments=lambda: instruments_of(engine),
            thresholds=default_thresholds(Format.GGUF, Backend.CPU),
            tokens=8,
            warmup=1,
            measure=3,
        )
        planned = [check for check in SPEED_CHECKS if check.gate_id in asserted(timing.thresholds)]
        verdicts = {check.gate_id: judge_speed(check, timing) for check in planned}
    finally:
        engine.close()
    assert {"F-PROFILE-007", "F-PROFILE-CI-001", "F-PERF-002", "F-PERF-006"} <= set(verdicts)
    assert verdicts["F-PROFILE-007"].outcome is Outcome.CORROBORATED
    speed = json.loads(json.dumps(dict(verdicts["F-PROFILE-CI-001"].details), allow_nan=False))["speed"]
    assert speed["engine"] == "transformers"
    assert speed["tokens"] == 8
    assert speed["prompt_tokens"] > 0
    for name in ("decode_tok_per_s", "prefill_tok_per_s", "ttft_ms", "between_tokens_p99_ms"):
        assert 0 < speed[name]["low"] <= speed[name]["value"] <= speed[name]["high"], name
    assert speed["peak_rss_bytes"] > 10 << 20
    assert len(speed["samples"]["decode_tok_per_s"]) == speed["answers"]
