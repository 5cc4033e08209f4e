"""The scenarios that a playbook lists: explicit ones, those of the matrix blocks, golden outputs, prompts.

A name comes from what the author gave or from the prompt. Where two are equal each gets a short digest of its content,
so that a name never depends on what stands before it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

from pydantic import JsonValue

from pytest_aprqa.core import Json, OracleSpec, Scenario, slug
from pytest_aprqa.playbook.document import (
    Document,
    GoldenOutput,
    ListedScenario,
    MatrixPrompt,
    Oracle,
    OracleType,
    VerificationTest,
)
from pytest_aprqa.playbook.playbook import line_of
from pytest_aprqa.playbook.scalars import resolve
from pytest_aprqa.playbook.tree import Node

DEFAULT_CATEGORY: Final = "prompt"
_CATEGORIES: Final = {"arithmetic": "arithmetic", "code_syntax": "code", "golden": "golden"}


def list_scenarios(document: Document, root: Node) -> tuple[Scenario, ...]:
    """All listed scenarios in order, names unique, repetitions dropped."""
    return _distinct(
        [*_explicit(document, root), *_of_matrix(document, root), *_golden(document, root), *_prompts(document, root)]
    )


def specs(oracles: Sequence[Oracle]) -> tuple[OracleSpec, ...]:
    """Declared judges as values; hf_parity judges no single answer: it is a comparison of its own."""
    return tuple(
        OracleSpec(str(oracle.type), _config(oracle.config))
        for oracle in oracles
        if oracle.type is not OracleType.HF_PARITY
    )


def _nothing_to_judge(oracles: Sequence[Oracle]) -> tuple[OracleSpec, ...]:
    """Where hf_parity is a scenario's only oracle nothing judges its answer, and habit must not take its place."""
    why = "hf_parity compares logits and judges no answer; what it found is among the parity items"
    return (OracleSpec("unjudgeable", {"why": why}),) if oracles else ()


def _json(value: JsonValue) -> Json:
    """The same value in the core's words."""
    copied: Json = json.loads(json.dumps(value))
    return copied


def _config(config: Mapping[str, JsonValue]) -> dict[str, Json]:
    return {key: _json(value) for key, value in config.items()}


def _explicit(document: Document, root: Node) -> Iterator[Scenario]:
    for index, entry in enumerate(document.scenarios):
        turns = entry.turns or ((entry.prompt,) if entry.prompt is not None else None)
        if turns is not None:
            yield from _scenario(entry, turns, line_of(root, f"scenarios[{index}]"))


def _scenario(entry: ListedScenario, turns: tuple[str, ...], line: int) -> Iterator[Scenario]:
    """One scenario, or one for each format and backend of an entry that is restricted to several."""
    declared = specs(entry.oracle) or (() if entry.expected is not None else _nothing_to_judge(entry.oracle))
    judged_as_number = not declared or any(oracle.type == OracleType.ARITHMETIC for oracle in declared)
    expected = _number_or(entry.expected) if judged_as_number else _json(entry.expected)
    oracles = declared or _oracle_for(expected)
    scenario = Scenario(
        name=slug(entry.name or turns[0]),
        turns=turns,
        category=entry.category or _category(oracles),
        oracles=oracles,
        expected=expected,
        language=entry.language,
        system=entry.system,
        max_tokens=entry.max_tokens,
        temperature=entry.temperature,
        prompting=entry.prompting,
        line=line,
        only=entry.only,
    )
    restrictions = [words for words in (entry.formats, entry.backends) if words is not None]
    for words in product(*restrictions):
        suffix = "".join(f"-{word}" for word in words) if any(len(words) > 1 for words in restrictions) else ""
        yield replace(scenario, name=scenario.name + suffix, only=(*entry.only, *map(str, words)))


def _of_matrix(document: Document, root: Node) -> Iterator[Scenario]:
    for index, entry in enumerate(document.mvp_matrix):
        yield _matrix_prompt(entry, line_of(root, f"mvp_matrix[{index}]"))
    for index, test in enumerate(document.verification_tests):
        if not is_differential(test):
            yield from _verification(test, line_of(root, f"verification_tests[{index}]"))


def _matrix_prompt(entry: MatrixPrompt, line: int) -> Scenario:
    words = (entry.format, entry.quantization, entry.backend, entry.modality)
    only = tuple(str(word) for word in words if word is not None)
    return Scenario(slug(entry.prompt), (entry.prompt,), DEFAULT_CATEGORY, line=line, only=only)


def is_differential(test: VerificationTest) -> bool:
    """Whether a verification test compares formats with each other instead of asking one for an answer."""
    return test.type is not None


def _verification(test: VerificationTest, line: int) -> Iterator[Scenario]:
    formats = (test.format,) if test.format is not None else test.formats
    entry = ListedScenario(name=test.name, prompt=test.prompt, expected=test.expect, formats=formats)
    yield from _scenario(entry, (test.prompt,), line)


def _golden(document: Document, root: Node) -> Iterator[Scenario]:
    for index, entry in enumerate(document.golden_outputs):
        spec = OracleSpec("golden", _golden_config(entry))
        yield Scenario(
            name=slug(entry.prompt),
            turns=(entry.prompt,),
            category="golden",
            oracles=(spec,),
            max_tokens=entry.max_tokens,
            temperature=entry.temperature,
            line=line_of(root, f"golden_outputs[{index}]"),
        )


def _golden_config(entry: GoldenOutput) -> dict[str, Json]:
    config: dict[str, Json] = {}
    if entry.expected_prefix is not None:
        config["expected_prefix"] = entry.expected_prefix
    config |= {"must_contain": list(entry.must_contain), "must_not_contain": list(entry.must_not_contain)}
    return config


def _prompts(document: Document, root: Node) -> Iterator[Scenario]:
    for index, prompt in enumerate(document.test_matrix.prompts or ()):
        yield Scenario(slug(prompt), (prompt,), DEFAULT_CATEGORY, line=line_of(root, f"test_matrix.prompts[{index}]"))


def _number_or(expected: JsonValue) -> Json:
    """An expected value; a text that is a number is that number, as ``expect: "4"`` means the answer four."""
    if not isinstance(expected, str):
        return _json(expected)
    try:
        number = resolve(expected.strip())
    except ValueError:
        return expected
    return number if isinstance(number, int | float) and not isinstance(number, bool) else expected


def _oracle_for(expected: Json) -> tuple[OracleSpec, ...]:
    """The judge that an expected value alone asks for."""
    if isinstance(expected, str):
        return (OracleSpec("contains"),)
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        return (OracleSpec("arithmetic"),)
    return ()


def _category(oracles: Sequence[OracleSpec]) -> str:
    return next((_CATEGORIES[oracle.type] for oracle in oracles if oracle.type in _CATEGORIES), DEFAULT_CATEGORY)


def digest(scenario: Scenario) -> str:
    """Eight hex digits of what a scenario says and expects, whatever its name and line."""
    content: list[object] = [
        scenario.turns,
        scenario.category,
        [[oracle.type, dict(oracle.config)] for oracle in scenario.oracles],
        scenario.expected,
        scenario.language,
        scenario.system,
        scenario.max_tokens,
        scenario.temperature,
        scenario.prompting,
        scenario.only,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def _distinct(scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    names = distinct_names([scenario.name for scenario in scenarios], scenarios)
    distinct: dict[str, Scenario] = {}
    for name, scenario in zip(names, scenarios, strict=True):
        distinct.setdefault(name, replace(scenario, name=name))
    return tuple(distinct.values())


def distinct_names(names: Sequence[str], scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """A name for each scenario: equal only for equal contents, with a digest where one name has several."""
    counts = Counter(names)
    digests = [digest(scenario) if counts[name] > 1 else "" for name, scenario in zip(names, scenarios, strict=True)]
    contents = Counter(name for name, _ in set(zip(names, digests, strict=True)))
    return tuple(f"{name}-{found}" if contents[name] > 1 else name for name, found in zip(names, digests, strict=True))
