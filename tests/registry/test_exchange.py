from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.evidence import Dialect, Evidence, read_evidence
from pytest_aprqa.registry import exchange_form
from pytest_aprqa.scoring import Mqs, Rules, score
from tests.registry.samples import a_run
from tests.reports.samples import blocked, empty, eventful, good


def written(folder: Path, made: Evidence) -> tuple[dict[str, object], Path, Mqs]:
    mqs = score(made.records, Rules("mvp"))
    form = exchange_form(made, mqs, model="a/b", family="f", size="tiny", playbook="p", tier="mvp")
    path = folder / "a-b.json"
    path.write_text(json.dumps(form, allow_nan=False), encoding="utf-8")
    return dict(form), path, mqs


@pytest.mark.parametrize("made", [good(), eventful(), blocked(), empty()], ids=["good", "eventful", "blocked", "empty"])
def test_what_is_written_is_read_back_with_the_same_outcomes_and_gateways(tmp_path: Path, made: Evidence) -> None:
    form, path, mqs = written(tmp_path, made)
    back = read_evidence(path)
    assert back.dialect is Dialect.EXPORT
    assert [(it.gate_id, it.outcome, it.reason) for it in back.records] == [
        (it.gate_id, it.outcome, it.reason) for it in made.records
    ]
    assert [it.answers[0].text for it in back.records if it.answers] == [
        it.answers[0].text for it in made.records if it.answers and it.answers[0].text
    ]
    assert [it.garbage for it in back.records] == [it.garbage for it in made.records]
    again = score(back.records, Rules("mvp"))
    assert (again.mqs, again.passed, again.total) == (mqs.mqs, mqs.passed, mqs.total)
    assert list(form) == ["$schema", "version", "model", "playbook", "summary", "mqs", "gates", "evidence"]


def test_values_are_those_of_the_score(tmp_path: Path) -> None:
    form, _, mqs = written(tmp_path, a_run())
    assert form["mqs"] == {
        "score": 1000,
        "grade": "A+",
        "gateway_passed": True,
        "category_scores": {"qual": 200, "perf": 150, "stab": 200, "comp": 150, "edge": 150, "regr": 150},
    }
    assert form["model"] == {"hf_repo": "a/b", "family": "f", "size": "tiny", "format": "safetensors"}
    assert form["summary"]["timestamp"] == "2026-05-31T12:00:00Z"  # type: ignore[index]  # an object
    assert form["summary"]["passed"] == mqs.passed  # type: ignore[index]  # an object


def test_a_gateway_without_evidence_is_not_passed(tmp_path: Path) -> None:
    form, _, _ = written(tmp_path, empty())
    gates = form["gates"]
    assert isinstance(gates, dict)
    assert list(gates) == ["G0-INTEGRITY", "G1-MODEL-LOADS", "G2-BASIC-INFERENCE", "G3-NO-CRASHES", "G4-OUTPUT-QUALITY"]
    assert all(gate == {"passed": False, "reason": "unknown: evidence is missing"} for gate in gates.values())


def test_a_failed_gateway_says_why(tmp_path: Path) -> None:
    form, _, _ = written(tmp_path, blocked())
    assert form["gates"]["G0-INTEGRITY"] == {"passed": False, "reason": "not as expected"}  # type: ignore[index]


def test_all_published_evidence_survives_the_exchange(tmp_path: Path, corpus: Path) -> None:
    for path in sorted((corpus / "evidence").glob("*.json")):
        made = read_evidence(path)
        _, back, mqs = written(tmp_path, made)
        again = score(read_evidence(back).records, Rules("mvp"))
        assert (again.mqs, dict(again.gateways)) == (mqs.mqs, dict(mqs.gateways))
