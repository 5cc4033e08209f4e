from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from pytest_aprqa.core import EvidenceError, Modality, Outcome
from pytest_aprqa.evidence import Dialect, Evidence, Selection
from pytest_aprqa.reports import statement_of
from pytest_aprqa.scoring import score_evidence
from tests.reports.samples import CPU, HOSTILE, blocked, case, eventful, evidence, gateways, good, weights_missing
from tests.reports.snapshot import check_snapshot

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
DIGEST = "e" * 64

_DESCRIPTOR = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "uri": {"type": "string", "format": "uri"},
        "digest": {"$ref": "#/$defs/digest"},
        "content": {"type": "string"},
        "downloadLocation": {"type": "string"},
        "mediaType": {"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"},
        "annotations": {"type": "object", "additionalProperties": {"type": "object"}},
    },
    "additionalProperties": False,
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
}
_NAMES = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

SCHEMA = {
    "$comment": "What the in-toto attestation specification says of Statement v1 and of test-result v0.1.",
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {"allOf": [{"$ref": "#/$defs/descriptor"}, {"required": ["digest"]}]},
        },
        "predicateType": {"const": "https://in-toto.io/attestation/test-result/v0.1"},
        "predicate": {
            "type": "object",
            "properties": {
                "result": {"enum": ["PASSED", "WARNED", "FAILED"]},
                "configuration": {"type": "array", "items": {"$ref": "#/$defs/descriptor"}},
                "url": {"type": "string"},
                "passedTests": _NAMES,
                "warnedTests": _NAMES,
                "failedTests": _NAMES,
            },
            "required": ["result", "configuration"],
            "additionalProperties": False,
        },
    },
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "$defs": {
        "descriptor": _DESCRIPTOR,
        "digest": {
            "type": "object",
            "minProperties": 1,
            "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        },
    },
}


def stated(made: Evidence) -> dict[str, Any]:
    return dict(statement_of(made, score_evidence(made), evidence_sha256=DIGEST, now=NOW))


@pytest.mark.parametrize("made", [good(), eventful(), blocked()], ids=["good", "eventful", "blocked"])
def test_the_shape_is_that_of_the_specification(made: Evidence) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(stated(made), allow_nan=False)))


def test_the_statement_is_the_one_that_was_reviewed() -> None:
    check_snapshot("statement-eventful.json", json.dumps(stated(eventful()), indent=1) + "\n")


@pytest.mark.parametrize(
    ("made", "result"),
    [
        (good(), "PASSED"),
        (eventful(), "FAILED"),
        (blocked(), "FAILED"),
        (good().model_copy(update={"run": good().run.model_copy(update={"selection": Selection.PARTIAL})}), "FAILED"),
        (evidence([*good().records, case("x", Modality.RUN, CPU, Outcome.FALSIFIED)]), "WARNED"),
        (evidence([*good().records, case("x", Modality.RUN, CPU, Outcome.INCONCLUSIVE)]), "WARNED"),
        (evidence(gateways(CPU), tier="smoke"), "FAILED"),
        (evidence(good().records, tier="smoke"), "PASSED"),
    ],
)
def test_the_result_is_that_of_the_tier(made: Evidence, result: str) -> None:
    assert stated(made)["predicate"]["result"] == result


def test_every_judged_case_is_in_one_list_and_a_skipped_one_in_none() -> None:
    made = eventful()
    predicate = stated(made)["predicate"]
    by_list = {
        "passedTests": [one.case_id for one in made.records if one.outcome.passed],
        "warnedTests": [one.case_id for one in made.records if one.outcome is Outcome.INCONCLUSIVE],
        "failedTests": [one.case_id for one in made.records if one.outcome.failed],
    }
    assert {name: predicate[name] for name in by_list} == by_list
    assert predicate["configuration"][1]["annotations"]["qualification"]["skippedTests"] == 18


def test_each_tested_file_is_a_subject_once() -> None:
    made = good()
    (weights,) = made.weights
    other = weights.model_copy(update={"target": "safetensors-gpu"})
    gguf = weights.model_copy(update={"target": "gguf-cpu", "folder": "/other", "digests": {"m.gguf": "12" * 32}})
    subjects = stated(made.model_copy(update={"weights": (weights, other, gguf)}))["subject"]
    assert subjects == [
        {"name": "safetensors-cpu/model.safetensors", "digest": {"sha256": "cd" * 32}},
        {"name": "gguf-cpu/m.gguf", "digest": {"sha256": "12" * 32}},
    ]


def test_playbook_and_evidence_are_named_by_digest() -> None:
    playbook, kept = stated(good())["predicate"]["configuration"]
    assert (playbook["name"], playbook["digest"]) == (good().playbook.path, {"sha256": "ab" * 32})
    assert (kept["name"], kept["digest"]) == ("evidence.json", {"sha256": DIGEST})
    assert kept["annotations"]["qualification"]["statedAt"] == "2026-03-04T05:06:00Z"


def test_equal_ids_stay_apart_over_all_lists() -> None:
    made = evidence([*good().records, *(case("x", Modality.RUN, CPU, outcome) for outcome in Outcome)])
    predicate = stated(made)["predicate"]
    names = [name for key in ("passedTests", "warnedTests", "failedTests") for name in predicate[key]]
    assert len(names) == len(set(names))


def test_hostile_texts_are_plain_json() -> None:
    made = evidence([*good().records, case("x", Modality.RUN, case_id=HOSTILE)])
    changed = made.playbook.model_copy(update={"path": HOSTILE, "model": HOSTILE})
    text = json.dumps(stated(made.model_copy(update={"playbook": changed})), ensure_ascii=False)
    text.encode()
    assert text.isprintable()


@pytest.mark.parametrize(
    "made", [weights_missing(), good().model_copy(update={"dialect": Dialect.EXPORT})], ids=["no weights", "foreign"]
)
def test_unknown_files_are_never_a_subject(made: Evidence) -> None:
    with pytest.raises(EvidenceError, match="no certificate"):
        stated(made)
