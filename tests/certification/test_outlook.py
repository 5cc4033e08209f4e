from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.certification import Wishes, outlook_lines, outlook_of
from pytest_aprqa.certification.locked import lock_state, nearest_lock
from pytest_aprqa.certification.seen import look_for
from pytest_aprqa.core import Award, PlaybookError
from pytest_aprqa.playbook import lock_playbooks, read_playbook
from pytest_aprqa.weights import Search
from tests.certification.samples import CODER, playbook
from tests.tiny import make_tiny


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model of this machine and no device of it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-cache"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


def test_the_plan_says_what_would_run_and_what_not(tmp_path: Path) -> None:
    plan = outlook_of(playbook(tmp_path), Wishes(), lock=None)
    assert [(cell.id, cell.cases, bool(cell.skip)) for cell in plan.cells] == [
        ("run[safetensors-cpu]", 1, False),
        ("run[safetensors-gpu]", 1, True),
    ]
    assert dict(plan.items) == {"gateway": 5, "run": 1}
    assert dict(plan.skips) == {"CUDA_VISIBLE_DEVICES hides every CUDA device": 6}
    assert (plan.award, plan.weights.at_hand, plan.lock.word) == (Award.NONE, True, "no lock")
    assert plan.weights.parameters == pytest.approx(2e6, rel=0.1)
    assert plan.estimate is not None


def test_a_plan_is_plain_json_and_narrow_lines(tmp_path: Path) -> None:
    plan = outlook_of(playbook(tmp_path, tier="mvp"), Wishes(workers=2), lock=None)
    told = json.loads(json.dumps(plan.to_json()))
    assert told["may_award"] == "PROVISIONAL"
    assert told["estimate"]["seconds"] > 0
    lines = outlook_lines(plan)
    assert any("an estimate, good to a factor of three" in line for line in lines)
    assert any(line.startswith("    run[safetensors-gpu]") and "skipped: CUDA" in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_no_gpu_is_said_as_the_reason(tmp_path: Path) -> None:
    plan = outlook_of(playbook(tmp_path), Wishes(no_gpu=True), lock=None)
    assert dict(plan.skips) == {"switched off by --aprqa-no-gpu": 6}


def test_weights_that_are_not_here_are_told_with_the_ways_to_them(tmp_path: Path) -> None:
    plan = outlook_of(playbook(tmp_path, model=CODER), Wishes(), lock=None, parameters="1.5B")
    assert (plan.weights.at_hand, plan.weights.path) == (False, None)
    assert any("--aprqa-model-cache" in way for way in plan.weights.ways)
    assert plan.estimate is not None, "the registry knows the size"
    assert outlook_of(playbook(tmp_path, model=CODER), Wishes(), lock=None).estimate is None


def test_a_model_path_takes_the_place_of_the_playbooks(tmp_path: Path) -> None:
    make_tiny(tmp_path / "mine")
    plan = outlook_of(playbook(tmp_path, model=CODER), Wishes(model_path=tmp_path / "mine"), lock=None)
    assert plan.weights.at_hand
    assert str(tmp_path / "mine") in plan.weights.where


def test_the_users_words_do_not_make_it_another_playbook_than_the_locked_one(tmp_path: Path) -> None:
    path = playbook(tmp_path, tier="mvp")
    lock = tmp_path / "playbook.lock.yaml"
    lock_playbooks(tmp_path, lock=lock)
    wishes = Wishes(profile_ci=True, golden_corpus="golden", timeout_ms=5000)
    (tmp_path / "golden").mkdir()
    assert outlook_of(path, wishes, lock=lock).lock.word == "verified"


def test_a_file_that_is_its_own_ground_truth_is_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "own-smoke.playbook.yaml"
    path.write_text(
        "model: { hf_repo: me/own, files: { gguf: own.gguf }, ground_truth: dequantized, formats: [gguf] }\n"
        "test_matrix: { modalities: [run], backends: [cpu], scenario_count: 1 }\n"
    )
    read = read_playbook(path, {})
    assert not look_for(read, Search()).at_hand
    (tmp_path / "own.gguf").write_bytes(b"x" * 600)
    seen = look_for(read, Search())
    assert (seen.at_hand, seen.path, seen.parameters) == (True, tmp_path / "own.gguf", 800)


def test_a_users_artefact_that_is_missing_is_told(tmp_path: Path) -> None:
    make_tiny(tmp_path / "mine")
    path = tmp_path / "own-smoke.playbook.yaml"
    path.write_text(
        "model: { hf_repo: me/own, local_path: mine, files: { gguf: own.gguf }, formats: [safetensors, gguf] }\n"
        "test_matrix: { modalities: [run], backends: [cpu], scenario_count: 1 }\n"
    )
    seen = look_for(read_playbook(path, {}), Search())
    assert (seen.at_hand, seen.where) == (False, f"{tmp_path / 'own.gguf'}: does not exist")


def test_the_nearest_lock_is_found_above(tmp_path: Path) -> None:
    path = playbook(tmp_path / "books" / "models")
    assert nearest_lock(path) is None
    lock = tmp_path / "books" / "playbook.lock.yaml"
    lock_playbooks(tmp_path / "books", lock=lock)
    assert nearest_lock(path) == lock


def test_a_lock_holds_refuses_or_is_not_asked(tmp_path: Path) -> None:
    path = playbook(tmp_path, tier="mvp")
    lock = tmp_path / "playbook.lock.yaml"
    lock_playbooks(tmp_path, lock=lock)
    assert lock_state(read_playbook(path, {}), lock).word == "verified"
    path.write_text(path.read_text().replace("2+2", "2+3"))
    differs = lock_state(read_playbook(path, {}), lock)
    assert (differs.word, differs.holds) == ("differs", False)
    assert differs.problems
    assert lock_state(read_playbook(path, {}), lock, check=False).holds
    unlocked = lock_state(read_playbook(path, {}), None)
    assert (unlocked.word, unlocked.holds) == ("no lock", False)
    assert lock_state(read_playbook(path, {}), None, awards=False).holds
    lock.write_text("[")
    with pytest.raises(PlaybookError):
        lock_state(read_playbook(path, {}), lock)
