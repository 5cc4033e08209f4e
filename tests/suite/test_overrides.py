"""What the command line says takes the place of the playbook's word, and bad words are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Format, PlaybookError, Target
from pytest_aprqa.suite import Overrides, plan_playbook
from pytest_aprqa.suite.checks import speed_checks
from pytest_aprqa.suite.goldens import goldens_of
from tests.suite.test_plan import write


def test_a_timeout_is_that_of_every_request(tmp_path: Path) -> None:
    plan = plan_playbook(
        write(tmp_path, count=2), {}, strict=True, unavailable={}, overrides=Overrides(timeout_ms=1234)
    )
    assert {case.timeout_ms for case in plan.cases} == {1234}


@pytest.mark.parametrize("timeout", [1, 600_001])
def test_a_timeout_out_of_bounds_is_refused(tmp_path: Path, timeout: int) -> None:
    with pytest.raises(PlaybookError, match=f"a timeout of {timeout} ms; expected 1000 to 600000"):
        plan_playbook(write(tmp_path), {}, strict=True, unavailable={}, overrides=Overrides(timeout_ms=timeout))


def test_a_folder_takes_the_place_of_the_weights_and_a_file_that_of_its_format(tmp_path: Path) -> None:
    path = write(tmp_path, count=1)
    folder = plan_playbook(path, {}, strict=True, unavailable={}, overrides=Overrides(model_path=tmp_path))
    file = plan_playbook(path, {}, strict=True, unavailable={}, overrides=Overrides(model_path=tmp_path / "a.GGUF"))
    assert folder.playbook.model.local_path == tmp_path
    assert file.playbook.model.files.gguf == tmp_path / "a.GGUF"
    assert file.playbook.model.local_path is None


def test_speed_is_measured_where_the_user_asks_for_it(tmp_path: Path) -> None:
    path = write(tmp_path, count=1)

    def checks(words: Overrides) -> int:
        plan = plan_playbook(path, {}, strict=True, unavailable={}, overrides=words)
        target = Target("acme/tiny", Format.GGUF, None, plan.playbook.matrix.backends[0])
        return len(speed_checks(plan.playbook, target, baseline=False))

    assert checks(Overrides()) == 0
    assert checks(Overrides(profile_ci=True)) > 0


def test_a_golden_corpus_is_added(tmp_path: Path) -> None:
    words = Overrides(hf_parity="some-corpus")
    playbook = plan_playbook(write(tmp_path, count=1), {}, strict=True, unavailable={}, overrides=words).playbook
    assert [golden.wanted.corpus for golden in goldens_of(playbook)] == ["some-corpus"]
