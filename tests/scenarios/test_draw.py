"""Draws are distinct, named by content, and the same in every process."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time

import pytest

from pytest_aprqa.scenarios import Domain, DomainTooSmall, Span, arithmetic, code, draw, edge_probes, recall

_PROGRAM = """
import json, sys
{before}
from pytest_aprqa.scenarios import digest, draw, edge_probes, fill
drawn = [draw(expression, seed=42, count=60) for expression in ("arithmetic()", "code_prompt()", "chat_prompt()",
         "any_prompt()", "adversarial_prompt()")]
print(json.dumps([digest(each) for each in (*drawn, edge_probes(42, 60), fill([], [], count=60, seed=42))]))
"""


def _digests(hash_seed: str, before: str = "") -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(before=before)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(run.stdout))


def test_draws_are_the_same_in_processes_with_other_hash_seeds_and_imports() -> None:
    plain = _digests("0")
    assert len(set(plain)) == len(plain)
    assert _digests("1", "import random; random.seed(5); import hypothesis, decimal, xml.dom.minidom") == plain


def test_a_thousand_sums_are_distinct_and_drawn_within_a_second() -> None:
    started = time.process_time()
    drawn = draw("arithmetic()", seed=1, count=1000)
    assert time.process_time() - started < 1
    assert len({scenario.turns for scenario in drawn}) == 1000
    assert len({scenario.name for scenario in drawn}) == 1000


def test_another_seed_draws_others() -> None:
    assert draw("arithmetic()", seed=1, count=20) != draw("arithmetic()", seed=2, count=20)


def test_asking_for_more_keeps_what_was_drawn() -> None:
    assert draw("chat_prompt()", seed=3, count=50)[:20] == draw("chat_prompt()", seed=3, count=20)


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("arithmetic(a: 1..10, b: 1..10, op: +)", 100),
        ("qa_prompt()", 120),
        ("instruction_prompt(task: json)", 56),
    ],
)
def test_a_domain_can_be_drawn_to_its_last_scenario_and_no_further(expression: str, count: int) -> None:
    drawn = draw(expression, seed=0, count=count)
    assert len({scenario.turns for scenario in drawn}) == count
    assert len({scenario.name for scenario in drawn}) == count
    with pytest.raises(DomainTooSmall, match=f"has {count} different prompts, {count + 1} are wanted"):
        draw(expression, seed=0, count=count + 1)


def test_a_domain_that_repeats_a_prompt_is_not_counted_twice() -> None:
    same = Domain("same", 10, lambda _: arithmetic().at(0))
    with pytest.raises(DomainTooSmall) as caught:
        draw(same, seed=0, count=2)
    assert caught.value.size == 1


@pytest.mark.parametrize("count", [-1, 10**9])
def test_absurd_counts_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to"):
        draw("arithmetic()", seed=0, count=count)


def _evaluate(expression: str) -> float:
    node = ast.parse(expression, mode="eval")
    assert all(
        isinstance(each, ast.Expression | ast.BinOp | ast.UnaryOp | ast.Constant | ast.operator | ast.unaryop)
        for each in ast.walk(node)
    )
    return float(eval(compile(node, "sum", "eval")))


def test_expected_values_of_sums_are_what_python_computes() -> None:
    drawn = draw(arithmetic(Span(-30, 30), Span(-30, 30), "+-*/"), seed=5, count=500)
    for scenario in drawn:
        prompt = scenario.turns[0]
        for word, sign in {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}.items():
            prompt = prompt.replace(f" {word} ", sign)
        expression = (
            prompt.strip("?=. ").removeprefix("What is ").removeprefix("Calculate ").removeprefix("How much is ")
        )
        assert _evaluate(expression) == scenario.expected
        assert isinstance(scenario.expected, int)


def test_every_operator_and_wording_is_drawn() -> None:
    prompts = [scenario.turns[0] for scenario in draw("arithmetic(op: +|-|*|/)", seed=0, count=300)]
    for piece in ("What is", "Calculate", "=", "How much is", "plus", "minus", "times", "+", "-", "*"):
        assert any(piece in prompt for prompt in prompts), piece


def test_a_dialogue_tells_first_asks_last_and_expects_what_was_told() -> None:
    for scenario in draw(recall(turns=4), seed=9, count=200):
        assert len(scenario.turns) == 4
        assert str(scenario.expected) in scenario.turns[0]
        assert scenario.turns[-1].endswith("?")
        assert not any(str(scenario.expected) in turn for turn in scenario.turns[1:])
        assert scenario.oracles[0].type in ("contains", "regex")


def test_code_scenarios_carry_their_language_to_the_oracle() -> None:
    drawn = draw(code(["rust", "go"]), seed=0, count=40)
    assert {scenario.language for scenario in drawn} == {"rust", "go"}
    assert all(scenario.oracles[0].config["languages"] == [scenario.language] for scenario in drawn)


def test_edge_probes_begin_with_known_texts_and_go_on_with_random_ones() -> None:
    probes = edge_probes(1, 60)
    assert {scenario.category for scenario in probes} == {"edge"}
    assert {scenario.oracles[0].type for scenario in probes} == {"survives"}
    assert len({scenario.turns for scenario in probes}) == 60
    assert ("",) in {scenario.turns for scenario in probes[:36]}
    assert edge_probes(1, 5) == probes[:5]
    assert edge_probes(2, 5) != probes[:5]
