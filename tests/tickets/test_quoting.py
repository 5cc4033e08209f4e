from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aprqa.tickets.quoting import fenced, inline, printable_lines, shell_line, shell_word

HOSTILE = (
    "$(touch X)",
    "`touch X`",
    "a'b\"c",
    "a'; touch X; '",
    "\\'; touch X #",
    "-rf",
    "--repo=evil",
    "two\nlines; touch X",
    "\x1b[2J\x07$(touch X)",
    "${IFS}&& touch X",
    "!history",
    "*?[a-z]~",
    "é\u202e\u2028",
    "",
    " ",
    "tab\tand\rreturn",
    "' $'\\x41' '",
)


def test_bash_reads_every_word_as_it_was(tmp_path: Path) -> None:
    line = shell_line(["printf", "%s\\0", *HOSTILE])
    assert line.isprintable()
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=True
    )
    assert done.stdout.decode().split("\0")[:-1] == list(HOSTILE)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_no_word_breaks_out_of_its_quotes(text: str) -> None:
    word = shell_word(text)
    assert word.isprintable()
    if word.startswith("$'"):
        inner = word[2:-1].replace("\\\\", "").replace("\\'", "")
        assert "'" not in inner


def test_what_no_word_can_hold_becomes_a_replacement_character() -> None:
    assert shell_word("a\0b\ud800") == "$'a\\U0000fffdb\\U0000fffd'"


@pytest.mark.parametrize("text", ["```", "````\n```", "`" * 50, "a\n~~~\n````x", "\n"])
def test_no_back_ticks_end_a_fence(text: str) -> None:
    lines = fenced(text).splitlines()
    fence = lines[-1]
    assert set(fence) == {"`"}
    assert lines[0] == f"{fence}text"
    assert not any(fence in line for line in text.splitlines())


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_inline_text_is_one_line_without_markup(text: str) -> None:
    shown = inline(text)
    assert shown.isprintable()
    assert "<" not in shown
    assert "@" not in shown
    bare = shown.replace("\\\\", "")
    assert all(bare[place - 1] == "\\" for place, character in enumerate(bare) if character in "`|[]*_")


def test_lines_are_kept_and_the_rest_is_spelled() -> None:
    assert printable_lines("a\nb\x1b[0m\u202e", limit=99) == "a\nb\\x1b[0m\\u202e"
    assert printable_lines("abcdef", limit=3, tail=True) == "… (6 characters)\ndef"
