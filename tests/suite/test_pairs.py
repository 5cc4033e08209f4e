"""Pairs of a process: what files have shown is kept for the turn of the engines, what engines said is not."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import ModelView
from pytest_aprqa.core import ArtefactError, Backend, Format, Quantization, Target
from pytest_aprqa.engines import Limits
from pytest_aprqa.gates import COMPARISONS, by_gate, judge_check
from pytest_aprqa.playbook import Playbook
from pytest_aprqa.suite import Bench, BenchSetup, Shelf, plan_playbook
from pytest_aprqa.suite.pairs import Pairs
from pytest_aprqa.weights import Search

PLAYBOOK = """
name: pairs
version: "1.0.0"
model: {hf_repo: acme/tiny, local_path: FOLDER, formats: [gguf], quantizations: [f32, f16]}
test_matrix: {modalities: [run], backends: [cpu], prompts: ["What is 2+2?"]}
metadata: {tier: mvp}
"""
FIRST, SECOND = (Target("acme/tiny", Format.GGUF, it, Backend.CPU) for it in (Quantization.F32, Quantization.F16))


@pytest.fixture
def pairs(tmp_path: Path) -> Iterator[Pairs]:
    shelf = Shelf(Search(None, os.environ, download=False), conversions=tmp_path / "made")
    bench = Bench(BenchSetup(Limits(threads=1), engine="fake"), shelf)
    found = Pairs(bench)
    yield found
    found.close()
    bench.close()


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    path = tmp_path / "pairs.playbook.yaml"
    path.write_text(PLAYBOOK.replace("FOLDER", str(embedded.folder())))
    return plan_playbook(path, {}, strict=True, unavailable={}).playbook


def test_a_pair_whose_files_were_read_waits_with_what_they_have_shown(pairs: Pairs, playbook: Playbook) -> None:
    first = pairs.pair(playbook, FIRST)
    verdict = judge_check(by_gate(COMPARISONS)["F-META-SIZE-001"], first)
    assert pairs.pair(playbook, SECOND) is not first
    assert pairs.pair(playbook, FIRST) is first
    assert first.verdicts["F-META-SIZE-001"] is verdict


def test_a_pair_whose_engines_were_asked_goes_but_for_what_the_ground_truth_has_said(
    pairs: Pairs, playbook: Playbook
) -> None:
    waiting = pairs.pair(playbook, SECOND)
    first = pairs.pair(playbook, FIRST)
    first.scratch.joinpath("converted").write_text("something")
    said = first.ours
    assert pairs.pair(playbook, SECOND) is waiting
    assert waiting.ours is said
    assert not first.scratch.exists()
    assert pairs.pair(playbook, FIRST) is not first


def test_a_pair_that_something_was_converted_for_goes(pairs: Pairs, playbook: Playbook) -> None:
    first = pairs.pair(playbook, FIRST)
    first.scratch.joinpath("converted").write_text("something")
    pairs.pair(playbook, SECOND)
    assert not first.scratch.exists()
    assert pairs.pair(playbook, FIRST) is not first


def test_a_ground_truth_that_cannot_be_read_leaves_no_folder_either(
    pairs: Pairs, playbook: Playbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(folder: Path) -> ModelView:
        raise ArtefactError("broken", path=folder)

    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr("pytest_aprqa.suite.pairs.open_model", unreadable)
    with pytest.raises(ArtefactError, match="broken"):
        pairs.pair(playbook, FIRST)
    assert not [*(tmp_path / "scratch").iterdir()]


def test_nothing_is_left_behind(pairs: Pairs, playbook: Playbook) -> None:
    folders = [pairs.pair(playbook, target).scratch for target in (FIRST, SECOND)]
    assert all(folder.is_dir() for folder in folders)
    pairs.close()
    assert not any(folder.exists() for folder in folders)
