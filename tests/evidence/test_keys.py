"""Content keys: equal questions meet, unequal ones never do, and no timing is reused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pytest_aprqa.core import GATES, Category, EvidenceError, Gate, Outcome, Severity, falsified
from pytest_aprqa.evidence import Record, Resumable, completion_of, content_key, record_of_case
from tests.evidence.samples import a_case, a_completion, a_record

ASKED: dict[str, Any] = {
    "weights_digests": {"a": "1", "b": "2"},
    "engine": "fake",
    "engine_versions": {"torch": "2"},
    "target": "safetensors-cpu",
    "turns": ("Hello", "again"),
    "system": None,
    "prompting": "template",
    "max_tokens": 32,
    "temperature": 0,
    "seed": 1,
    "dtype": "float32",
}


def test_the_order_of_digests_does_not_matter() -> None:
    assert content_key(**{**ASKED, "weights_digests": {"b": "2", "a": "1"}}) == content_key(**ASKED)
    assert content_key(**{**ASKED, "temperature": 0.0}) == content_key(**ASKED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights_digests", {"a": "1", "b": "3"}),
        ("engine", "other"),
        ("engine_versions", {"torch": "2.1"}),
        ("target", "safetensors-gpu"),
        ("turns", ("Helloagain",)),
        ("turns", ("again", "Hello")),
        ("system", ""),
        ("prompting", "raw"),
        ("max_tokens", 33),
        ("temperature", 0.5),
        ("seed", 2),
        ("dtype", "bfloat16"),
        ("repeat", 1),
    ],
)
def test_every_part_changes_the_key(name: str, value: object) -> None:
    assert content_key(**{**ASKED, name: value}) != content_key(**ASKED)


def test_keys_are_equal_in_every_process() -> None:
    code = f"from pytest_aprqa.evidence import content_key; print(content_key(**{ASKED!r}), end='')"
    keys = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert keys == [content_key(**ASKED)] * 2


def judged(key: str | None, outcome: Outcome = Outcome.FALSIFIED, gate_id: str = "F-A3-001") -> Record:
    record = record_of_case(
        a_case(),
        playbook="p",
        index=0,
        outcome=Outcome.FALSIFIED,
        reason="r",
        verdict=falsified("r"),
        completion=a_completion(),
        content_key=key,
    )
    return record.model_copy(update={"gate_id": gate_id, "outcome": outcome})


def test_only_answered_records_are_resumable_judged_or_not() -> None:
    answered = (Outcome.FALSIFIED, Outcome.CORROBORATED, Outcome.INCONCLUSIVE)
    assert set(Resumable.of([judged(str(outcome), outcome) for outcome in answered]).by_key) == {*answered}
    refused = [judged(f"{outcome}", outcome) for outcome in Outcome if outcome not in answered]
    assert not Resumable.of([*refused, judged(None)]).by_key


def test_records_without_an_answer_or_of_unknown_gates_are_not_resumable() -> None:
    unknown = judged("a", gate_id="X-PERF-001")
    silent = a_record().model_copy(update={"content_key": "b"})
    assert not Resumable.of([unknown, silent]).by_key


def test_timing_is_never_resumable(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate("F-PERF-001", Category.PERF, Severity.P1, "fast enough")
    monkeypatch.setitem(GATES, gate.id, gate)
    assert not Resumable.of([judged("a", gate_id=gate.id)]).by_key


def test_the_first_of_equal_keys_is_taken_over() -> None:
    found = Resumable.of([judged("a"), judged("b"), judged("a", Outcome.CORROBORATED)])
    assert [*found.by_key] == ["a", "b"]
    first = found.find("a")
    assert first is not None
    assert first.outcome is Outcome.FALSIFIED
    assert found.find(None) is None
    assert found.find("c") is None


def test_the_answer_comes_back_to_be_judged_anew() -> None:
    completion = a_completion()
    assert completion_of(judged("a"), request_id=completion.request_id) == completion
    with pytest.raises(EvidenceError, match="holds no answer"):
        completion_of(a_record(), request_id="q")
