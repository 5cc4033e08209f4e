from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pytest_aprqa.core import Outcome
from pytest_aprqa.evidence import Evidence, Selection, WeightsInfo, write_evidence
from pytest_aprqa.registry import Award, Books, Origin, Registry, Row, check, read_books
from tests.registry.samples import NOW, a_run, only_row, posted, with_failure, with_only
from tests.reports.samples import MODEL

KEPT = "aprqa--aprqa-tiny/evidence-mvp.json"


def found(folder: Path, books: Books, *, now: datetime = NOW) -> dict[str, list[str]]:
    by_rule: dict[str, list[str]] = {}
    for finding in check(books.registry, books.awards, root=folder, now=now):
        assert finding.model_id == MODEL
        by_rule.setdefault(finding.rule.value, []).append(finding.problem)
    return by_rule


def rewritten(folder: Path, books: Books, made: Evidence) -> Books:
    """The registry with other evidence in the place of the recorded one, and the record's digest made to fit."""
    write_evidence(folder / "other", made).replace(folder / KEPT)
    digest = hashlib.sha256((folder / KEPT).read_bytes()).hexdigest()
    return with_only(books, {}, award=award_with(books, evidence_sha256=digest))


def award_with(books: Books, **changes: object) -> Award:
    award = books.awards.of(MODEL)
    assert award is not None
    return award.model_copy(update=changes)


@pytest.mark.parametrize("tier", ["mvp", "deep"])
def test_a_measured_award_is_contradicted_by_nothing(tmp_path: Path, tier: str) -> None:
    books = posted(tmp_path, a_run(tier))
    assert only_row(books).status in ("PROVISIONAL", "CERTIFIED")
    assert found(tmp_path, books) == {}


def test_a_blocked_row_and_a_pending_one_are_contradicted_by_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, posted(tmp_path, with_failure(a_run(), "G2-BASIC"))) == {}
    assert found(tmp_path / "smoke", posted(tmp_path / "smoke", a_run("smoke"))) == {}


def test_the_evidence_of_a_smoke_run_must_be_what_was_recorded(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run("smoke"))
    path = tmp_path / books.awards.runs_of(MODEL)["smoke"].evidence
    path.write_bytes(path.read_bytes() + b"\n")
    assert "its digest is" in found(tmp_path, books)["evidence"][0]
    path.unlink()
    assert "the evidence of the last smoke run is not there" in found(tmp_path, books)["evidence"][0]


def test_a_later_smoke_run_does_not_take_the_evidence_of_the_award(tmp_path: Path) -> None:
    posted(tmp_path, a_run("mvp"))
    books = posted(tmp_path, a_run("smoke"))
    assert only_row(books).status == "PROVISIONAL"
    assert set(books.awards.runs_of(MODEL)) == {"mvp", "smoke"}
    assert found(tmp_path, books) == {}


@pytest.mark.parametrize(
    ("changes", "rule", "says"),
    [
        ({"grade": "B"}, "grade", "the score 1000 has the grade A+, the row says B"),
        ({"grade": "-"}, "grade", "the row says -"),
        ({"mqs_score": 999}, "score", "its evidence gives the score 1000, the row says 999"),
        ({"mqs_score": None, "grade": ""}, "status", "PROVISIONAL needs a score of 700, the row has no score"),
        ({"mqs_score": 650, "grade": "F"}, "status", "the row has the score 650"),
        ({"status": "CERTIFIED"}, "tier", "the tier mvp cannot certify: it awards at most PROVISIONAL"),
        ({"status": "CERTIFIED"}, "status", "its record says PROVISIONAL, not CERTIFIED"),
        ({"certified_tier": "smoke"}, "tier", "the tier smoke awards nothing"),
        ({"certified_tier": "none"}, "tier", "without a tier that could award it: none"),
        ({"certified_tier": "deep"}, "tier", "the evidence is of the tier mvp, the row says deep"),
        ({"gates": dict.fromkeys(("g1", "g2", "g3", "g4"), False)}, "gateways", "g1, g2, g3, g4 not passed in the row"),
        ({"gates": dict.fromkeys(("g1", "g2", "g3", "g4"), False)}, "gateways", "not those of its evidence"),
        ({"tps": {"tps_gguf_cpu": 99.0}}, "score", "the speeds are not those of its evidence"),
        ({"size_category": "huge"}, "size", "2M parameters are tiny, the row says 'huge'"),
        ({"parameters": "many"}, "size", "parameters 'many' are no count"),
        ({"last_certified": ""}, "date", "expected the date of the measurement, found 'nothing'"),
        ({"last_certified": "2026-06-01T10:00:00Z"}, "date", "its evidence was measured at 2026-05-31T12:00:00Z"),
        ({"last_certified": "2027-06-01T10:00:00Z"}, "date", "measured in the future"),
        ({"status": "SPLENDID"}, "status", "no status is called 'SPLENDID'"),
        ({"provenance_verified": True}, "provenance", "provenance_verified, although PROV-003"),
    ],
)
def test_a_row_that_was_tampered_with_is_found(
    tmp_path: Path, changes: Mapping[str, object], rule: str, says: str
) -> None:
    made = a_run()
    if rule == "provenance":
        without = tuple(it.model_copy(update={"digests": {}}) for it in made.weights)
        made = made.model_copy(update={"weights": without})
    books = with_only(posted(tmp_path, made), changes)
    assert any(says in problem for problem in found(tmp_path, books)[rule])


def test_an_award_is_stale_after_90_days(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run())
    assert found(tmp_path, books, now=NOW + timedelta(days=89)) == {}
    (problem,) = found(tmp_path, books, now=NOW + timedelta(days=92))["date"]
    assert problem == "stale: measured 93 days ago, an award holds for 90"


def test_an_award_without_its_evidence_is_found(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run())
    (tmp_path / KEPT).unlink()
    assert "expected an evidence file, found nothing" in found(tmp_path, books)["evidence"][0]


def test_evidence_of_other_bytes_is_found(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run())
    path = tmp_path / KEPT
    path.write_bytes(path.read_bytes() + b"\n")
    assert "recorded is" in found(tmp_path, books)["evidence"][0]


@pytest.mark.parametrize(
    ("made", "rule", "says"),
    [
        (with_failure(a_run(), "G2-BASIC"), "gateways", "in its evidence G2 is failed"),
        (with_failure(a_run(), "G2-BASIC"), "status", "its evidence gives BLOCKED, the row says PROVISIONAL"),
        (a_run(records=a_run().records[:3]), "gateways", "G4 is unknown"),
        (a_run(selection=Selection.PARTIAL), "evidence", "a partial run awards nothing"),
        (a_run("smoke"), "tier", "the evidence is of the tier smoke"),
        (a_run(playbook=a_run().playbook.model_copy(update={"model": "x/y"})), "evidence", "is about x/y"),
        (a_run(weights=(WeightsInfo(target="safetensors-cpu", folder="/m", source=""),)), "provenance", "PROV-002"),
        (a_run(playbook=a_run().playbook.model_copy(update={"sha256": "cd" * 32})), "playbook", "the evidence cdcdcd"),
    ],
)
def test_evidence_that_does_not_give_the_award_is_found(tmp_path: Path, made: Evidence, rule: str, says: str) -> None:
    books = rewritten(tmp_path, posted(tmp_path, a_run()), made)
    assert any(says in problem for problem in found(tmp_path, books)[rule])


def test_a_playbook_that_changed_since_is_found(tmp_path: Path) -> None:
    playbook = tmp_path / "a.playbook.yaml"
    playbook.write_text("name: a\n")
    made = a_run(playbook=a_run().playbook.model_copy(update={"path": str(playbook)}))
    (problem,) = found(tmp_path, posted(tmp_path, made))["playbook"]
    assert "has changed since: it was abababababab" in problem


def test_foreign_evidence_that_is_recorded_as_ours_is_found(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run())
    item = {
        "gate_id": "F-A1-001",
        "outcome": "Corroborated",
        "scenario": {"model": {"org": "aprqa", "name": "aprqa-tiny"}},
    }
    (tmp_path / KEPT).write_text(json.dumps([item]))
    assert any("written by another tool" in problem for problem in found(tmp_path, books)["evidence"])


@pytest.mark.parametrize("status", ["CERTIFIED", "PROVISIONAL"])
def test_an_award_without_a_record_is_found(tmp_path: Path, status: str) -> None:
    books = read_books(tmp_path / "models.csv")
    row = Row(MODEL, parameters="2M", size_category="tiny", status=status, mqs_score=950, grade="A+")
    books = replace(books, registry=books.registry.with_row(row))
    assert found(tmp_path, books)["evidence"] == [f"{status}, but no record says on which evidence it rests"]


def test_a_model_that_stands_twice_and_a_record_without_a_row_are_found(tmp_path: Path) -> None:
    rows = (
        Row(MODEL, parameters="2M", size_category="tiny"),
        Row(MODEL.upper(), parameters="2M", size_category="tiny"),
    )
    awards = read_books(tmp_path / "models.csv").awards.with_award("x/y", Award(origin=Origin.MEASURED))
    findings = check(Registry(tmp_path / "models.csv", rows=rows), awards, root=tmp_path, now=NOW)
    assert [(it.model_id, it.rule.value) for it in findings] == [(MODEL, "row"), ("x/y", "row")]
    assert findings[0].problem.startswith("stands in 2 rows")


def test_a_pass_turned_into_a_failure_cannot_hide(tmp_path: Path) -> None:
    """Editing evidence and its digest alike still leaves the score that the records give."""
    made = a_run()
    records = (made.records[-1].model_copy(update={"outcome": Outcome.FALSIFIED}), *made.records[:-1])
    books = rewritten(tmp_path, posted(tmp_path, made), made.model_copy(update={"records": records}))
    assert "its evidence gives the score 981" in found(tmp_path, books)["score"][0]
