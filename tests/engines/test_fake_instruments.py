"""The instruments of the fake engine, in its child: real times, made-up ids, and no more than it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, EngineRefused, EngineUnavailable, Format, Target, Weights
from pytest_aprqa.engines import Instruments, Limits, instruments_of, open_engine
from pytest_aprqa.engines.fake_script import VARIABLE

TARGET = Target("org/fake", Format.SAFETENSORS, None, Backend.CPU)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instruments]:
    monkeypatch.setenv(VARIABLE, '{"token_ms": 2, "context_tokens": 64}')
    engine = open_engine(TARGET, Weights(tmp_path, (), "test"), Limits(threads=1), name="fake")
    yield instruments_of(engine)
    engine.close()


def test_the_fake_engine_has_the_instruments_that_need_no_weights(fake: Instruments) -> None:
    (row,) = fake.encode(["What is 2+2?"], special=True)
    assert len(row) == 3
    pace = fake.pace(row, tokens=5)
    assert (len(pace.token_ms), pace.prompt_tokens) == (4, 3)
    assert min(pace.prefill_ms, *pace.token_ms) >= 2, "as slow as its script says"
    assert pace.peak_rss_bytes >= pace.rss_bytes > 2**20
    drawn = [fake.sample(row, max_tokens=4, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    greedy = [fake.sample(row, max_tokens=4, temperature=0.0, seed=seed) for seed in (1, 2)]
    assert greedy[0] == greedy[1]
    for call in (lambda: fake.trace(row), lambda: fake.together([row]), lambda: fake.stepwise(row, given=1)):
        with pytest.raises(EngineUnavailable, match="'fake': it has no instrument"):
            call()
    with pytest.raises(EngineRefused, match="3 tokens exceeds the context of 2"):
        fake.pace(row, tokens=62)
