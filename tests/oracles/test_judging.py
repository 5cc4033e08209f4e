from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import Completion, Finish, Json, OracleSpec, Outcome
from pytest_aprqa.oracles import Question, find_garbage, judge, known_oracles, oracles_for
from tests.oracles.asking import METRICS, asked, said

ARITHMETIC, GARBAGE, RESPONSE = OracleSpec("arithmetic"), OracleSpec("garbage"), OracleSpec("response")
SURVIVES, UNJUDGEABLE = OracleSpec("survives"), OracleSpec("unjudgeable", {"why": "no reference"})
PARIS = OracleSpec("contains", {"all": ["Paris"]})
FOUR = "What is 2+2?"


def test_garbage_is_refused_before_any_other_oracle_is_asked() -> None:
    verdict = judge([PARIS], asked("Where?", declared=True), said("Paris " * 40))
    assert verdict.outcome is Outcome.FALSIFIED
    assert verdict.reason.startswith("garbage in turn 1")


def test_garbage_in_an_earlier_turn_refutes_the_conversation() -> None:
    verdict = judge([PARIS], asked("Hi", "Where?"), said("\x7f" * 32, "Paris"))
    assert "garbage in turn 1" in verdict.reason


@pytest.mark.parametrize("answer", ["", " \n", "</s>"])
def test_empty_answer_is_falsified(answer: str) -> None:
    verdict = judge([GARBAGE], asked(FOUR), said(answer))
    assert verdict.outcome is Outcome.FALSIFIED
    assert verdict.reason.startswith("empty answer")


def test_missing_answers_are_falsified() -> None:
    for specs in ([GARBAGE], [SURVIVES], [SURVIVES, PARIS], []):
        assert judge(specs, asked("a"), Completion("r", (), METRICS)).outcome is Outcome.FALSIFIED
    assert judge([GARBAGE], asked("a", "b"), said("x")).outcome is Outcome.FALSIFIED


def test_survives_does_not_look_for_garbage() -> None:
    assert judge([SURVIVES], asked("?"), said("")).outcome is Outcome.CORROBORATED
    assert judge([SURVIVES, PARIS], asked("?"), said("")).outcome is Outcome.FALSIFIED


def test_all_declared_oracles_must_hold() -> None:
    question = asked(FOUR, declared=True)
    verdict = judge([ARITHMETIC, PARIS], question, said("4, as they say in Paris"))
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, 2)
    assert judge([ARITHMETIC, PARIS], question, said("4")).outcome is Outcome.FALSIFIED
    assert judge([ARITHMETIC, UNJUDGEABLE], question, said("4")).outcome is Outcome.INCONCLUSIVE
    assert judge([ARITHMETIC, UNJUDGEABLE], question, said("5")).outcome is Outcome.FALSIFIED


def test_tool_of_a_playbook_that_cannot_judge_does_not_stop_the_others() -> None:
    assert judge([ARITHMETIC, UNJUDGEABLE], asked(FOUR), said("4")).outcome is Outcome.CORROBORATED


def test_declared_garbage_is_a_verdict_that_says_what_was_checked() -> None:
    verdict = judge([GARBAGE], asked("Hello!"), said("Hi there!"))
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, 1)
    assert verdict.reason == "not garbage: 9 characters, 2 words in 1 answer; nothing else was checked"


def test_undeclared_garbage_check_is_no_verdict() -> None:
    verdict = judge([], asked("Hello!"), said("Hi there!"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("no oracle can judge this prompt; not garbage: 9 characters")


def test_arithmetic_that_is_not_there_is_never_a_pass() -> None:
    assert judge([ARITHMETIC], asked("Hello!"), said("Hi!")).outcome is Outcome.INCONCLUSIVE
    assert judge([ARITHMETIC, GARBAGE], asked("Hello!", declared=True), said("Hi!")).outcome is Outcome.INCONCLUSIVE


def test_short_answer_to_a_playbooks_response_is_held_to_language() -> None:
    question = asked("What is the capital of France?")
    specs = oracles_for((), (RESPONSE, GARBAGE), question)
    verdict = judge(specs, question, said("Paris."))
    assert verdict.outcome is Outcome.CORROBORATED
    assert "nothing else was checked (response: 1 word" in verdict.reason


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("4", Outcome.CORROBORATED),
        ("The answer is 4.", Outcome.CORROBORATED),
        ("", Outcome.FALSIFIED),
        ("5", Outcome.FALSIFIED),
        ("14", Outcome.FALSIFIED),
        ("NING?NING?", Outcome.FALSIFIED),
        (FOUR, Outcome.FALSIFIED),
    ],
)
def test_published_shapes_come_out_right(answer: str, outcome: Outcome) -> None:
    question = asked(FOUR)
    specs = oracles_for((), (ARITHMETIC, GARBAGE), question)
    assert judge(specs, question, said(answer)).outcome is outcome


def test_unknown_oracle_is_an_error_with_a_hint() -> None:
    with pytest.raises(ValueError, match="did you mean 'arithmetic'"):
        judge([OracleSpec("arithmetik")], asked(FOUR), said("4"))


CONFIGS: dict[str, Mapping[str, Json]] = {
    "composite": {"oracles": ["arithmetic", "json"]},
    "regex": {"pattern": "a+b"},
    "contains": {"any": ["a"]},
}
SPECS = st.sampled_from([OracleSpec(name, CONFIGS.get(name, {})) for name in known_oracles()])
PIECES = [
    "2+2",
    "```python\n",
    "def f(x):",
    "{",
    "[",
    "(",
    "<|im_end|>",
    "\x1b[0m",
    "nan",
    "is",
    "=",
    "4",
    "\n",
    "日本",
    "٤",
    "½",
    "²",
    "\ud800",
]
TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(max_examples=200, deadline=None)
@given(specs=st.lists(SPECS, max_size=3), turns=st.lists(TEXTS, min_size=1, max_size=2), data=st.data())
def test_any_text_gets_a_verdict_and_no_pass_compared_nothing(
    specs: list[OracleSpec], turns: list[str], data: st.DataObject
) -> None:
    answers = data.draw(st.lists(TEXTS, min_size=len(turns), max_size=len(turns)))
    finish = data.draw(st.sampled_from(Finish))
    question = Question(
        tuple(turns), expected=data.draw(st.none() | TEXTS | st.integers()), declared=data.draw(st.booleans())
    )
    chosen = data.draw(
        st.sampled_from([tuple(specs), oracles_for((), specs, question), oracles_for(specs, (), question)])
    )
    verdict = judge(chosen, question, said(*answers, finish=finish))
    assert verdict.outcome in (Outcome.CORROBORATED, Outcome.FALSIFIED, Outcome.INCONCLUSIVE)
    assert (verdict.compared > 0) or verdict.outcome is Outcome.INCONCLUSIVE
    json.dumps(dict(verdict.details))
    verdict.reason.encode()


def test_a_megabyte_is_judged_within_its_window() -> None:
    specs = [OracleSpec(name, CONFIGS.get(name, {})) for name in known_oracles() if name != "survives"]
    text = "".join(f"Line {index} says that {index} + 1 = {index + 1} {{}} (x); \n" for index in range(25_000))
    assert len(text) > 1_000_000
    assert judge(specs, asked(FOUR), said(text)).outcome is Outcome.FALSIFIED


def published_answers(corpus: Path) -> set[tuple[str, str]]:
    """Prompt and generated text of the published serve records, whose text can be told from the banner."""
    found = set()
    for file in sorted((corpus / "evidence").glob("*.json")):
        for record in json.loads(file.read_text()):
            body = re.search(r'^\{.*"text".*\}$', record.get("output", ""), re.MULTILINE)
            if record["gate_id"].startswith("F-A") and body:
                found.add((record["scenario"]["prompt"], json.loads(body[0])["text"]))
    return found


def test_published_answers_without_the_right_number_are_refuted(corpus: Path) -> None:
    answers = {text for prompt, text in published_answers(corpus) if prompt == FOUR}
    verdicts = {text: judge([ARITHMETIC], asked(FOUR), said(text, finish=Finish.LENGTH)) for text in answers}
    assert len(verdicts) > 10
    for text, verdict in verdicts.items():
        right = re.search(r"(?:=|is|equals|equal to) 4\b", text)
        assert verdict.outcome is (Outcome.CORROBORATED if right and not find_garbage(text) else Outcome.FALSIFIED), (
            text
        )
