from __future__ import annotations

import time

import pytest

from pytest_aprqa.core import counted, excerpt, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 2+2=4", "plain text, 2+2=4"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\r\nlines\t.", "two\\r\\nlines\\t."),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("left \u202eright", "left \\u202eright"),
        ("line\u2028break", "line\\u2028break"),
        ("half \ud800 pair", "half \\ud800 pair"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("déjà 你好", "déjà 你好"),
    ],
)
def test_what_is_not_printable_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_ascii_spells_everything_else_too() -> None:
    assert visible("déjà \x1b", ascii=True) == "d\\xe9j\\xe0 \\x1b"


def test_an_excerpt_says_how_much_there_was() -> None:
    assert excerpt("x" * 1_500, limit=4) == "xxxx… (1,500 characters)"
    assert excerpt("x" * 1_500, limit=4, ascii=True) == "xxxx... (1,500 characters)"
    assert excerpt("four", limit=4) == "four"


def test_an_excerpt_of_ten_megabytes_costs_nothing() -> None:
    text = "\x1b" * 10_000_000
    started = time.perf_counter()
    shown = excerpt(text, limit=100)
    assert time.perf_counter() - started < 0.1
    assert len(shown) < 500


def test_counts_have_their_plural() -> None:
    assert [counted(count, "case") for count in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
