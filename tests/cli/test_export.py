from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.certification import TOOLS_NAME, digest_of, write_reports
from pytest_aprqa.evidence import Journal, JournalHeader, read_evidence
from pytest_aprqa.registry import read_awards, read_registry
from pytest_aprqa.scoring import score_evidence
from tests.cli.running import apr_qa, apr_qa_process
from tests.registry.samples import NOW, a_file, a_run, csv_in, line, with_failure
from tests.reports.samples import MODEL


def test_rows_come_from_every_evidence_file_below_a_folder(tmp_path: Path) -> None:
    a_file(tmp_path / "deep" / "er", a_run())
    (tmp_path / "broken.json").write_text("{")
    csv = tmp_path / "out" / "models.csv"
    done = apr_qa_process("export-csv", "-e", tmp_path, "-o", csv)
    assert done.returncode == 0
    assert done.stdout == f"{csv}: 1 models from 1 evidence files\n"
    assert "broken.json: not JSON" in done.stderr
    (row,) = read_registry(csv).rows
    assert (row.model_id, row.status, row.mqs_score) == (MODEL, "PROVISIONAL", 1000)
    assert read_awards(csv).of(MODEL) is not None


def test_what_this_package_writes_beside_evidence_is_passed_over(tmp_path: Path) -> None:
    made, file = a_run(), a_file(tmp_path, a_run())
    write_reports(file.parent, made, score_evidence(made), evidence_sha256=digest_of(file), now=NOW)
    for name in (TOOLS_NAME, "awards.json"):
        (file.parent / name).write_text("{}")
    done = apr_qa("export-csv", "-e", tmp_path, "-o", tmp_path / "models.csv")
    assert (done.returncode, done.stderr) == (0, "")


def test_append_keeps_all_other_rows_and_without_it_a_file_is_never_overwritten(tmp_path: Path) -> None:
    a_file(tmp_path, with_failure(a_run(), "G2-BASIC"))
    other = line("x/y", family="x", status="FAIL", size_category="huge")
    csv = csv_in(tmp_path, line(), other)
    before = csv.read_bytes()
    refused = apr_qa("export-csv", "-e", tmp_path, "-o", csv)
    assert (refused.returncode, refused.stdout, csv.read_bytes()) == (2, "", before)
    assert "--append keeps its other rows" in refused.stderr
    done = apr_qa("export-csv", "-e", tmp_path, "-o", csv, "--append", "--json")
    assert json.loads(done.stdout)["models"] == [MODEL]
    assert csv.read_text().splitlines()[2] == other
    assert [row.status for row in read_registry(csv).rows] == ["BLOCKED", "FAIL"]


def test_a_folder_without_evidence_is_1_and_writes_nothing(tmp_path: Path) -> None:
    done = apr_qa("export-csv", "-e", tmp_path, "-o", tmp_path / "models.csv")
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


def test_all_published_evidence_is_exported_and_no_model_is_awarded(tmp_path: Path, corpus: Path) -> None:
    csv = tmp_path / "models.csv"
    done = apr_qa("export-csv", "-e", corpus / "evidence", "-o", csv, "--json")
    assert json.loads(done.stdout)["unreadable"] == []
    rows = read_registry(csv).rows
    assert len(rows) == 22
    assert {row.status for row in rows} == {"BLOCKED", "PARTIAL"}


def test_the_exchange_form_is_written_and_read_back(tmp_path: Path) -> None:
    source = a_file(tmp_path, a_run())
    done = apr_qa_process(
        "export-evidence", source, "-o", tmp_path / "out", "--family", "f", "--csv", tmp_path / "none"
    )
    path = tmp_path / "out" / "aprqa-aprqa-tiny.json"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}\n", "")
    made = json.loads(path.read_text())
    assert made["model"] == {"hf_repo": MODEL, "family": "f", "size": "unknown", "format": "safetensors"}
    assert made["playbook"] == {"name": "aprqa-tiny-mvp", "version": "ab" * 6, "tier": "mvp"}
    assert made["mqs"]["score"] == 1000
    assert read_evidence(path).playbook.model == MODEL


def test_family_and_size_come_from_the_registry(tmp_path: Path) -> None:
    source, csv = a_file(tmp_path, a_run()), csv_in(tmp_path, line(family="known"))
    done = apr_qa("export-evidence", source, "-o", tmp_path, "--csv", csv, "--tier", "full", "--json")
    told = json.loads(done.stdout)
    assert (told["model"]["family"], told["model"]["size"], told["playbook"]["tier"]) == ("known", "tiny", "deep")


def test_a_journal_is_exported_too(tmp_path: Path) -> None:
    made, path = a_run(), tmp_path / "evidence.jsonl"
    with Journal.start(path, JournalHeader(run=made.run, host=made.host, playbook=made.playbook)) as journal:
        for record in made.records:
            journal.append(record)
    done = apr_qa("export-evidence", path, "-o", tmp_path, "--csv", tmp_path / "none", "--json")
    assert json.loads(done.stdout)["summary"]["total_scenarios"] == len(made.records)


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--tier", "best"), "--tier: expected one of smoke, mvp"), (("--model", "x/y"), "holds no evidence of x/y")],
)
def test_a_wrong_tier_or_model_is_2(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = apr_qa("export-evidence", a_file(tmp_path, a_run()), "-o", tmp_path, "--csv", tmp_path / "none", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
