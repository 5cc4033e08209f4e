from __future__ import annotations

import unicodedata

import pytest

from pytest_aprqa.parity import (
    CONTROL_STRINGS,
    CONVERSATIONS,
    PARITY_TEXT,
    TOKENIZER_TEXTS,
    IdDifference,
    compare_ids,
    long_text,
)


def test_equal_rows_have_no_difference() -> None:
    assert compare_ids([[1, 2], []], [[1, 2], []]) == ()


@pytest.mark.parametrize(
    ("expected", "found", "first"),
    [([1, 2, 3], [1, 9, 3], 1), ([1, 2], [1, 2, 3], 2), ([1, 2], [1], 1), ([], [1], 0)],
)
def test_the_first_difference_is_found(expected: list[int], found: list[int], first: int) -> None:
    assert compare_ids([[5], expected], [[5], found]) == (IdDifference(1, first, tuple(expected), tuple(found)),)


def test_rows_must_pair_up() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare_ids([[1]], [[1], [2]])


def test_there_are_a_few_hundred_distinct_texts_of_every_kind() -> None:
    texts = [text.text for text in TOKENIZER_TEXTS]
    assert 200 <= len(set(texts)) <= 600
    kinds = {text.kind for text in TOKENIZER_TEXTS}
    assert kinds >= {"ascii", "code", "cjk", "emoji", "combining", "rtl", "whitespace", "digits", "byte_fallback",
                     "control", "long", "edges", "control_strings"}  # fmt: skip
    assert "" in texts


def test_texts_hold_what_breaks_tokenizers() -> None:
    joined = "".join(text.text for text in TOKENIZER_TEXTS)
    for needed in ("\u200d", "\r\n", "\t\t", "\x00", "\u0301", "\u202b", "    ", "\U00012000", *CONTROL_STRINGS):
        assert needed in joined
    assert any(unicodedata.combining(character) for character in joined)
    joined.encode()  # no lone surrogates: engines take UTF-8


def test_conversations_alternate_and_end_with_the_user() -> None:
    for messages in CONVERSATIONS.values():
        roles = [message["role"] for message in messages if message["role"] != "system"]
        assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
        assert roles[-1] == "user"


def test_conversations_hold_control_strings_and_nothing() -> None:
    contents = [message["content"] for messages in CONVERSATIONS.values() for message in messages]
    assert "" in contents
    assert any("<|im_end|>" in content for content in contents)


def test_the_parity_text_holds_prose_code_and_figures() -> None:
    assert 400 < len(PARITY_TEXT.split()) < 900
    assert "def forecast" in PARITY_TEXT
    assert PARITY_TEXT.isascii()


@pytest.mark.parametrize("words", [0, 1, 7, 4500])
def test_long_texts_have_the_asked_number_of_words(words: int) -> None:
    assert len(long_text(words).split()) == words


def test_long_texts_do_not_repeat_soon() -> None:
    sentences = long_text(4500).split(". ")
    assert len(set(sentences)) > 0.95 * len(sentences)
