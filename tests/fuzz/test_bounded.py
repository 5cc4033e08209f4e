from __future__ import annotations

import time
from pathlib import Path

import pytest

from pytest_aprqa.core import ArtefactError
from tests.fuzz import bounded


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_SECONDS", 0.01)
    with pytest.raises(AssertionError, match=r"took 0\.\d s"), bounded.within_bounds():
        work(seconds=0.02)


def work(*, seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_memory_is_bounded() -> None:
    with pytest.raises(AssertionError, match="took 31 MiB"), bounded.within_bounds():
        bytearray(31 << 20)


def test_another_error_or_none_is_not_a_refusal(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        raise ValueError(path)

    with pytest.raises(ValueError, match="x"):
        bounded.refused(fail, tmp_path / "x")
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        bounded.refused(Path.exists, tmp_path / "x")


def test_an_error_of_ours_is_a_refusal(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        raise ArtefactError("broken", path=path)

    assert bounded.refused(fail, tmp_path / "x").problem == "broken"
