from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.core import Gateway
from pytest_aprqa.evidence import Evidence, Journal, JournalHeader, write_evidence
from tests.cli.running import Done, apr_qa, apr_qa_process
from tests.reports.samples import blocked, eventful, good, weights_missing


def written(folder: Path, made: Evidence) -> Path:
    return write_evidence(folder, made)


def test_a_model_that_qualifies_is_0(tmp_path: Path) -> None:
    done = apr_qa_process("score", written(tmp_path, good()))
    assert (done.returncode, done.stderr) == (0, "")
    assert "PROVISIONAL, tier mvp passed; MQS 1000 .. 1000 of 1000 (normalized 100.0," in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("made", [blocked(), eventful(), weights_missing()], ids=["blocked", "too little", "nothing"])
def test_a_model_that_does_not_qualify_is_1(tmp_path: Path, made: Evidence) -> None:
    assert apr_qa("score", written(tmp_path, made)).returncode == 1


def test_json_says_the_same_as_an_object(tmp_path: Path) -> None:
    done = apr_qa("score", written(tmp_path, blocked()), "--json")
    scored = json.loads(done.stdout)
    assert done.returncode == 1
    assert (scored["raw_score"], scored["grade"], scored["status"]) == (0, "F", "BLOCKED")
    assert scored["gateways"]["G0"] == "failed"
    assert set(scored["gateways"]) == set(Gateway)
    assert scored["categories"]["STAB"]["passed"] == 14


def test_the_upstream_policy_gives_full_marks_for_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, weights_missing())
    scored = json.loads(apr_qa("score", file, "--score-policy", "upstream", "--json").stdout)
    assert (scored["raw_score"], scored["score_policy"]) == (1000, "upstream")
    done = apr_qa("score", file, "--score-policy", "upstream")
    assert done.returncode == 0
    assert "raw_score         1000 of 1000" in done.stdout


def test_a_model_is_picked_and_another_is_refused_with_a_hint(tmp_path: Path) -> None:
    file = written(tmp_path, good())
    assert json.loads(apr_qa("score", file, "-m", "aprqa-tiny", "--json").stdout)["model"] == "aprqa/aprqa-tiny"
    done = apr_qa("score", file, "--model", "aprqa/aprqa-tin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean aprqa/aprqa-tiny?" in done.stderr


def test_json_prints_what_every_reader_of_scores_needs(tmp_path: Path) -> None:
    for policy in ("project", "upstream"):
        scored = json.loads(apr_qa("score", written(tmp_path, good()), "--json", "--score-policy", policy).stdout)
        assert {"raw_score", "normalized_score", "grade", "gateways", "categories"} <= set(scored)


def test_a_journal_is_scored_as_a_partial_run(tmp_path: Path) -> None:
    made, path = good(), tmp_path / "evidence.jsonl"
    with Journal.start(path, JournalHeader(run=made.run, host=made.host, playbook=made.playbook)) as journal:
        for record in made.records:
            journal.append(record)
    done = apr_qa("score", path)
    assert done.returncode == 0
    assert "status PARTIAL" in done.stdout
    assert "read from a journal" in done.stdout


def test_an_error_is_no_traceback(tmp_path: Path) -> None:
    done = apr_qa_process("score", tmp_path / "missing.json")
    assert done == Done(2, "", f"Error: {tmp_path / 'missing.json'}: expected an evidence file, found nothing\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "truncated"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "not evidence"),
        (b'{"schema_version": "9"}', "schema_version"),
        (b'[{"gate_id": "G1", "outcome": "maybe"}]', "outcome"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_unreadable_evidence_is_2_with_one_message(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "evidence.json"
    file.write_bytes(content)
    done = apr_qa("score", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {file}")
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["missing.json", "missing.jsonl", ".", "a\x1bb"])
def test_a_file_that_is_not_there_is_2(tmp_path: Path, name: str) -> None:
    done = apr_qa("score", tmp_path / name)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "\x1b" not in done.stderr


def test_a_stream_that_knows_ascii_only_gets_ascii(tmp_path: Path) -> None:
    done = apr_qa("score", written(tmp_path, eventful()), encoding="ascii")
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert "QUAL  ###" in done.stdout


def test_published_evidence_is_scored_as_it_was(corpus: Path) -> None:
    expected = json.loads((corpus / "mqs_expected.json").read_text())["rows"]
    row = next(row for row in expected if (corpus / "evidence" / f"{row['dir']}.json").is_file())
    file = corpus / "evidence" / f"{row['dir']}.json"
    done = apr_qa("score", file, "--score-policy", "upstream", "--json")
    scored = json.loads(done.stdout)
    assert {key: scored[key] for key in ("raw_score", "grade", "gateways")} == {
        key: row["mqs"][key] for key in ("raw_score", "grade", "gateways")
    }
    assert apr_qa("score", file).returncode == 1
