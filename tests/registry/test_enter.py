from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_aprqa.registry import (
    Origin,
    RegistryError,
    enter,
    enter_all,
    index_evidence,
    read_books,
    read_evidence_file,
)
from pytest_aprqa.registry import evidence_files as files_module
from tests.registry.samples import NOW, RUN_AT, a_file, a_run, only_row, posted, with_failure
from tests.reports.samples import MODEL

FOREIGN = [
    {
        "gate_id": "F-A1-001",
        "outcome": "Corroborated",
        "timestamp": "2026-02-13T00:45:20.430428576Z",
        "scenario": {"model": {"org": "x", "name": "y"}},
    }
]


def test_a_run_is_recorded_with_everything_that_the_csv_cannot_hold(tmp_path: Path) -> None:
    books = posted(tmp_path, a_run())
    award = books.awards.of(MODEL)
    assert award is not None
    assert award.evidence == "aprqa--aprqa-tiny/evidence-mvp.json"
    assert award.evidence_sha256 == read_evidence_file(tmp_path / award.evidence).sha256
    assert (award.origin, award.tier, award.status, award.passed) == (Origin.MEASURED, "mvp", "PROVISIONAL", True)
    assert award.gateways == dict.fromkeys(("G0", "G1", "G2", "G3", "G4"), "passed")
    assert (award.playbook_sha256, award.at) == ("ab" * 32, f"{RUN_AT:%Y-%m-%dT%H:%M:%SZ}")


def test_a_smoke_run_is_recorded_and_leaves_the_row_pending(tmp_path: Path) -> None:
    books = posted(tmp_path, with_failure(a_run("smoke"), "G2-BASIC"))
    assert only_row(books).status == "PENDING"
    assert books.awards.of(MODEL) is None
    run = books.awards.runs_of(MODEL)["smoke"]
    assert (run.status, run.passed, run.evidence) == ("BLOCKED", False, "aprqa--aprqa-tiny/evidence-smoke.json")


def test_foreign_evidence_is_imported_without_an_award(tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(FOREIGN))
    done = enter(read_books(tmp_path / "models.csv"), read_evidence_file(path), now=NOW)
    assert (done.row.model_id, done.row.status, done.row.last_certified) == ("x/y", "PARTIAL", "2026-02-13T00:45:20Z")
    award = done.books.awards.of("x/y")
    assert award is not None
    assert award.origin is Origin.IMPORTED


def test_foreign_evidence_never_takes_the_place_of_a_measurement(tmp_path: Path) -> None:
    posted(tmp_path, a_run())
    before = read_books(tmp_path / "models.csv")
    org, name = MODEL.split("/")
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps([{**FOREIGN[0], "scenario": {"model": {"org": org, "name": name}}}]))
    done = enter(before, read_evidence_file(path), now=NOW)
    assert (done.changed, done.books) == (False, before)
    assert "measured here already" in done.remark


def test_of_a_folder_the_latest_file_of_a_model_counts(tmp_path: Path) -> None:
    a_file(tmp_path, with_failure(a_run(at=RUN_AT - timedelta(days=3)), "G2-BASIC"), name="z-old")
    a_file(tmp_path, a_run(at=RUN_AT), name="a-new")
    a_file(tmp_path, a_run("smoke", at=RUN_AT), name="smoke")
    (tmp_path / "junk.json").write_text("{}")
    (tmp_path / "awards.json").write_text("{}")
    index = index_evidence(tmp_path)
    done = enter_all(read_books(tmp_path / "models.csv"), index, now=NOW)
    assert only_row(done.books).status == "PROVISIONAL"
    assert [remark.partition(": ")[2] for remark in done.remarks] == ["a smoke run leaves the status: PENDING"]
    assert len(index.unreadable) == 1
    assert "junk.json: not evidence" in index.unreadable[0]


def test_the_kept_evidence_is_preferred_to_the_one_that_the_next_run_overwrites(tmp_path: Path) -> None:
    for tier in ("mvp", "deep"):
        posted(tmp_path / tier, a_run(tier))
        done = enter_all(read_books(tmp_path / tier / "new.csv"), index_evidence(tmp_path / tier), now=NOW)
        award = done.books.awards.of(MODEL)
        assert award is not None
        assert award.evidence == f"aprqa--aprqa-tiny/evidence-{tier}.json"


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "MAX_FILES", 2)
    for number in range(3):
        (tmp_path / f"{number}.json").write_text("{}")
    with pytest.raises(RegistryError, match="holds more than 2 json files"):
        index_evidence(tmp_path)
