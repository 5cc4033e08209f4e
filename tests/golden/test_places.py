from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_aprqa.core import ArtefactError
from pytest_aprqa.golden import corpus_folder, default_root, find_golden, golden_for, list_places


@pytest.fixture
def root(folder: Path) -> Path:
    """A root with the versions 1, 2 and 10 of one family, and some folders that are no corpora."""
    for version in ("2", "10"):
        shutil.copytree(folder, folder.parent / version)
    (folder.parent / "empty").mkdir()
    (folder.parent / ".hidden").mkdir()
    return folder.parent.parent


def test_corpora_are_listed_by_family_and_version(root: Path) -> None:
    assert [(place.family, place.version) for place in list_places(root)] == [
        ("talker", "1"),
        ("talker", "2"),
        ("talker", "10"),
    ]
    assert list_places(root / "none") == ()


@pytest.mark.parametrize(
    ("given", "version"), [("talker", "10"), ("talker/2", "2"), ("talker/10/manifest.json", "10"), ("org/Talker", "10")]
)
def test_a_corpus_is_found_by_its_name(root: Path, given: str, version: str) -> None:
    assert find_golden(given, root) == root / "talker" / version


def test_a_path_counts_from_where_it_was_written(root: Path, tmp_path: Path) -> None:
    assert find_golden("talker/2", tmp_path / "none", relative_to=root) == root / "talker" / "2"
    assert find_golden(str(root / "talker"), tmp_path / "none") == root / "talker" / "10"
    assert find_golden("../talker", root / "talker") is None


def test_corpora_of_the_package_are_found_everywhere(tmp_path: Path) -> None:
    for given in ("aprqa-tiny", "aprqa-tiny/1", "aprqa/aprqa-tiny"):
        assert golden_for(given, tmp_path).provenance.model == "aprqa/aprqa-tiny"


@pytest.mark.parametrize("given", ["nobody", "talker/99", "x\0y", "a" * 5000, ""])
def test_what_is_not_there_is_said_so(root: Path, given: str) -> None:
    assert find_golden(given, root) is None
    with pytest.raises(ArtefactError, match="no golden corpus"):
        golden_for(given, root)


def test_the_default_root_is_in_the_users_data_folder() -> None:
    assert default_root({"XDG_DATA_HOME": "/data", "HOME": "/h"}) == Path("/data/pytest-aprqa/golden")
    assert default_root({"LOCALAPPDATA": "/local", "HOME": "/h"}) == Path("/local/pytest-aprqa/golden")
    assert default_root({"HOME": "/h"}) == Path("/h/.local/share/pytest-aprqa/golden")


def test_a_new_corpus_goes_to_its_family_and_version() -> None:
    assert corpus_folder(Path("/r"), "qwen2.5") == Path("/r/qwen2.5/1")
    assert corpus_folder(Path("/r"), "qwen2.5/v2") == Path("/r/qwen2.5/v2")


@pytest.mark.parametrize("family", ["", "..", "../x", "a/../b", "a/b/c", ".hidden", "a/.", "/abs", "a b"])
def test_a_name_that_leads_elsewhere_is_refused(family: str) -> None:
    with pytest.raises(ArtefactError, match="name of a corpus"):
        corpus_folder(Path("/r"), family)
