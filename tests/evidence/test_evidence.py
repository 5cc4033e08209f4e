"""The evidence object: order, counts, what differs between runs, and the shipped schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from pytest_aprqa.core import EvidenceError, Outcome, falsified
from pytest_aprqa.evidence import (
    EngineInfo,
    Evidence,
    HostInfo,
    RunInfo,
    distinct_prompts,
    record_of_case,
    untimed,
)
from pytest_aprqa.evidence.schema import SCHEMA_FILE, schema_text
from tests.evidence.samples import PLAYBOOK, a_case, a_completion, a_record, an_evidence


def test_records_and_engines_are_sorted_whatever_the_order_of_arrival() -> None:
    records = [a_record(index=index) for index in range(5)]
    engines = [EngineInfo(target=target, name="fake") for target in ("b", "a", "b")]
    evidence = Evidence(
        run=RunInfo(), host=HostInfo(), playbook=PLAYBOOK, engines=tuple(engines), records=tuple(records[::-1])
    )
    assert [record.index for record in evidence.records] == [0, 1, 2, 3, 4]
    assert [engine.target for engine in evidence.engines] == ["a", "b"]


def test_untimed_is_equal_for_serial_and_distributed_runs() -> None:
    def run(workers: int, started_at: str) -> Evidence:
        info = RunInfo(id=started_at, started_at=started_at, command=("pytest", f"-n{workers}"), workers=workers)
        evidence = an_evidence(a_record(index=0), a_record(index=1), run=info)
        engine = EngineInfo(target="t", name="fake", threads=2 // max(workers, 1))
        return evidence.model_copy(update={"engines": (engine,)})

    serial, distributed = run(0, "2026-01-01"), run(2, "2026-01-02")
    assert serial != distributed
    assert untimed(serial) == untimed(distributed)
    refuted = an_evidence(a_record(index=0), a_record(outcome=Outcome.FALSIFIED, index=1))
    assert untimed(refuted) != untimed(an_evidence(a_record(index=0), a_record(index=1)))


def test_distinct_prompts_counts_what_was_sent_once() -> None:
    asked = [
        record_of_case(a_case(name), playbook="p", index=0, outcome=Outcome.FALSIFIED, reason="r") for name in "ab"
    ]
    skipped = asked[0].model_copy(update={"outcome": Outcome.SKIPPED, "turns": ("never sent",)})
    other = asked[0].model_copy(update={"system": None})
    assert distinct_prompts([*asked, skipped]) == 1
    assert distinct_prompts([*asked, other]) == 2
    assert distinct_prompts([a_record()]) == 0


def test_our_own_evidence_must_say_what_was_compared() -> None:
    plain = an_evidence(a_record()).to_json()
    plain["records"] = [{**a_record().to_json(), "compared": None}]
    with pytest.raises(EvidenceError, match="compared is null"):
        Evidence.from_json(plain)


def test_shipped_schema_is_the_one_the_classes_generate() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run python -m pytest_aprqa.evidence.schema"


def test_shipped_schema_is_valid_and_accepts_what_we_write() -> None:
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    full = record_of_case(
        a_case(),
        playbook="p",
        index=0,
        outcome=Outcome.FALSIFIED,
        reason="r",
        verdict=falsified("r"),
        completion=a_completion(),
    )
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(an_evidence(full).to_json())
    assert list(validator.iter_errors({**an_evidence(full).to_json(), "surprise": 1}))


def test_every_field_of_the_schema_is_documented() -> None:
    schema = json.loads(schema_text())
    tables = {"Evidence": schema, **schema["$defs"]}
    missing = [
        f"{name}.{field}"
        for name, table in tables.items()
        for field, shape in table.get("properties", {}).items()
        if not shape.get("description")
    ]
    assert missing == []
