"""Generator and oracle expressions: what is accepted, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pytest_aprqa.core import Scenario
from pytest_aprqa.oracles import check_spec
from pytest_aprqa.scenarios import draw, is_judgeable, oracles_for, parse_generator

ACCEPTED = [
    ("arithmetic()", "arithmetic"),
    ("arithmetic", "arithmetic"),
    ("arithmetic(a: i32, b: i32, op: +|-|*)", "arithmetic"),
    ("arithmetic(a: 1..10, b: 1..=10, op: +)", "arithmetic"),
    (" arithmetic ( a : 3 ) ", "arithmetic"),
    ("arithmetic(op: /)", "arithmetic"),
    ("code_prompt()", "code"),
    ("code_prompt(lang: python|rust|js|go|java|cpp|ts|c)", "code"),
    ("coding_prompt(lang: swift|kotlin|csharp)", "code"),
    ("qa_prompt()", "qa"),
    ("chat_prompt()", "chat"),
    ("multi_turn_chat(turns: 5)", "chat"),
    ("instruction_prompt(task: json)", "instruction"),
    ("reasoning_prompt(type: math)", "reasoning"),
    ("adversarial_prompt()", "edge"),
]


@pytest.mark.parametrize(("expression", "category"), ACCEPTED)
def test_generators_are_accepted(expression: str, category: str) -> None:
    drawn = draw(expression, seed=0, count=10)
    assert {scenario.category for scenario in drawn} == {category}


def test_any_prompt_mixes_categories() -> None:
    drawn = draw("any_prompt(seed: fixed)", seed=0, count=60)
    assert [sum(each.category == name for each in drawn) for name in ("arithmetic", "code", "qa")] == [30, 20, 10]


REFUSED = [
    ("arithmetics()", "unknown generator 'arithmetics'; did you mean 'arithmetic'?"),
    ("frobnicate()", "expected one of arithmetic"),
    ("arithmetic(x: 1)", "arithmetic has no argument 'x'"),
    ("code_prompt(lnag: c)", "did you mean 'lang'?"),
    ("code_prompt(lang: pyton)", "did you mean 'python'?"),
    ("code_prompt(lang: cobol)", "unknown language 'cobol'; expected one of"),
    ("arithmetic(a: 1..x)", "a: expected a range such as 1..20, found '1..x'"),
    ("arithmetic(a: 9..1)", "a: the range 9..1 is empty"),
    ("arithmetic(a: 1..99999999999)", "beyond"),
    ("arithmetic(a: 0..100000, b: 1..100000, op: /)", "use smaller ranges for division"),
    ("arithmetic(a: 1..2, b: 5..6, op: /)", "no exact division"),
    ("arithmetic(op: %)", "operators '%'"),
    ("arithmetic(a: 1, a: 2)", "given twice"),
    ("arithmetic(a 1)", "expected argument: value, found 'a 1'"),
    ("arithmetic(a: 1", "expected name(argument: value, ...)"),
    ("", "expected name(argument: value, ...)"),
    ("qa_prompt(x: 1)", "it takes none"),
    ("multi_turn_chat(turns: 1)", "expected 2 to 8"),
    ("multi_turn_chat(turns: -3)", "expected a whole number"),
    ("any_prompt(seed: 5)", "expected fixed"),
    ("instruction_prompt(task: dance)", "expected one of json, code, qa"),
    ("reasoning_prompt(type: dance)", "expected one of math"),
    ("fn gen() -> String { format!(1) }", "expected name(argument: value, ...)"),
    ("a" * 100_000, "at most 500 characters"),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED, ids=range(len(REFUSED)))
def test_generators_are_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_generator(expression)


SUM = draw("arithmetic()", seed=0, count=1)[0]
PROGRAM = draw("code_prompt(lang: rust)", seed=0, count=1)[0]
DIALOGUE = draw("chat_prompt()", seed=0, count=1)[0]
BARE = Scenario("bare", ("Hello",), "prompt")


@pytest.mark.parametrize(
    ("expression", "scenario", "types"),
    [
        ("eval(a op b) == parse_int(output)", SUM, ["arithmetic"]),
        ("correct", SUM, ["arithmetic"]),
        ("correct_answer", PROGRAM, ["code_syntax"]),
        ("output.contains(expected)", SUM, ["arithmetic"]),
        ("correct", BARE, ["unjudgeable"]),
        ("is_valid_syntax(output, lang)", PROGRAM, ["code_syntax"]),
        ("valid_syntax", PROGRAM, ["code_syntax"]),
        ("valid_syntax", SUM, ["unjudgeable"]),
        ("arithmetic", DIALOGUE, ["unjudgeable"]),
        ("is_coherent(output)", DIALOGUE, ["response"]),
        ("coherent_response", DIALOGUE, ["response"]),
        ("!is_garbage(output)", DIALOGUE, ["garbage"]),
        ("output.len()  >  0", DIALOGUE, ["garbage"]),
        ("run(seed) == run(seed)", SUM, ["deterministic"]),
        ("follows_instruction(output, task)", SUM, ["unjudgeable"]),
        ("reasoning_correct(output)", SUM, ["unjudgeable"]),
        ("code_correct(output, tests)", SUM, ["unjudgeable"]),
        ("!is_harmful(output)", SUM, ["unjudgeable"]),
    ],
)
def test_oracles_are_resolved(expression: str, scenario: Scenario, types: list[str]) -> None:
    assert [spec.type for spec in oracles_for(expression, scenario)] == types


def test_what_has_no_judge_says_so_before_a_run() -> None:
    assert is_judgeable("correct")
    assert not is_judgeable("!is_harmful(output)")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("corect", "unknown oracle 'corect'; did you mean 'correct'?"),
        ("output.len() > 5", "did you mean 'output.len() > 0'?"),
        ("True", "expected one of"),
        ("x" * 100_000, "unknown oracle"),
    ],
    ids=["typo", "number", "python", "long"],
)
def test_oracles_are_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        oracles_for(expression, SUM)
    assert len(str(caught.value)) < 2000


def test_every_expression_of_the_corpus_resolves(corpus: Path) -> None:
    entries = []
    for path in sorted([*corpus.glob("playbooks/*.yaml"), *corpus.glob("templates/*.yaml")]):
        tests = yaml.safe_load(path.read_text(encoding="utf-8")).get("property_tests")
        entries += tests if isinstance(tests, list) else []
    assert len(entries) > 20
    for entry in entries:
        for scenario in draw(entry["generator"], seed=42, count=entry.get("count", 100)):
            assert oracles_for(entry["oracle"], scenario)


ORACLES = [
    "correct",
    "valid_syntax",
    "is_coherent(output)",
    "!is_garbage(output)",
    "run(seed) == run(seed)",
    "!is_harmful(output)",
    "survives",
    "arithmetic",
]


@pytest.mark.parametrize("name", [expression for expression, _ in ACCEPTED])
@pytest.mark.parametrize("oracle", ORACLES)
def test_every_spec_is_one_that_the_oracles_take(name: str, oracle: str) -> None:
    for scenario in draw(name, seed=2, count=10):
        for spec in oracles_for(oracle, scenario):
            check_spec(spec)
