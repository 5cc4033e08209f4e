from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from pytest_aprqa.core import Outcome
from pytest_aprqa.golden import GoldenCorpus, controls, judge_corpus, observe, read_golden, self_check
from tests.golden.talker import VOCABULARY, reseal

Arrays = dict[str, NDArray[Any]]


def test_a_sound_corpus_has_no_problem(corpus: GoldenCorpus, folder: Path) -> None:
    assert self_check(folder) == ()
    assert self_check(corpus) == ()
    verdict = judge_corpus(folder)
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, 3)


def test_any_changed_byte_is_found(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        good = path.read_bytes()
        for place in {0, len(good) // 2, len(good) - 1, *range(0, len(good), max(1, len(good) // 7))}:
            path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            assert self_check(folder), f"{path.name} @ {place}"
        path.write_bytes(good)
    assert self_check(folder) == ()


@pytest.mark.parametrize("name", ["raw.safetensors", "manifest.json", "manifest.sha256"])
def test_a_missing_file_is_found(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert self_check(folder)
    assert judge_corpus(folder).outcome is Outcome.FALSIFIED


def test_an_added_file_is_found(folder: Path) -> None:
    (folder / "more.safetensors").write_bytes((folder / "raw.safetensors").read_bytes())
    assert "not in the manifest" in str(self_check(folder)[0])


def test_every_problem_is_listed(folder: Path) -> None:
    for name in ("raw.safetensors", "chat.safetensors"):
        (folder / name).write_bytes(b"x" * 100)
    (folder / "notes.txt").write_text("x")
    assert {problem.where for problem in self_check(folder)} == {"1", "raw", "chat"}


def _other_text(value: dict[str, Any]) -> None:
    value["prompts"][1]["text"] = "one two three five"


def _removed(value: dict[str, Any]) -> None:
    del value["prompts"][1]


def _added(value: dict[str, Any]) -> None:
    value["prompts"].append({**value["prompts"][1], "id": "more", "file": "more.safetensors"})


def _swapped(value: dict[str, Any]) -> None:
    first, second = value["prompts"][:2]
    first["text"], second["text"] = second["text"], first["text"]


@pytest.mark.parametrize("change", [_other_text, _removed, _added, _swapped])
@pytest.mark.parametrize("sealed", [False, True])
def test_a_changed_manifest_is_found(folder: Path, change: Callable[[dict[str, Any]], None], sealed: bool) -> None:
    if sealed:
        reseal(folder, change)
    else:
        path = folder / "manifest.json"
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    assert self_check(folder)


def _damage(folder: Path, change: Callable[[Arrays], None]) -> None:
    """Changes the arrays of one prompt, with digests and seal made to fit."""
    path = folder / "raw.safetensors"
    arrays = load_file(path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    change(arrays)
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, metadata=metadata)
    reseal(folder)


def _unsort(arrays: Arrays) -> None:
    for name in ("top", "top_ids"):
        arrays[name][3] = arrays[name][3][::-1].copy()


def _not_a_number(arrays: Arrays) -> None:
    arrays["largest"][2] = np.nan


def _unknown_id(arrays: Arrays) -> None:
    arrays["top_ids"][0, 5] = VOCABULARY


def _repeated_id(arrays: Arrays) -> None:
    arrays["top_ids"][0, 5] = arrays["top_ids"][0, 6]


def _no_rest(arrays: Arrays) -> None:
    arrays["log_rest"][:] = -1.0


def _more_total(arrays: Arrays) -> None:
    arrays["log_total"][4] += 0.1


def _other_answer(arrays: Arrays) -> None:
    arrays["continuation"][0] += 1


def _other_margin(arrays: Arrays) -> None:
    arrays["margins"][0] += 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_unsort, "not in order at position 3"),
        (_not_a_number, "not finite: largest"),
        (_unknown_id, "top_ids has ids outside the vocabulary of 300"),
        (_repeated_id, "twice among the likeliest at position 0"),
        (_no_rest, "sum to"),
        (_more_total, "probabilities at position 4 sum to"),
        (_other_answer, "token 0 of the continuation"),
        (_other_margin, "the margin of token 0"),
    ],
)
def test_damage_done_before_the_sealing_is_found(folder: Path, change: Callable[[Arrays], None], said: str) -> None:
    _damage(folder, change)
    (problem,) = self_check(folder)
    assert problem.where == "raw"
    assert said in problem.what


def test_a_corpus_changed_in_memory_is_found(corpus: GoldenCorpus) -> None:
    first, *others = corpus.prompts
    ids = first.recording.token_ids.copy()
    ids[0] += 1
    changed = (
        replace(first, recording=replace(first.recording, token_ids=ids)),
        replace(first, prompt=replace(first.prompt, text="Hello here")),
    )
    for each in changed:
        (problem,) = self_check(replace(corpus, prompts=(each, *others)))
        assert problem.where == "chat"
    assert self_check(replace(corpus, prompts=tuple(others)))
    assert self_check(replace(corpus, prompts=(), folder=None))


def test_arrays_that_do_not_fit_together_are_a_problem_and_no_crash(corpus: GoldenCorpus) -> None:
    first, *others = corpus.prompts
    short = replace(first, recording=replace(first.recording, top=first.recording.top[:2]))
    assert self_check(replace(corpus, prompts=(short, *others), folder=None))


def test_a_comparison_that_refutes_nothing_fails_the_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "checks_of", lambda *_arguments, **_names: ())
    said = [problem.what for problem in self_check(folder)]
    # NaN is found before any limit is looked at.
    assert len(said) == len(controls.FAULTS)
    assert all("does not notice" in what for what in said)


def test_a_comparison_that_refutes_everything_fails_the_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **names: Any) -> tuple[observe.Check, ...]:  # noqa: ANN401 - passed on
        checks = observe.checks_of(*arguments, **names)
        return tuple(replace(check, limit=replace(check.limit, value=-1.0, at_most=True)) for check in checks)

    monkeypatch.setattr(controls, "checks_of", broken)
    assert "refutes the corpus' own logits" in str(self_check(folder)[0])


@pytest.mark.parametrize("fault", controls.FAULTS)
def test_each_fault_changes_the_logits(corpus: GoldenCorpus, fault: str) -> None:
    logits = controls._expand(corpus.prompts[0].recording, corpus.vocabulary)
    assert not np.array_equal(controls.FAULTS[fault](logits), logits)


def test_nothing_at_all_is_a_problem(tmp_path: Path) -> None:
    assert self_check(tmp_path / "none")
    assert judge_corpus(tmp_path / "none").outcome is Outcome.FALSIFIED


def test_a_copy_elsewhere_is_as_good(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert self_check(tmp_path / "copy") == ()
    assert read_golden(tmp_path / "copy").digest == read_golden(folder).digest
