"""A folder that cannot be written is told in words, whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.evidence.writable import unwritable


def test_a_folder_that_can_be_made_is_not_made(tmp_path: Path) -> None:
    assert unwritable(tmp_path / "a" / "b") == ""
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("file/below", "is no folder"), ("a" * 300, "cannot be looked at (File name too long")],
    ids=["below a file", "too long"],
)
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "file").touch()
    assert problem in unwritable(tmp_path / name)
