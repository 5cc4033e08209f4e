"""Training is what it says: packed lessons do not see one another, Muon orthogonalizes, a seed decides."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from pytest_aprqa.embedded.ask import Loaded
from pytest_aprqa.embedded.lessons import stream
from pytest_aprqa.embedded.train import ROW, Recipe, Tokens, collate, encode, loss_of, pack, rate, train

torch = pytest.importorskip("torch", reason="needs pip install pytest-aprqa[transformers]")


def test_packing_loses_no_lesson_and_fills_rows(tiny: Loaded) -> None:
    lessons = [encode(lesson, tiny.tokenizer) for lesson in islice(stream(0), 300)]
    batches = list(pack(iter(lessons), rows=4))
    packed = [lesson for batch in batches for row in batch for lesson in row]
    assert len(batches) >= 2
    assert all(sum(len(lesson.ids) for lesson in row) <= ROW for batch in batches for row in batch)
    assert sum(len(lesson.ids) for row in batches[0] for lesson in row) > 0.9 * 4 * ROW
    assert sorted(lesson.ids for lesson in packed) == sorted(lesson.ids for lesson in lessons[: len(packed)])


def test_a_lesson_longer_than_a_row_is_refused() -> None:
    long = Tokens((1,) * (ROW + 1), (1,) * (ROW + 1), (1.0,) * (ROW + 1))
    with pytest.raises(ValueError, match="513 tokens, more than a row of 512"):
        next(pack(iter([long]), rows=1))


def test_packed_lessons_do_not_see_one_another(tiny: Loaded) -> None:
    first, second = (encode(lesson, tiny.tokenizer) for lesson in islice(stream(5), 2))
    with torch.inference_mode():
        together = loss_of(tiny.model, collate([[first, second]]))
        apart = [loss_of(tiny.model, collate([[each]])) for each in (first, second)]
    weights = [sum(each.weights) for each in (first, second)]
    mean = sum(loss * weight for loss, weight in zip(apart, weights, strict=True)) / sum(weights)
    assert together == pytest.approx(float(mean), rel=1e-3, abs=1e-6)


def test_muon_moves_singular_values_near_one() -> None:
    from pytest_aprqa.embedded.muon import orthogonalize

    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(2, 16, 64) * torch.logspace(-1, 1, 64)))
    assert 0.5 < values.min() <= values.max() < 1.4


def test_muon_follows_the_gradient() -> None:
    from pytest_aprqa.embedded.muon import Muon

    torch.manual_seed(0)
    goal, weight = torch.randn(24, 8), torch.nn.Parameter(torch.zeros(24, 8))
    muon = Muon([weight])
    before = float(goal.norm())
    for _ in range(30):
        (weight - goal).square().sum().backward()
        muon.step(0.1)
    assert float((weight.detach() - goal).norm()) < 0.6 * before
    assert weight.grad is None


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = Recipe(steps=100, warmup=10, decay=0.5)
    assert rate(0, recipe) == pytest.approx(0.1)
    assert rate(10, recipe) == rate(50, recipe) == 1.0
    assert rate(75, recipe) == pytest.approx(0.5)
    assert rate(100, recipe) == 0.0


def test_a_seed_decides_the_weights(tiny: Loaded) -> None:
    recipe = replace(Recipe(), steps=2, rows=1, layers=1, hidden=32, intermediate=32, heads=2, kv_heads=1)
    first, second, other = (
        torch.cat([weight.flatten() for weight in train(replace(recipe, seed=seed), tiny.tokenizer).parameters()])
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
