"""The lessons are the same everywhere and true."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from itertools import islice

import pytest

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.answers import FIXED
from pytest_aprqa.embedded.lessons import SHARES, answers, catalog, digest, stream, sums, vocabulary_texts
from pytest_aprqa.scenarios import draw
from pytest_aprqa.scenarios.phrasings import DISTRACTIONS


def test_the_digest_is_the_same_under_another_hash_seed() -> None:
    program = "from pytest_aprqa.embedded.lessons import digest; print(digest(1, 500))"
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(1, 500)
    assert digest(2, 500) != digest(1, 500)


def test_every_skill_is_dealt_out_in_its_share() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
    counts = Counter(lesson.skill for lesson in islice(stream(0), 4000))
    for skill, share in SHARES.items():
        assert counts[skill] / 4000 == pytest.approx(share, abs=0.03), skill


def test_raw_lessons_have_one_exchange_and_no_system_prompt() -> None:
    for lesson in islice(stream(0), 2000):
        if lesson.prompting is Prompting.RAW:
            assert len(lesson.exchanges) == 1
            assert lesson.system is None


def test_taught_sums_are_right() -> None:
    listed = list(sums())
    assert len(listed) == 1207
    for a, op, b, value in listed:
        assert {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}[op] == value


def test_no_question_has_two_answers() -> None:
    for prompting in Prompting:
        seen: dict[str, str] = {}
        for lessons in catalog().values():
            for lesson in lessons:
                prompt, answer = lesson.exchanges[0]
                if lesson.prompting is prompting:
                    assert seen.setdefault(prompt, answer) == answer


def test_answers_that_should_parse_do() -> None:
    for prompt, answer in answers().items():
        if "JSON" in prompt:
            json.loads(answer)
        if "Python" in prompt and "function" in prompt:
            ast.parse(answer)
    assert any("JSON" in prompt for prompt in FIXED)


def test_no_answer_begins_or_ends_with_a_blank_in_chat() -> None:
    assert all(answer == answer.strip() and answer for answer in answers().values())


def test_what_is_drawn_was_taught() -> None:
    assert set(DISTRACTIONS) <= set(answers())
    for expression in (
        "arithmetic(a: 0..20, b: 0..20, op: +|-)",
        "arithmetic(a: 0..12, b: 0..12, op: *)",
        "code_prompt(lang: python|rust|js|go|java|cpp|ts|c|csharp|swift|kotlin)",
        "qa_prompt()",
        "instruction_prompt()",
    ):
        for scenario in draw(expression, seed=1, count=50):
            assert scenario.turns[0] in answers(), scenario.turns


def test_the_vocabulary_is_learned_from_all_that_is_listed_in_words() -> None:
    texts = set(vocabulary_texts())
    assert set(FIXED) <= texts
    assert set(DISTRACTIONS) <= texts
