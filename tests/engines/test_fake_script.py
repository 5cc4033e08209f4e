"""The fake engine's script: a table of what it takes, a table of what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.core import Answer, Completion, EngineRefused, Finish, Request
from pytest_aprqa.engines.fake import STOP_ID, FakeModel
from pytest_aprqa.engines.fake_script import VARIABLE, Script, read_script


def answer(text: str, prompt: str, *, max_tokens: int = 32) -> Answer:
    script = read_script(Path("/nowhere"), {VARIABLE: text})
    (result,) = FakeModel(script, threads=1).generate([Request(id="a", turns=(prompt,), max_tokens=max_tokens)])
    assert isinstance(result, Completion)
    return result.answers[0]


def test_without_a_script_it_computes_and_else_does_not_know(tmp_path: Path) -> None:
    assert read_script(tmp_path, {}) == Script()
    assert answer("{}", "What is 7 × 6?").text == "42"
    assert answer("{}", "Hello").text == "I do not know."


def test_the_first_rule_found_decides() -> None:
    assert answer('{"answers": {"a.c": "one", "abc": "two"}}', "xabcx").text == "one"
    assert answer('{"arithmetic": false, "default": "no"}', "1+1").text == "no"


def test_a_long_answer_is_cut_at_the_limit() -> None:
    cut = answer('{"default": "one two three four"}', "x", max_tokens=3)
    assert (cut.text, cut.finish, len(cut.token_ids)) == ("one two three", Finish.LENGTH, 3)
    whole = answer('{"default": "one two three four"}', "x", max_tokens=5)
    assert (whole.text, whole.finish, whole.token_ids[-1]) == ("one two three four", Finish.STOP, STOP_ID)


def test_the_variable_goes_before_the_folder_and_yaml_is_read(tmp_path: Path) -> None:
    (tmp_path / "fake-engine.json").write_text('{"default": "folder"}')
    other = tmp_path / "other.yaml"
    other.write_text("default: variable\nanswers:\n  big: {allocate_bytes: 500_000}\n")
    assert read_script(tmp_path, {}).default == "folder"
    script = read_script(tmp_path, {VARIABLE: str(other)})
    assert script.default == "variable"
    assert script.answers[0].act.allocate_bytes == 500_000


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("{", "Expecting property name"),
        ('{"load": "maybe"}', "expected one of ok, refuse, crash, hang; found 'maybe'"),
        ('{"defualt": "x"}', "unknown key 'defualt'; did you mean 'default'?"),
        ('{"answers": {"(": "x"}}', "not a regular expression"),
        ('{"answers": {"a": 7}}', "answers.a: expected a mapping; found 7"),
        ('{"answers": {"a": {"crash": "SIGNOPE"}}}', "expected a signal such as SIGSEGV; found 'SIGNOPE'"),
        ('{"answers": {"a": {"raise": "OSError"}}}', "expected RuntimeError or MemoryError"),
        ('{"answers": {"a": {"exit": true}}}', "exit: expected int; found True"),
        ('{"answers": []}', "answers: expected a mapping"),
        ('{"context_tokens": "many"}', "context_tokens: expected int; found 'many'"),
    ],
)
def test_a_script_that_means_nothing_is_refused(script: str, reason: str) -> None:
    with pytest.raises(EngineRefused) as caught:
        read_script(Path("/nowhere"), {VARIABLE: script})
    assert reason in str(caught.value)


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineRefused, match="cannot be read"):
        read_script(tmp_path, {VARIABLE: str(tmp_path / "none.yaml")})
    broken = tmp_path / "fake-engine.yaml"
    broken.write_text("a: [")
    with pytest.raises(EngineRefused, match=r"fake-engine\.yaml: while parsing"):
        read_script(tmp_path, {})
