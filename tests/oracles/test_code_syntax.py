from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from pytest_aprqa.core import Finish, Outcome
from pytest_aprqa.oracles import Question, grammars
from pytest_aprqa.oracles.blocks import MAX_CODE, fenced_blocks, plain_block
from pytest_aprqa.oracles.code_syntax import judge_code_syntax
from tests.oracles.asking import asked, said

PYTHON = asked("Write a Python function that adds two numbers.")
OPENING = asked("def fibonacci(n):")
ADD = "def add(a, b):\n    return a + b"

ACCEPTED = (
    f"```python\n{ADD}\n```",
    f"```\n{ADD}\n```",
    f"```py\n{ADD}",
    ADD,
    f"Sure! Here it is:\n\n{ADD}\n\nThis adds two numbers (a and b).",
    f"```bash\npip install x\n```\n\n```python\n{ADD}\n```\n",
    "```python\nprint('hi')\n```",
    "    x = 1\n    y = x + 1\n",
    'x = "\\d"',
)
REFUSED = (
    "Sure",
    "Paris",
    "not sure",
    "Sure, here",
    "Answer: four",
    "return value",
    "I cannot do that.",
    "```python\ndef add(a, b)\n    return a + b\n```",
    "```python\nSure\n```",
    "```javascript\nfunction add(a, b) { return a + b; }\n```",
    f"```python\n{ADD}\n```\nor\n```python\ndef add(a b): pass\n```",
    "x = = 1; y = (",
    "(" * 9000,
    "-" * 9000 + "1",
    "x = '\x00'",
    "x = " + "1" * 5000,
)
CONTINUED = (
    "\n    if n <= 1:\n        return n\n    return fibonacci(n-1) + fibonacci(n-2)",
    "    if n <= 1:\n        return n\n    return 1",
    "return n",
    "\n    return n\n\nprint(fibonacci(10))",
    "def fibonacci(n):\n    return 1",
    "```python\ndef fibonacci(n):\n    return n\n```",
)
NOT_CONTINUED = (" Paris", "", " the function is recursive", "\n    return (n", "\n  n\n")
CUT = (
    '```python\ndef add(a, b):\n    """Adds two',
    "```python\ndef add(a, b):\n    if a:\n        return a + (b",
    "```python\ndef add(a, b):\n    try:\n        x = 1\n",
    "```python\ndef add(a, b):\n    return a + b\n\nfor x in",
    "```python\ndef add(a, b):",
)
LANGUAGES = {
    "c": ("#include <stdio.h>\nint main(void) { return 0; }", "int main( { return }"),
    "cpp": ("#include <iostream>\nint main() { std::cout << 1; }", "int main( { return }"),
    "csharp": ("public int Add(int a, int b) { return a + b; }", "public int Add(int a int b) {"),
    "go": ('package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("hi")\n}', "func main( {"),
    "java": ("public static int add(int a, int b) {\n    return a + b;\n}", "public static int add(int a, int b {"),
    "javascript": ("const add = (a, b) => {\n  return a + b;\n};", "const add = (a, b => a + ;"),
    "kotlin": ("fun add(a: Int, b: Int): Int {\n    return a + b\n}", "fun add(a: Int b {"),
    "rust": ("fn add(a: i32, b: i32) -> i32 {\n    a + b\n}", "fn add(a: i32 b: i32 -> i32 {"),
    "swift": ("func add(_ a: Int, _ b: Int) -> Int {\n    return a + b\n}", "func add(_ a: Int, -> {"),
    "typescript": ("function add(a: number, b: number): number {\n  return a + b;\n}", "function add(a: number, b: {"),
}


def of(language: str) -> Question:
    return Question(turns=("Write a function that adds.",), language=language)


def needs(language: str) -> None:
    if language not in grammars.installed():
        pytest.skip(f"the {language} grammar is not installed: {grammars.INSTALL}")


@pytest.mark.parametrize("answer", ACCEPTED)
def test_python_that_parses_is_corroborated(answer: str) -> None:
    verdict = judge_code_syntax(PYTHON, said(answer), {})
    assert verdict.outcome is Outcome.CORROBORATED, verdict.reason
    assert verdict.compared >= 1


@pytest.mark.parametrize("answer", REFUSED)
def test_prose_and_broken_python_are_falsified(answer: str) -> None:
    verdict = judge_code_syntax(PYTHON, said(answer), {})
    assert verdict.outcome is Outcome.FALSIFIED, verdict.reason


@pytest.mark.parametrize("answer", CONTINUED)
def test_answer_that_goes_on_from_the_prompts_code_is_corroborated(answer: str) -> None:
    assert judge_code_syntax(OPENING, said(answer), {}).outcome is Outcome.CORROBORATED


@pytest.mark.parametrize("answer", NOT_CONTINUED)
def test_code_of_the_prompt_alone_is_not_enough(answer: str) -> None:
    assert judge_code_syntax(OPENING, said(answer), {}).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize("answer", CUT)
def test_beginning_is_enough_only_where_the_token_limit_cut(answer: str) -> None:
    assert judge_code_syntax(PYTHON, said(answer, finish=Finish.LENGTH), {}).outcome is Outcome.CORROBORATED
    assert judge_code_syntax(PYTHON, said(answer), {}).outcome is Outcome.FALSIFIED


def test_truncation_does_not_excuse_nonsense() -> None:
    answer = "```python\nimport os\n%%% no code ###\nand more of it\nx x x x\nand more"
    assert judge_code_syntax(PYTHON, said(answer, finish=Finish.LENGTH), {}).outcome is Outcome.FALSIFIED


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_are_parsed_by_their_grammar(language: str) -> None:
    needs(language)
    good, bad = LANGUAGES[language]
    for answer in (f"```{language}\n{good}\n```", f"Here you go:\n\n{good}", f"{good}\n\nThis works well."):
        verdict = judge_code_syntax(of(language), said(answer), {})
        assert verdict.outcome is Outcome.CORROBORATED, (answer, verdict.reason)
    for answer in (f"```{language}\n{bad}\n```", f"```{language}\nParis\n```", "Paris", "Sure, it's here. Just 'so"):
        verdict = judge_code_syntax(of(language), said(answer), {})
        assert verdict.outcome is Outcome.FALSIFIED, (answer, verdict.reason)


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_may_be_cut_by_the_token_limit(language: str) -> None:
    needs(language)
    cut = LANGUAGES[language][0][:-2]
    assert judge_code_syntax(of(language), said(cut, finish=Finish.LENGTH), {}).outcome is Outcome.CORROBORATED
    assert judge_code_syntax(of(language), said(cut), {}).outcome is Outcome.FALSIFIED


def test_rust_may_go_on_from_the_prompt() -> None:
    needs("rust")
    question = asked("fn double(n: u32) -> u32 {")
    assert judge_code_syntax(question, said("\n    n * 2\n}"), {}).outcome is Outcome.CORROBORATED
    assert judge_code_syntax(question, said("Paris is the capital of France"), {}).outcome is Outcome.FALSIFIED


def test_missing_grammar_is_inconclusive_and_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> ModuleType:
        raise ImportError(name)

    grammars._parser.cache_clear()
    monkeypatch.setattr(importlib, "import_module", absent)
    verdict = judge_code_syntax(of("rust"), said("```rust\nfn f() {}\n```"), {})
    prose = judge_code_syntax(of("rust"), said("Paris"), {})
    grammars._parser.cache_clear()
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "pip install 'pytest-aprqa[code]'" in verdict.reason
    assert prose.outcome is Outcome.FALSIFIED


def test_language_without_a_parser_is_inconclusive() -> None:
    verdict = judge_code_syntax(of("ruby"), said("```ruby\nputs 1\n```"), {})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no parser for ruby" in verdict.reason


def test_allowed_languages_have_an_effect() -> None:
    needs("rust")
    question = asked("Write a function that reverses a string.")
    answer = said("```rust\nfn r(s: &str) -> String { s.chars().rev().collect() }\n```")
    assert judge_code_syntax(question, answer, {"languages": ["python", "rust"]}).outcome is Outcome.CORROBORATED
    assert judge_code_syntax(question, answer, {"languages": ["python"]}).outcome is Outcome.FALSIFIED


def test_parsed_code_is_capped() -> None:
    assert len(fenced_blocks("```python\n" + "x = 1\n" * 100_000 + "```")[0].code) == MAX_CODE
    block = plain_block("x = (1)\n" * 100_000)
    assert block is not None
    assert len(block.code) <= MAX_CODE
    assert judge_code_syntax(PYTHON, said("x = f(1)\n" * 100_000), {}).outcome is Outcome.CORROBORATED
