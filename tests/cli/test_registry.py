from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.running import apr_qa, apr_qa_process
from tests.registry.samples import a_run, csv_in, line, posted, with_failure
from tests.reports.samples import MODEL

NOW = datetime.now(UTC)
README = "x\n<!-- CERTIFICATION_TABLE_START -->\n<!-- CERTIFICATION_TABLE_END -->\n"
CERTIFIED = {"status": "CERTIFIED", "mqs_score": "1000", "grade": "A", "certified_tier": "mvp"}


def measured(folder: Path, tier: str = "mvp") -> Path:
    posted(folder, a_run(tier, at=NOW - timedelta(hours=1)), now=NOW)
    return folder / "models.csv"


def test_check_of_rows_that_nothing_contradicts_is_0(tmp_path: Path) -> None:
    done = apr_qa_process("registry", "check", "--csv", measured(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 rows: nothing found\n", "")


def test_check_names_model_rule_and_problem_and_is_1(tmp_path: Path) -> None:
    csv = csv_in(tmp_path, line(**CERTIFIED))
    done = apr_qa("registry", "check", "--csv", csv)
    assert done.returncode == 1
    assert f"{MODEL}\n" in done.stdout
    assert "  tier       the tier mvp cannot certify: it awards at most PROVISIONAL\n" in done.stdout
    found = json.loads(apr_qa("registry", "check", "--csv", csv, "--json").stdout)
    assert (found["passed"], found["rows"]) == (False, 1)
    assert {"model_id": MODEL, "rule": "evidence"}.items() <= found["findings"][-1].items()


def test_check_shows_what_published_evidence_says(corpus: Path) -> None:
    done = apr_qa("registry", "check", "--csv", corpus / "models.csv", "--evidence", corpus / "evidence")
    assert done.returncode == 1
    assert "smollm2-135m-instruct.json: G2 failed in its evidence: 2 records" in done.stdout


@pytest.mark.parametrize("content", ["model_id\n", "\x00", ""])
def test_a_file_that_is_no_registry_is_2_and_no_traceback(tmp_path: Path, content: str) -> None:
    path = tmp_path / "models.csv"
    path.write_text(content)
    done = apr_qa("registry", "check", "--csv", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {path}")


def test_import_marks_statuses_as_unverified_and_tells_what_contradicts_them(tmp_path: Path, corpus: Path) -> None:
    csv = tmp_path / "models.csv"
    done = apr_qa(
        "registry", "import", corpus / "models.csv", "--csv", csv, "--evidence", corpus / "evidence", "--json"
    )
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (len(told["added"]), len(told["imported"]), told["kept"]) == (92, 21, [])
    assert sum("mvp cannot certify" in finding["problem"] for finding in told["findings"]) == 9
    shown = apr_qa("registry", "show", "SmolLM2-135M-Instruct", "--csv", csv)
    assert shown.returncode == 1
    assert "standing    CERTIFIED (imported, unverified, stale," in shown.stdout
    again = apr_qa("registry", "import", corpus / "models.csv", "--csv", csv)
    assert "0 models added, 21 statuses imported as unverified" in again.stdout


def test_sync_writes_the_table_once(tmp_path: Path) -> None:
    csv, readme = measured(tmp_path), tmp_path / "README.md"
    readme.write_text(README)
    words = ("registry", "sync", "--csv", csv, "--readme", readme)
    assert apr_qa(*words, "--check").returncode == 1
    assert readme.read_text() == README
    assert apr_qa(*words).stdout == f"{readme}: the table was written\n"
    assert "![provisional](https://img.shields.io/badge/PROVISIONAL-yellow)" in readme.read_text()
    assert apr_qa(*words, "--check").returncode == 0
    assert json.loads(apr_qa(*words, "--json").stdout) == {"readme": str(readme), "changed": False, "written": False}


def test_sync_without_a_marker_is_2_and_writes_nothing(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("x\n")
    done = apr_qa("registry", "sync", "--csv", measured(tmp_path), "--readme", readme)
    assert done.returncode == 2
    assert "expected one line <!-- CERTIFICATION_TABLE_START -->, found 0" in done.stderr
    assert readme.read_text() == "x\n"


def test_sync_reads_no_device(tmp_path: Path) -> None:
    done = apr_qa("registry", "sync", "--csv", measured(tmp_path), "--readme", "/dev/zero")
    assert done.returncode == 2
    assert "not a regular file" in done.stderr


@pytest.mark.parametrize(
    "name", ["name", "/name", "org/", "../../name", "a/b/c", "a/b c", "a/<b>", "a/b)", "a/b--c", "a/é"]
)
def test_add_of_what_is_no_name_of_a_model_is_2_and_writes_nothing(tmp_path: Path, name: str) -> None:
    csv = tmp_path / "models.csv"
    done = apr_qa("registry", "add", name, "--csv", csv, "--family", "f", "--parameters", "7B")
    assert (done.returncode, csv.exists()) == (2, False)
    assert "expected org/name" in done.stderr


def test_add_makes_a_pending_row_and_corrects_facts(tmp_path: Path) -> None:
    csv = tmp_path / "models.csv"
    words = ("registry", "add", "Org/Name", "--csv", csv, "--family", "f")
    assert apr_qa(*words, "--parameters", "135M").stdout == f"{csv}: Org/Name, f, 135M (tiny), PENDING\n"
    assert json.loads(apr_qa(*words, "--parameters", "40B", "--json").stdout)["size_category"] == "huge"
    assert csv.read_text().count("\n") == 2
    assert "found 'many'" in apr_qa(*words, "--parameters", "many").stderr
    assert apr_qa("registry", "add", "name", "--csv", csv, "--family", "f", "--parameters", "1B").returncode == 2


def test_show_tells_all_that_is_known(tmp_path: Path) -> None:
    csv = measured(tmp_path)
    posted(tmp_path, with_failure(a_run("smoke", at=NOW), "G2-BASIC"), now=NOW)
    done = apr_qa("registry", "show", "aprqa-tiny", "--csv", csv)
    assert "standing    PROVISIONAL (blocked in a later smoke run)\n" in done.stdout
    assert "score       1000 of 1000, grade A+\n" in done.stdout
    assert "smoke run   not passed, BLOCKED, 0 of 1000" in done.stdout
    told = json.loads(apr_qa("registry", "show", MODEL, "--csv", csv, "--json").stdout)
    assert (told["award"]["tier"], told["holds"], set(told["runs"])) == ("mvp", False, {"mvp", "smoke"})


def test_show_of_an_unknown_model_suggests_one(tmp_path: Path) -> None:
    done = apr_qa("registry", "show", "aprqa/aprqa-tny", "--csv", measured(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"did you mean {MODEL}?" in done.stderr
