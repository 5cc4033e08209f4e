"""The corpus that comes with the package, against the model that does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.core import Backend, Format, Outcome, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.golden import BUILT_IN, golden_for, judge_corpus, judge_parity, list_places, measure
from pytest_aprqa.golden.places import built_in_root
from pytest_aprqa.weights import digested

_MOST_BYTES = 400_000


def test_every_corpus_of_the_package_is_whole_and_small() -> None:
    places = list_places(built_in_root())
    assert [place.family for place in places] == ["aprqa-tiny"]
    for place in places:
        verdict = judge_corpus(place.folder)
        assert verdict.outcome is Outcome.CORROBORATED, verdict.reason
        assert sum(path.stat().st_size for path in place.folder.iterdir()) < _MOST_BYTES


def test_it_was_recorded_from_the_embedded_model(tmp_path: Path) -> None:
    corpus = golden_for("aprqa-tiny", tmp_path)
    weights = digested(Weights(embedded.folder(), (embedded.folder() / "model.safetensors",), "test"))
    assert corpus.provenance.digests == weights.digests
    assert tuple(each.prompt for each in corpus.prompts) == BUILT_IN


def test_recording_it_again_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from pytest_aprqa.engines.transformers import load

    corpus = golden_for("aprqa-tiny", tmp_path)
    weights = Weights(embedded.folder(), (embedded.folder() / "model.safetensors",), "test")
    model = load(Target(embedded.MODEL, Format.SAFETENSORS, None, Backend.CPU), weights, Limits(threads=1))
    again = measure(model, model.facts, corpus.provenance, BUILT_IN)
    for one, two in zip(corpus.prompts, again.prompts, strict=True):
        assert one.recording.row == two.recording.row
        # Another processor may compute with other rounding, and float16 then rounds to a neighbor.
        largest = np.abs(one.recording.top[:, -1].astype(np.float32)).max()
        step = np.spacing(np.float16(largest)).astype(np.float32) + 1e-3
        assert np.abs(one.recording.top.astype(np.float32) - two.recording.top.astype(np.float32)).max() <= step
        assert np.abs(one.recording.log_rest - two.recording.log_rest).max() < 1e-3
    verdict = judge_parity(corpus, model)
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, corpus.positions), verdict.reason
