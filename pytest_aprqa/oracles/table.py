"""The one table of oracles: name → function, keys, reader. No other place knows which exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from pytest_aprqa.core import Completion, OracleSpec, Verdict
from pytest_aprqa.oracles import (
    arithmetic,
    code_syntax,
    composite,
    contains,
    deterministic,
    garbage,
    golden,
    json_value,
    regex,
    response,
    survives,
    unjudgeable,
)
from pytest_aprqa.oracles.kind import Config, Kind
from pytest_aprqa.oracles.question import Question

MAX_DEPTH: Final = 5
"""Composites within composites."""


def judge_composite(question: Question, completion: Completion, config: Config) -> Verdict:
    """Judges by each child and combines."""
    parts = composite.read_parts(config)
    names = [child.type for child in parts.children]
    verdicts = [judge_one(child, question, completion) for child in parts.children]
    return composite.combine(parts.mode, names, verdicts)


_KINDS: Final = {
    "arithmetic": Kind(arithmetic.judge_arithmetic, arithmetic.KEYS, arithmetic.read_tolerance),
    "code_syntax": Kind(code_syntax.judge_code_syntax, code_syntax.KEYS, code_syntax.read_languages),
    "composite": Kind(judge_composite, composite.KEYS, composite.read_parts),
    "contains": Kind(contains.judge_contains, contains.KEYS, contains.read_terms),
    "deterministic": Kind(deterministic.judge_deterministic, deterministic.KEYS, deterministic.read_again),
    "garbage": Kind(garbage.judge_garbage, garbage.KEYS, garbage.read_limits),
    "golden": Kind(golden.judge_golden, golden.KEYS, golden.read_recorded),
    "json": Kind(json_value.judge_json, json_value.KEYS, json_value.read_keys),
    "regex": Kind(regex.judge_regex, regex.KEYS, regex.read_pattern),
    "response": Kind(response.judge_response, response.KEYS, response.read_demands),
    "survives": Kind(survives.judge_survives, survives.KEYS, survives.read_nothing),
    "unjudgeable": Kind(unjudgeable.judge_unjudgeable, unjudgeable.KEYS, unjudgeable.read_why),
}


def known_oracles() -> tuple[str, ...]:
    """Every type that a playbook may name, in alphabetical order."""
    return tuple(sorted(_KINDS))


def check_spec(spec: OracleSpec) -> None:
    """Raises ValueError for an unknown type, an unknown key or a value that makes no sense."""
    _check(spec, depth=0)


def judge_one(spec: OracleSpec, question: Question, completion: Completion) -> Verdict:
    """The verdict of one oracle alone, garbage not looked for."""
    return _kind(spec).oracle(question, completion, spec.config)


def _kind(spec: OracleSpec) -> Kind:
    if spec.type not in _KINDS:
        raise ValueError(_unknown("oracle", spec.type, _KINDS))
    return _KINDS[spec.type]


def _check(spec: OracleSpec, depth: int) -> None:
    kind = _kind(spec)
    if depth > MAX_DEPTH:
        raise ValueError(f"composite oracles are nested more than {MAX_DEPTH} deep")
    for key in spec.config:
        if key not in kind.keys:
            raise ValueError(f"oracle {spec.type!r}: {_unknown('key', key, kind.keys)}")
    try:
        kind.read(spec.config)
    except ValueError as error:
        raise ValueError(f"oracle {spec.type!r}: {error}") from error
    if spec.type == "composite":
        for child in composite.read_parts(spec.config).children:
            _check(child, depth + 1)


def _unknown(what: str, found: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(found, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown {what} {found!r}; expected one of {', '.join(names) or 'none'}{hint}"
