from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pytest_aprqa.playbook import SCHEMA_FILE, json_schema
from pytest_aprqa.playbook.parse import parse_yaml
from pytest_aprqa.playbook.schema import render_schema
from pytest_aprqa.playbook.tree import plain_data
from tests.playbook.conftest import MINIMAL, Read
from tests.playbook.test_dialects import README
from tests.playbook.test_hostile import WHOLE


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def data(text: str) -> object:
    return plain_data(parse_yaml(text, Path("x.yaml")))


def test_the_shipped_schema_is_what_the_models_say() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_schema(), "run python -m pytest_aprqa.playbook.schema"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", [MINIMAL, README, WHOLE])
def test_the_schema_takes_what_the_reader_takes(validator: Draft202012Validator, read: Read, text: str) -> None:
    read(text, strict=True)
    assert [error.message for error in validator.iter_errors(data(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "test_matrix: {}",
        "model: {}\ntest_matrix: {}",
        "model: {hf_repo: a/b}\ntest_matrix: {modalites: [run]}",
        "model: {hf_repo: a/b}\ntest_matrix: {backends: [tpu]}",
        "model: {hf_repo: a/b}\ntest_matrix: {scenario_count: 0}",
        "model: {hf_repo: a/b}\ntest_matrix: {}\nfailure_policy: never",
        "model: {hf_repo: a/b}\ntest_matrix: {}\ngates: {g1_model_loads: maybe}",
        "model: {hf_repo: a/b}\ntest_matrix: {}\nproperty_tests: 3",
        "model: {hf_repo: a/b}\ntest_matrix: {}\noracles: [nonsense]",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(validator: Draft202012Validator, text: str) -> None:
    assert not validator.is_valid(data(text))


def test_every_real_playbook_satisfies_the_schema(validator: Draft202012Validator, corpus: Path) -> None:
    files = sorted([*(corpus / "playbooks").glob("*.yaml"), *(corpus / "templates").glob("*.yaml")])
    assert len(files) == 81
    for file in files:
        errors = [error.message for error in validator.iter_errors(data(file.read_text(encoding="utf-8")))]
        assert errors == [], file.name
