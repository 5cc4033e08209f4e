"""The reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import GATES
from tests.docs.reference import FOLDER, pages, type_of


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_the_pages_are_as_the_code_makes_them(made: dict[str, str]) -> None:
    stale = [name for name, text in made.items() if _read(FOLDER / name) != text]
    assert stale == [], "run `python -m tests.docs.reference`"


def test_no_page_of_the_folder_is_left_over(made: dict[str, str]) -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(made)


def test_every_gate_is_in_the_catalogue(made: dict[str, str]) -> None:
    assert [gate for gate in GATES if f"| `{gate}` |" not in made["gates.md"]] == []


def test_types_are_said_in_words() -> None:
    assert type_of({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}) == "whole number ≥ 1"
    assert type_of({"type": "array", "items": {"$ref": "#/$defs/Format"}}) == "list of [Format](#format)"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
