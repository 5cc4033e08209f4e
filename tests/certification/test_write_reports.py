from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytest_aprqa.certification import ALL_FORMS, ReportForm, digest_of, write_reports
from pytest_aprqa.certification.write_reports import remove_reports
from pytest_aprqa.core import EvidenceError, Modality, Outcome
from pytest_aprqa.evidence import Evidence, write_evidence
from pytest_aprqa.scoring import Rules, score
from tests.reports.samples import CPU, case, evidence, gateways, good, hostile_fields

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def written(folder: Path, made: Evidence, *forms: ReportForm) -> dict[str, Path]:
    digest = digest_of(write_evidence(folder, made))
    mqs = score(made.records, Rules("mvp"))
    files = write_reports(folder, made, mqs, forms or ALL_FORMS, evidence_sha256=digest, now=NOW)
    return {path.name: path for path in files}


def test_every_form_has_its_file(tmp_path: Path) -> None:
    files = written(tmp_path, good())
    assert len(files) == len(ALL_FORMS) + 1, "the certificate has two"
    assert files["report.html"].read_text().lstrip().lower().startswith("<!doctype html>")
    assert ElementTree.parse(files["junit.xml"]).getroot().tag == "testsuites"
    statement = json.loads(files["statement.json"].read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert json.loads(files["mqs.json"].read_text())["mqs"] == 1000
    digest = digest_of(tmp_path / "evidence.json")
    assert digest in files["certificate.md"].read_text()


def test_only_what_is_asked_for_is_written(tmp_path: Path) -> None:
    files = written(tmp_path / "made here", good(), ReportForm.MARKDOWN, ReportForm.MARKDOWN)
    assert list(files) == ["report.md"]


def test_hostile_text_is_written_all_the_same(tmp_path: Path) -> None:
    hostile = case("x", Modality.RUN, outcome=Outcome.CRASHED, answer="\ud800\x1b[2J<script>alert(1)</script>")
    broken = hostile.model_copy(update=hostile_fields())
    made = evidence([*gateways(CPU), broken])
    mqs = score(made.records, Rules("mvp"))
    forms = (ReportForm.HTML, ReportForm.JUNIT, ReportForm.MARKDOWN, ReportForm.MQS)
    files = write_reports(tmp_path, made, mqs, forms, evidence_sha256="ab" * 32, now=NOW)
    assert all(path.read_text(encoding="utf-8") for path in files)
    ElementTree.parse(tmp_path / "junit.xml")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="cannot be written"):
        write_reports(
            tmp_path / "file", good(), score(good().records, Rules("mvp")), evidence_sha256="ab" * 32, now=NOW
        )


def test_removing_leaves_nothing_and_asks_for_nothing(tmp_path: Path) -> None:
    files = written(tmp_path, good())
    remove_reports(tmp_path)
    remove_reports(tmp_path)
    assert not any(path.exists() for path in files.values())
    assert (tmp_path / "evidence.json").exists()


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    content = b"x" * 3_000_000
    (tmp_path / "file").write_bytes(content)
    assert digest_of(tmp_path / "file") == sha256(content).hexdigest()
