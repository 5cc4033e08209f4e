from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_aprqa.evidence import Evidence, Journal, JournalHeader, write_evidence
from tests.cli.running import apr_qa, apr_qa_process
from tests.regression.runs import FAILED, PASSED, run, timed
from tests.reports.samples import evidence


def written(folder: Path, made: Evidence) -> Path:
    return write_evidence(folder, made)


def test_a_run_that_stands_is_0_and_a_worse_one_is_1(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "a", run(PASSED)), written(tmp_path / "b", run(FAILED))
    done = apr_qa_process("compare", good, good)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("no regression found\n")
    worse = apr_qa("compare", good, bad)
    assert worse.returncode == 1
    assert worse.stdout.startswith("regressed\n")
    assert "broke: run[safetensors-cpu-sum_0]" in worse.stdout
    assert apr_qa("compare", bad, good).returncode == 0


def test_json_is_one_object_with_the_verdict(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "a", run(PASSED)), written(tmp_path / "b", run(FAILED))
    done = apr_qa("compare", good, bad, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["conclusion"], told["before_file"], told["tally"]["broke"]) == ("regressed", str(good), 1)
    assert json.loads(apr_qa("compare", good, good, "--json").stdout)["passed"] is True


def test_nothing_compared_is_1(tmp_path: Path) -> None:
    file = written(tmp_path, evidence([]))
    done = apr_qa("compare", file, file)
    assert done.returncode == 1
    assert done.stdout.startswith("nothing compared\n")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 1),
        (("--max-broken", "6"), 1),  # six of six are more than chance
        (("--max-broken", "6", "--alpha", "0.01"), 0),
        (("--max-broken", "5", "--alpha", "0.01"), 1),
    ],
)
def test_limits_can_be_set(tmp_path: Path, options: tuple[str, ...], code: int) -> None:
    good, bad = written(tmp_path / "a", run(*[PASSED] * 6)), written(tmp_path / "b", run(*[FAILED] * 6))
    assert apr_qa("compare", good, bad, *options).returncode == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 1),
        (("--max-throughput-drop", "0.4"), 1),
        (("--max-throughput-drop", "0.4", "--max-latency-rise", "0.6"), 0),
    ],
)
def test_limits_of_speed_can_be_set(tmp_path: Path, options: tuple[str, ...], code: int) -> None:
    fast = written(tmp_path / "a", run(PASSED, more=[timed(100.0)]))
    slow = written(tmp_path / "b", run(PASSED, more=[timed(70.0)]))
    assert apr_qa("compare", fast, slow, *options).returncode == code


def test_markdown_is_written_beside_what_is_printed(tmp_path: Path) -> None:
    file, target = written(tmp_path, run(PASSED)), tmp_path / "out.md"
    done = apr_qa("compare", file, file, "--markdown", target, "--json")
    json.loads(done.stdout)
    assert target.read_text(encoding="utf-8").startswith("## aprqa/aprqa-tiny: no regression found")


def test_markdown_never_replaces_what_is_compared(tmp_path: Path) -> None:
    file = written(tmp_path, run(PASSED))
    before = file.read_bytes()
    done = apr_qa("compare", file, file, "--markdown", file)
    assert (done.returncode, file.read_bytes()) == (2, before)
    assert "expected another file than BEFORE and AFTER" in done.stderr


@pytest.mark.parametrize("option", ["--alpha", "--max-throughput-drop", "--max-latency-rise", "--max-divergence-rise"])
def test_a_limit_that_is_no_number_is_2(tmp_path: Path, option: str) -> None:
    file = written(tmp_path, run(PASSED))
    done = apr_qa("compare", file, file, option, "nan")
    assert done.returncode == 2
    assert "expected a number, found 'nan'" in done.stderr


def test_a_journal_is_compared_too(tmp_path: Path) -> None:
    made, path = run(PASSED), tmp_path / "evidence.jsonl"
    with Journal.start(path, JournalHeader(run=made.run, host=made.host, playbook=made.playbook)) as journal:
        for record in made.records:
            journal.append(record)
    done = apr_qa("compare", written(tmp_path / "a", made), path)
    assert done.returncode == 0
    assert "selection" in done.stdout


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_what_cannot_be_read_is_2(tmp_path: Path, content: bytes) -> None:
    good, broken = written(tmp_path, run(PASSED)), tmp_path / "broken.json"
    broken.write_bytes(content)
    for files in ((good, broken), (broken, good), (good, tmp_path / "missing.json")):
        done = apr_qa("compare", *files)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: ")


def test_two_published_files_are_compared(corpus: Path) -> None:
    files = [corpus / "evidence" / f"qwen2.5-coder-{size}-mvp.json" for size in ("7b", "3b")]
    done = apr_qa("compare", *files)
    assert "these are two models" in done.stdout
    assert done.returncode in (0, 1)
