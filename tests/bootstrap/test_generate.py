from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.bootstrap import Form, Kind, generate, render
from pytest_aprqa.core import AprqaError
from tests.bootstrap.samples import facts, read
from tests.kernels.samples import LLAMA3

HEAD = (
    "model: { hf_repo: org/name, formats: [safetensors] }\ntest_matrix: { modalities: [run, chat], backends: [cpu] }\n"
)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("count", [1, 70])
def test_as_many_as_wanted_distinct_and_again_the_same(kind: Kind, count: int, tmp_path: Path) -> None:
    model = facts(LLAMA3, kind=kind)
    drawn = generate(model, count, seed=3)
    assert len(drawn) == len({each.turns for each in drawn}) == len({each.name for each in drawn}) == count
    assert drawn == generate(model, count, seed=3)
    text = render(drawn, Form.YAML, raw=kind is Kind.BASE, command="apr-qa generate")
    assert text.startswith("# Written by: apr-qa generate\nscenarios:\n")
    playbook = read(HEAD + text, tmp_path)
    assert [scenario.turns for scenario in playbook.listed_scenarios] == [each.turns for each in drawn]
    assert (playbook.warnings, playbook.reports) == ((), ())


def test_another_seed_draws_others() -> None:
    model = facts(LLAMA3)
    assert generate(model, 70, seed=1) != generate(model, 70, seed=2)


def test_the_first_few_are_of_all_kinds() -> None:
    assert len({each.topic for each in generate(facts(LLAMA3), 8, seed=1)}) == 8


def test_a_category_is_all_that_is_wanted() -> None:
    drawn = generate(facts(), 30, seed=1, categories=["code"])
    assert {each.topic for each in drawn} == {"code"}
    assert all(each.language for each in drawn)


@pytest.mark.parametrize(
    ("count", "categories", "problem"),
    [(0, (), "expected 1 to 1000"), (1001, (), "expected 1 to 1000"), (5, ("cod",), "unknown category 'cod'")],
)
def test_what_cannot_be_is_refused(count: int, categories: tuple[str, ...], problem: str) -> None:
    with pytest.raises(AprqaError, match=problem):
        generate(facts(), count, seed=1, categories=categories)


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(AprqaError, match="200 scenarios of json are wanted, and there are"):
        generate(facts(), 200, seed=1, categories=["json"])


def test_json_and_its_lines_say_the_same() -> None:
    drawn = generate(facts(), 12, seed=1)
    whole = json.loads(render(drawn, Form.JSON, raw=False, command=""))["scenarios"]
    lines = [json.loads(line) for line in render(drawn, Form.JSONL, raw=False, command="").splitlines()]
    assert whole == lines
    assert {"name", "category", "oracle"} <= set(whole[0])
