from __future__ import annotations

import pytest

from pytest_aprqa.gates.server.marks import BYTE_MARKS, CONTROL, NUMBERS, REPLACEMENT, without_control, without_cut


@pytest.mark.parametrize(
    "text",
    ["a<|im_end|>", "<|start_header_id|>", "</s>", "[INST] hi", "<<SYS>>", "<end_of_turn>", "<｜end▁of▁sentence｜>"],
)
def test_control_tokens_are_seen(text: str) -> None:
    assert CONTROL.search(text)
    assert CONTROL.search(without_control(text)) is None


@pytest.mark.parametrize("text", ["a | b |> c", "x < y > z", "[1, 2]", "std::vector<int>", "<html>", "<strong>", "<p>"])
def test_plain_text_holds_no_control_token(text: str) -> None:
    assert without_control(text) == text


@pytest.mark.parametrize("text", ["token123", "Token_7 token_8", "<token_99>", "[5, 17, 3021, 9]"])
def test_token_numbers_are_seen(text: str) -> None:
    assert NUMBERS.search(text)


@pytest.mark.parametrize("text", ["2, 3, 5, 7, 11", "a token of 15", "[1, 2, 3]", "tokens: 12", "retoken12"])
def test_plain_numbers_are_no_token_numbers(text: str) -> None:
    assert NUMBERS.search(text) is None


@pytest.mark.parametrize("text", ["Ġhello", "helloĊ", "▁hello", "<0x0A>"])
def test_byte_level_markers_are_seen(text: str) -> None:
    assert BYTE_MARKS.search(text)


@pytest.mark.parametrize("text", ["naïve Größe", "你好", "Что", "<0xZZ>"])
def test_plain_letters_are_no_markers(text: str) -> None:
    assert BYTE_MARKS.search(text) is None
    assert REPLACEMENT.search(text) is None


def test_only_a_last_character_counts_as_cut() -> None:
    assert without_cut("ab\ufffd\ufffd") == "ab"
    assert REPLACEMENT.search(without_cut("a\ufffdb"))
