from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import ArtefactError, Prompting
from pytest_aprqa.golden import BUILT_IN, Prompt, read_prompts
from pytest_aprqa.golden.prompts import require_prompts


def test_the_built_in_prompts_can_be_a_corpus() -> None:
    assert require_prompts(BUILT_IN, Path("built-in")) == BUILT_IN
    assert len(BUILT_IN) == 20
    assert {prompt.prompting for prompt in BUILT_IN} == set(Prompting)


def test_a_text_file_has_one_raw_prompt_a_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("# a comment\nfirst\n\n  second \n", encoding="utf-8")
    assert read_prompts(path) == (
        Prompt("line-1", "first", Prompting.RAW),
        Prompt("line-2", "  second ", Prompting.RAW),
    )


def test_a_json_file_says_more(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text('{"prompts": [{"text": "a\\nb"}, {"text": "c", "id": "see", "prompting": "template"}]}')
    assert read_prompts(path) == (
        Prompt("prompt-1", "a\nb", Prompting.RAW),
        Prompt("see", "c", Prompting.TEMPLATE),
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b""),
        ("a.txt", b"# only\n"),
        ("a.txt", b"\xff\xfe"),
        ("a.txt", b"x\n" * 1001),
        ("a.txt", b"x" * 100_001),
        ("a.json", b"[]"),
        ("a.json", b'{"prompts": []}'),
        ("a.json", b'{"prompts": {}}'),
        ("a.json", b'{"prompts": ["x"]}'),
        ("a.json", b'{"prompts": [{"text": 3}]}'),
        ("a.json", b'{"prompts": [{"text": "x", "id": "../x"}]}'),
        ("a.json", b'{"prompts": [{"text": "x", "id": "y"}, {"text": "z", "id": "y"}]}'),
        ("a.json", b'{"prompts": [{"text": "x", "prompting": "loud"}]}'),
        ("a.json", b'{"prompts": [{"text": "x", "system": "s"}]}'),
    ],
)
def test_strange_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtefactError):
        read_prompts(tmp_path / name)


def test_a_missing_file_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_prompts(tmp_path / "none.txt")
