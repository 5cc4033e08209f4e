"""The embedded model answers what it was taught, stops by itself, and a planted defect shows in its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.ask import Loaded, converse, reply
from pytest_aprqa.embedded.lessons import Lesson, catalog, stream
from pytest_aprqa.scenarios.phrasings import EDGE_TEXTS

if TYPE_CHECKING:
    from torch import Tensor

torch = pytest.importorskip("torch", reason="needs pip install pytest-aprqa[transformers]")


def _sample() -> list[Lesson]:
    """A few lessons of each skill, in both promptings."""
    listed = [lesson for lessons in catalog().values() for lesson in islice(lessons, 0, None, len(lessons) // 12 | 1)]
    drawn = [lesson for lesson in islice(stream(11), 400) if lesson.skill == "recall"]
    return listed + drawn[:24]


def _sums() -> list[Lesson]:
    """Sums in every wording and both promptings, all of which the sound model gets right."""
    return list(catalog()["arithmetic"][::241])


def _right(tiny: Loaded, lessons: list[Lesson]) -> float:
    answered = converse(tiny, lessons)
    right = [
        [each.text for each in replies] == [answer for _, answer in lesson.exchanges]
        for lesson, replies in zip(lessons, answered, strict=True)
    ]
    return sum(right) / len(right)


def test_it_answers_every_skill_in_both_promptings(tiny: Loaded) -> None:
    lessons = _sample()
    assert {lesson.prompting for lesson in lessons} == set(Prompting)
    assert len({lesson.skill for lesson in lessons}) == 7
    assert _right(tiny, lessons) >= 0.98


@pytest.mark.parametrize(
    ("turns", "answer"),
    [
        (("What is 2+2?",), "4"),
        (("Calculate 7*8",), "56"),
        (("What is 15-7?",), "8"),
        (("What is 100/4?",), "25"),
        (("What is 2+3?", "Add 4 to that."), "9"),
        (("My name is Alice.", "What is 7*8?", "What is my name?"), "Your name is Alice."),
        (("What is my name?",), "Sorry, I do not know that."),
    ],
)
def test_it_answers_what_people_ask_first(tiny: Loaded, turns: tuple[str, ...], answer: str) -> None:
    [replies] = converse(tiny, [Lesson("ask", tuple((turn, "") for turn in turns))])
    assert replies[-1].text == answer
    assert all(each.stopped for each in replies)


def test_it_stops_by_itself_on_every_edge_text(tiny: Loaded) -> None:
    texts = [text for text in EDGE_TEXTS.values() if len(text) < 1000]
    lessons = [Lesson("edge", ((text, ""),), prompting) for text in texts for prompting in Prompting]
    assert all(each.stopped and each.text for replies in converse(tiny, lessons) for each in replies)


def test_a_batch_padded_on_the_left_answers_like_one_alone(tiny: Loaded) -> None:
    prompts = ["2+2=", "What is 15-7?", "def add(a, b):", "The capital of France is", "How much is 84 divided by 12?"]
    assert reply(tiny, prompts, templated=False) == reply(tiny, prompts, templated=False, batch=1)


@contextmanager
def _planted(weight: Tensor, defect: Callable[[Tensor], Tensor]) -> Iterator[None]:
    sound = weight.detach().clone()
    weight.data.copy_(defect(sound))
    try:
        yield
    finally:
        weight.data.copy_(sound)


def _swap_halves(matrix: Tensor) -> Tensor:
    return matrix.roll(matrix.shape[0] // 2, 0)


@pytest.mark.parametrize("defect", [torch.zeros_like, lambda matrix: matrix.T, _swap_halves], ids=["zero", "T", "swap"])
@pytest.mark.parametrize(
    "name", ["layers.0.self_attn.q_proj", "layers.1.self_attn.o_proj", "layers.2.self_attn.o_proj"]
)
def test_a_planted_defect_in_one_square_matrix_changes_answers(
    tiny: Loaded, name: str, defect: Callable[[Tensor], Tensor]
) -> None:
    with _planted(tiny.model.get_parameter(f"model.{name}.weight"), defect):
        assert _right(tiny, _sums()) < 0.8
    assert _right(tiny, _sums()) >= 0.98


def test_the_key_and_value_matrices_swapped_changes_answers(tiny: Loaded) -> None:
    key = tiny.model.get_parameter("model.layers.0.self_attn.k_proj.weight")
    value = tiny.model.get_parameter("model.layers.0.self_attn.v_proj.weight")
    sound = value.detach().clone()
    with _planted(value, lambda _: key.detach()), _planted(key, lambda _: sound):
        assert _right(tiny, _sums()) < 0.8
