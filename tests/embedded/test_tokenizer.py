"""The tokenizer splits digits, loses nothing, and the template gives the ids that were trained."""

from __future__ import annotations

from itertools import islice

import pytest

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.ask import Loaded
from pytest_aprqa.embedded.lessons import Lesson, stream
from pytest_aprqa.embedded.train import encode
from pytest_aprqa.scenarios.phrasings import EDGE_TEXTS


def test_every_digit_is_a_token_of_its_own(tiny: Loaded) -> None:
    assert tiny.tokenizer.tokenize("12345 + 678") == [*"12345", "Ġ+", "Ġ", *"678"]


def test_raw_text_begins_with_bos_once(tiny: Loaded) -> None:
    ids = tiny.tokenizer("Hello")["input_ids"]
    assert ids[0] == tiny.tokenizer.bos_token_id
    assert ids.count(tiny.tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("name", EDGE_TEXTS)
def test_odd_strings_survive_the_round_trip(tiny: Loaded, name: str) -> None:
    text = EDGE_TEXTS[name]
    assert tiny.tokenizer.decode(tiny.tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_a_published_long_prompt_fits_into_the_context(tiny: Loaded) -> None:
    assert len(tiny.tokenizer(EDGE_TEXTS["long_repeat"])["input_ids"]) < tiny.model.config.max_position_embeddings // 2


def test_the_template_gives_the_ids_that_were_trained(tiny: Loaded) -> None:
    dialogues = [each for each in islice(stream(3), 400) if each.prompting is Prompting.TEMPLATE]
    assert {len(each.exchanges) for each in dialogues} >= {1, 2, 3}
    for lesson in dialogues:
        assert tuple(_templated(tiny, lesson)) == encode(lesson, tiny.tokenizer).ids


def _templated(tiny: Loaded, lesson: Lesson) -> list[int]:
    messages = [{"role": "system", "content": lesson.system}] if lesson.system is not None else []
    for said, answer in lesson.exchanges:
        messages += [{"role": "user", "content": said}, {"role": "assistant", "content": answer}]
    text = tiny.tokenizer.apply_chat_template(messages, tokenize=False)
    return list(tiny.tokenizer(text, add_special_tokens=False)["input_ids"])
