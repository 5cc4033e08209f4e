from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence, Journal, JournalHeader, plain_json, write_evidence
from tests.cli.running import apr_qa, apr_qa_process
from tests.reports.samples import CPU, HOSTILE, blocked, case, eventful, evidence, good, hostile_fields

ALL = {
    "report.html",
    "junit.xml",
    "report.md",
    "certificate.md",
    "certificate.html",
    "statement.json",
    "mqs.json",
}
QUICK = "junit,markdown,certificate,statement"


def written_by(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"evidence.json", "evidence.jsonl"}


def test_every_report_is_written_beside_the_evidence(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, eventful())
    done = apr_qa_process("report", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert written_by(tmp_path) == ALL
    assert {Path(line).name for line in done.stdout.splitlines()} == ALL


def test_a_report_is_no_judgement(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, blocked())
    assert apr_qa("report", file, "--formats", QUICK).returncode == 0
    assert (tmp_path / "certificate.md").read_text().startswith("# BLOCKED: record of an mvp run")


def test_json_names_the_files_and_nothing_else_is_printed(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, good())
    done = apr_qa("report", file, "-o", tmp_path / "out", "--formats", "certificate", "--json")
    told = json.loads(done.stdout)
    assert told == {
        "model": "aprqa/aprqa-tiny",
        "status": "PROVISIONAL",
        "files": [str(tmp_path / "out" / name) for name in ("certificate.md", "certificate.html", "mqs.json")],
        "left_out": {},
    }
    assert written_by(tmp_path / "out") == {"certificate.md", "certificate.html", "mqs.json"}


def test_the_papers_name_the_evidence_by_its_digest(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, good())
    assert apr_qa("report", file, "--formats", QUICK).returncode == 0
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert digest in (tmp_path / "certificate.md").read_text()
    statement = json.loads((tmp_path / "statement.json").read_text())
    assert statement["predicate"]["configuration"][1]["digest"] == {"sha256": digest}


def test_the_score_is_written_as_it_is_printed(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, eventful())
    assert apr_qa("report", file, "--formats", "mqs").returncode == 0
    printed = json.loads(apr_qa("score", file, "--json").stdout)
    kept = json.loads((tmp_path / "mqs.json").read_text())
    assert {key: printed[key] for key in kept} == kept


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("junti", "--formats: expected some of html, junit, markdown, certificate, statement, mqs, all; found 'junti'"),
        ("junti", "did you mean 'junit'?"),
        ("html,pdf", "found 'pdf'"),
        ("", "found ''"),
        (",", "found ''"),
    ],
)
def test_an_unknown_report_is_wrong_usage_and_writes_nothing(tmp_path: Path, words: str, problem: str) -> None:
    file = write_evidence(tmp_path, good())
    done = apr_qa("report", file, "--formats", words)
    assert done.returncode == 2
    assert problem in " ".join(done.stderr.replace("│", " ").split())
    assert written_by(tmp_path) == set()


def test_a_journal_gives_every_report_that_needs_no_digests(tmp_path: Path) -> None:
    made, path = good(), tmp_path / "evidence.jsonl"
    with Journal.start(path, JournalHeader(run=made.run, host=made.host, playbook=made.playbook)) as journal:
        for record in made.records:
            journal.append(record)
    path.write_bytes(path.read_bytes()[:-30])
    done = apr_qa("report", path)
    assert done.returncode == 0
    assert written_by(tmp_path) == {"report.html", "junit.xml", "report.md", "mqs.json"}
    assert "no certificate: the evidence holds no digests" in done.stderr
    assert "no statement: " in done.stderr


@pytest.mark.parametrize("form", ["certificate", "statement"])
def test_a_paper_that_was_asked_for_and_cannot_be_made_is_2_and_writes_nothing(tmp_path: Path, form: str) -> None:
    file = tmp_path / "foreign.json"
    file.write_text('[{"gate_id": "F-A1-001", "outcome": "Corroborated"}]')
    done = apr_qa("report", file, "-o", tmp_path / "out", "--formats", f"junit,{form}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no certificate: evidence of another tool" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_is_picked_and_another_is_refused_with_a_hint(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, good())
    assert apr_qa("report", file, "-m", "aprqa-tiny", "--formats", "mqs").returncode == 0
    done = apr_qa("report", file, "-m", "aprqa/aprqa-tin", "--formats", "mqs")
    assert done.returncode == 2
    assert "did you mean aprqa/aprqa-tiny?" in done.stderr


def test_a_comparison_is_part_of_the_page(tmp_path: Path) -> None:
    before = write_evidence(tmp_path / "before", good())
    flipped = [*good().records, case("new", Modality.RUN, CPU, Outcome.FALSIFIED)]
    after = write_evidence(tmp_path / "after", evidence(flipped))
    pages = []
    for options in ((), ("--compare", before)):
        assert apr_qa("report", after, "--formats", "html", *options).returncode == 0
        pages.append((tmp_path / "after" / "report.html").read_text())
    assert pages[0] != pages[1]
    missing = apr_qa("report", after, "--formats", "html", "--compare", tmp_path / "none.json")
    assert missing.returncode == 2
    assert "found nothing" in missing.stderr


def test_a_comparison_without_the_page_that_shows_it_is_wrong_usage(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, good())
    done = apr_qa("report", file, "--formats", "junit", "--compare", file)
    assert done.returncode == 2
    assert "--compare: the comparison is part of the HTML page; expected html among --formats" in done.stderr
    assert written_by(tmp_path) == set()


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"{}", b"\xff\xfe", b"[NaN]", b"null"])
def test_unreadable_evidence_is_2_with_one_message(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "evidence.json"
    file.write_bytes(content)
    done = apr_qa("report", file, "-o", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {file}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["missing.json", "missing.jsonl", ".", "a\x1bb"])
def test_a_file_that_is_not_there_is_2(tmp_path: Path, name: str) -> None:
    done = apr_qa("report", tmp_path / name)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr


def test_a_folder_that_cannot_be_written_is_2(tmp_path: Path) -> None:
    file = write_evidence(tmp_path, good())
    (tmp_path / "file").write_text("")
    done = apr_qa("report", file, "-o", tmp_path / "file" / "below", "--formats", "junit")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def hostile() -> Evidence:
    words = ("<script>alert(1)</script>", "$(reboot); `reboot` && rm -rf ~", "]]>&x;<!--", HOSTILE)
    records = [
        case(f"c{number}", Modality.RUN, CPU, outcome, answer=f"{word}", **{**hostile_fields(), "turns": (word,)})
        for number, (word, outcome) in enumerate((word, outcome) for word in words for outcome in Outcome)
    ]
    return evidence(records)


def test_hostile_evidence_gives_every_report_and_runs_nothing(tmp_path: Path) -> None:
    # A file cannot hold half a surrogate pair; the rest of the hostile texts stays as it is.
    (tmp_path / "evidence.json").write_text(json.dumps(plain_json(hostile().model_dump(mode="python"))))
    done = apr_qa("report", tmp_path / "evidence.json")
    assert done.returncode == 0
    assert written_by(tmp_path) == ALL
    ElementTree.parse(tmp_path / "junit.xml")
    for name in ("report.html", "report.md", "certificate.html", "certificate.md", "junit.xml"):
        # Within a code block Markdown shows what stands there.
        text = re.sub(r"^(`{3,})text\n.*?\n\1$", "", (tmp_path / name).read_text(), flags=re.MULTILINE | re.DOTALL)
        assert "<script>alert" not in text
        assert "\x1b" not in text


def test_every_published_file_scores_and_reports(corpus: Path, tmp_path: Path) -> None:
    files = sorted((corpus / "evidence").glob("*.json"))
    assert len(files) == 27
    for file in files:
        out = tmp_path / file.stem
        done = apr_qa("report", file, "-o", out)
        assert done.returncode == 0
        assert written_by(out) == {"report.html", "junit.xml", "report.md", "mqs.json"}
        assert "no certificate: evidence of another tool (form array)" in done.stderr
        assert apr_qa("score", file).returncode in (0, 1)
