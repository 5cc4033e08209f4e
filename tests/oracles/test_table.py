from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_aprqa.core import Json, OracleSpec, Outcome
from pytest_aprqa.oracles import check_spec, judge, known_oracles
from tests.oracles.asking import asked, said

FOUR = asked("What is 2+2?", declared=True)


def test_known_oracles_are_those_that_playbooks_name() -> None:
    assert {"arithmetic", "garbage", "code_syntax", "response", "composite"} < set(known_oracles())


@pytest.mark.parametrize(
    ("type_", "config"),
    [
        ("arithmetic", {"tolerance": 0.01}),
        ("arithmetic", {"tolerance": "1e-5"}),
        ("garbage", {"max_repetition_ratio": 0.3, "min_unique_chars": 10}),
        ("code_syntax", {"languages": ["python", "c++"]}),
        ("response", {"min_relevance": "0.25", "check_coherence": "true"}),
        ("composite", {"mode": "any", "oracles": ["arithmetic", {"type": "garbage", "config": {}}]}),
        ("composite", {"oracles": [{"type": "garbage", "max_repetition_ratio": 0.5}]}),
        ("golden", {"prefix": "x", "must_contain": ["a"]}),
        ("json", {"keys": ["a"]}),
        ("contains", {"any": ["a"], "ignore_case": False}),
        ("regex", {"pattern": "a+", "flags": "im"}),
        ("survives", {}),
        ("deterministic", {"again": ["a"]}),
        ("unjudgeable", {"why": "because"}),
    ],
)
def test_configuration_that_makes_sense_is_accepted(type_: str, config: Mapping[str, Json]) -> None:
    check_spec(OracleSpec(type_, config))


@pytest.mark.parametrize(
    ("type_", "config", "message"),
    [
        ("arithmetics", {}, "unknown oracle 'arithmetics'.*did you mean 'arithmetic'"),
        ("xyz", {}, "unknown oracle 'xyz'; expected one of arithmetic, code_syntax"),
        ("arithmetic", {"tolerence": 1}, "unknown key 'tolerence'.*did you mean 'tolerance'"),
        ("survives", {"x": 1}, "unknown key 'x'; expected one of none"),
        ("arithmetic", {"tolerance": "much"}, "tolerance: expected a number from 0 to 1, found 'much'"),
        ("arithmetic", {"tolerance": True}, "tolerance: expected a number"),
        ("arithmetic", {"tolerance": "nan"}, "tolerance: expected a number"),
        ("garbage", {"max_repetition_ratio": 3}, "max_repetition_ratio: expected a number from 0 to 1, found 3"),
        ("garbage", {"min_unique_chars": [1]}, "min_unique_chars"),
        ("response", {"check_coherence": "maybe"}, "check_coherence: expected true or false"),
        ("code_syntax", {"languages": [["python"]]}, "languages: expected a list of non-empty texts"),
        ("composite", {}, "expected a list of at least one oracle"),
        ("composite", {"oracles": []}, "expected a list of at least one oracle"),
        ("composite", {"mode": "some", "oracles": ["garbage"]}, "mode: expected 'all' or 'any', found 'some'"),
        ("composite", {"oracles": [4]}, "expected entries with a type"),
        ("composite", {"oracles": [{"type": "garbage", "config": 4}]}, "expected config to be a mapping"),
        ("composite", {"oracles": ["garbge"]}, "unknown oracle 'garbge'.*did you mean 'garbage'"),
        ("golden", {"text": 4}, "text: expected a text, found 4"),
        ("contains", {"all": [""]}, "all: expected a list of non-empty texts"),
        ("regex", {}, "pattern: expected a regular expression, found none"),
        ("regex", {"pattern": "("}, "not a regular expression"),
        ("regex", {"pattern": "a", "flags": "q"}, "flags: expected letters of"),
        ("regex", {"pattern": "a" * 1001}, "at most 1000 characters"),
        ("regex", {"pattern": "(a+)+"}, "may never end"),
        ("deterministic", {"again": 4}, "again: expected the second run's text"),
    ],
)
def test_configuration_that_makes_no_sense_is_refused(type_: str, config: Mapping[str, Json], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_spec(OracleSpec(type_, config))


def test_composites_are_not_nested_without_end() -> None:
    spec: dict[str, Json] = {"type": "garbage"}
    for _ in range(10):
        spec = {"type": "composite", "config": {"oracles": [spec]}}
    with pytest.raises(ValueError, match="nested more than 5 deep"):
        check_spec(OracleSpec("composite", {"oracles": [spec]}))


HOLDS: Json = {"type": "arithmetic"}
FAILS: Json = {"type": "contains", "config": {"all": ["Paris"]}}
UNKNOWN: Json = {"type": "unjudgeable"}
NESTED: Json = {"type": "composite", "config": {"oracles": [{"type": "arithmetic"}]}}


def composite(mode: str, *children: Json) -> OracleSpec:
    return OracleSpec("composite", {"mode": mode, "oracles": list(children)})


@pytest.mark.parametrize(
    ("spec", "outcome"),
    [
        (composite("all", HOLDS), Outcome.CORROBORATED),
        (composite("all", HOLDS, FAILS), Outcome.FALSIFIED),
        (composite("all", UNKNOWN, FAILS), Outcome.FALSIFIED),
        (composite("all", HOLDS, UNKNOWN), Outcome.INCONCLUSIVE),
        (composite("any", FAILS, HOLDS), Outcome.CORROBORATED),
        (composite("any", UNKNOWN, HOLDS), Outcome.CORROBORATED),
        (composite("any", FAILS, FAILS), Outcome.FALSIFIED),
        (composite("any", FAILS, UNKNOWN), Outcome.INCONCLUSIVE),
        (composite("any", FAILS, NESTED), Outcome.CORROBORATED),
        (composite("all", NESTED, FAILS), Outcome.FALSIFIED),
    ],
)
def test_composite(spec: OracleSpec, outcome: Outcome) -> None:
    check_spec(spec)
    assert judge([spec], FOUR, said("4")).outcome is outcome
